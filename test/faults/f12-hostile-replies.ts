/** F12: replies that are none: without an end, without sense, with bytes that a terminal obeys. */

import { runCauseway } from '../support/gateway.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import type { Behaviour, Step } from './hop.ts'
import { setStage } from './stage.ts'

export const f12: Fault = { id: 'F12', title: 'hostile replies', run }

const maxGrowth = 60

/** What is written, again and again where it has no end. */
const floods: { readonly [name: string]: { readonly bytes: string; readonly isEndless?: true } } = {
  line: { bytes: 'x'.repeat(65_536), isEndless: true },
  lines: { bytes: `250-${'y'.repeat(60)}\r\n`.repeat(1000), isEndless: true },
  nul: { bytes: '250 \0\0\0\r\n' },
  garbage: { bytes: '\x80\xff\x01\x02 no reply\r\n' },
  short: { bytes: '25\r\n' },
  newlines: { bytes: '\r\n\r\n\n\n' },
  code: { bytes: '999 beyond\r\n' },
  terminal: { bytes: '451 4.0.0 \x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\r\n' },
  ahead: { bytes: '250 2.0.0 a\r\n250 2.0.0 b\r\n250 2.0.0 c\r\n354 d\r\n250 2.0.0 e\r\n' },
}
const steps: readonly Step[] = ['connect', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'dot']

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  const names = Object.keys(floods)
  await using stage = await setStage({ tenants: ['fabrikam', ...names] })
  const checks = makeChecks()
  const served = await stage.start()
  const before = served.rssMegabytes()
  const answers = new Set<string>()
  for (const name of names) {
    for (const step of isShort ? steps.filter((_, i) => i % 2 === 0) : steps) {
      stage.hop(name).behave(hostile(name, step))
      const told = await stage
        .sender()
        .send(stage.ledger.write({ from: 'a@contoso.example', to: [`${step}@${name}.example`] }))
      answers.add(told.reply)
      checks.must(
        /^(?:250|45\d|55\d)/.test(told.reply),
        `${name} at ${step}: the sender was told ${JSON.stringify(told.reply)}`,
      )
    }
    say(name)
  }
  checks.must(![...answers].some((reply) => /[\0-\x1f\x7f-\xff]/.test(reply)), 'control characters reached the sender')
  const grown = served.rssMegabytes() - before
  checks.must(grown < maxGrowth, `RSS grew by ${grown.toFixed(0)} MB`)
  const trace = JSON.stringify((await served.ask('GET', '/v1/trace?limit=10000'))?.body)
  const shown = await shownTrace(stage.data)
  checks.must(!/[\0-\x08\x0b-\x1f\x7f]/.test(shown), 'the trace shows control characters')
  checks.must(trace.length < 4_000_000, `the trace took ${trace.length} characters`)
  for (const name of names) stage.hop(name).behave(undefined)
  await stage.drain()
  const count = await stage.count()
  return {
    count,
    did: `${names.length} kinds at ${isShort ? 3 : steps.length} steps`,
    measured: `RSS +${grown.toFixed(0)} MB`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}

/** At the dot the message was not taken: what is said there is no 250. */
function hostile(name: string, at: Step): Behaviour {
  const { bytes = '', isEndless = false } = floods[name] ?? {}
  return ({ step, socket, take, lose }) => {
    if (step !== at) return undefined
    // These begin with a code that may be read as yes.
    if (step === 'dot' && (name === 'ahead' || name === 'nul' || name === 'lines')) {
      take()
      lose()
    }
    socket.write(bytes, 'latin1')
    if (isEndless) socket.on('drain', () => socket.write(bytes, 'latin1'))
    // What can be taken for no answer at all would be waited for.
    if (!isEndless && name !== 'ahead' && name !== 'terminal') setTimeout(() => socket.destroy(), 200).unref()
    return 'silence'
  }
}

/** As `causeway trace` prints it. */
async function shownTrace(data: string): Promise<string> {
  const { out } = await runCauseway(['--data', data, 'trace'])
  return out
}
