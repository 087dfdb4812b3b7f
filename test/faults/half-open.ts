/**
 * What F13 plays inside of its network: FAR NETWORK FORM. Clients behind a wire have come as far as each can come, and the
 * wire is cut: nobody ever hears of them again, no FIN and no RST. Prints the finding.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '../support/program.ts'
import { brokenCounts, type Checks, type Finding, makeChecks } from './fault.ts'
import type { Letter } from './ledger.ts'
import { must as mustRun } from './machine.ts'
import { stuffed } from './sender.ts'
import { type Stage, setStage } from './stage.ts'
import type { Vanishing } from './vanishing.ts'

const [near = '', network = '', form = 'short'] = process.argv.slice(2)
const isShort = form === 'short'
/** In each state. */
const each = isShort ? 3 : 20

type State = {
  readonly name: string
  /** What is said; the last piece without waiting for an answer. */
  readonly says: (letter: Letter) => readonly string[]
  /** When it must be gone, in seconds (docs/limits.md), with a few for the clock of the listener. */
  readonly within: number
}

const hello = 'EHLO far.example\r\n'
const envelope = ({ from, to }: Letter): readonly string[] => [
  hello,
  `MAIL FROM:<${from}>\r\n`,
  ...to.map((one) => `RCPT TO:<${one}>\r\n`),
]
const wire = ({ raw }: Letter): string => stuffed(raw).toString('latin1')

/** strangerIdleMs, two windows of rateBytes, idleMs. */
const [silent, slow, known] = [65, 130, 310]
const states: readonly State[] = [
  { name: 'greeted', says: () => [], within: silent },
  { name: 'after EHLO', says: () => [hello], within: silent },
  { name: 'after RCPT', says: (letter) => envelope(letter), within: known },
  { name: 'after DATA', says: (letter) => [...envelope(letter), 'DATA\r\n', ''], within: slow },
  {
    name: 'in the message',
    says: (letter) => [...envelope(letter), 'DATA\r\n', wire(letter).slice(0, 9000)],
    within: slow,
  },
  {
    name: 'before the last byte',
    says: (letter) => [...envelope(letter), 'DATA\r\n', wire(letter).slice(0, -1)],
    within: slow,
  },
  { name: 'before the answer', says: (letter) => [...envelope(letter), 'DATA\r\n', wire(letter)], within: known },
]

async function play(): Promise<Finding> {
  await using stage = await setStage({ serveAt: '0.0.0.0' })
  const checks = makeChecks()
  await stage.start()
  // The answer to the dot must find nobody: it comes when the wire is cut.
  const late: (() => void)[] = []
  let isCut = false
  stage.hop('fabrikam').behave(({ step, beginning, socket, take }) => {
    if (step !== 'dot' || isCut || !beginning().includes('@outside.example')) return undefined
    late.push(() => {
      take()
      socket.write('250 2.0.0 taken\r\n')
    })
    return 'silence'
  })
  const letters = states.flatMap(({ name }, i) =>
    Array.from({ length: each }, (_, n) =>
      stage.ledger.write({ from: 'zoe@outside.example', to: [`${i}.${n}@shared.example`], bytes: 20_000 }),
    ).map((letter) => ({ name, letter })),
  )
  // Those of the last state are at the next hop by then, who holds back his answer.
  await comeAndVanish(stage, letters, () => late.length === each)
  isCut = true
  for (const answer of late) answer()
  await others(stage, checks.must)
  const gone = isShort ? 'not waited for' : await waitUntilGone(stage, checks.must)
  await stage.drain()
  const finished = stage.ledger.order.filter(({ recipient }) => recipient.startsWith(`${states.length - 1}.`)).length
  const arrived = stage.ledger.order.filter(({ recipient }) => /^\d\./.test(recipient)).length
  checks.must(arrived === finished, `${arrived - finished} messages arrived that were never finished`)
  checks.must(finished === each, `${finished} of ${each} arrived that were finished, and whose answer found nobody`)
  const count = await stage.count()
  return {
    count,
    did: `${letters.length} half-open connections`,
    measured: `${letters.length} half-open in ${states.length} states: ${gone}`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}

/** All of them in a process of the other network, as far as they get; then there is no wire any more, and no process. */
async function comeAndVanish(
  stage: Stage,
  letters: readonly { readonly name: string; readonly letter: Letter }[],
  haveArrived: () => boolean,
): Promise<void> {
  const says = new Map(states.map((state) => [state.name, state.says]))
  const talks = letters.map(({ name, letter }) => says.get(name)?.(letter) ?? [])
  const file = join(stage.dir, 'vanishing.json')
  writeFileSync(file, JSON.stringify({ host: near, port: stage.port, talks } satisfies Vanishing))
  const program = fileURLToPath(new URL('vanishing.ts', import.meta.url))
  const words = ['netns', 'exec', network, 'setpriv', '--pdeathsig', 'KILL', process.execPath, program, file]
  const clients = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] })
  stage.defer(() => clients.kill('SIGKILL'))
  await once(clients.stdout, 'data')
  await until('what was said last', () => haveArrived() || undefined)
  await sleep(200) // nobody waits for the rest of it: it may be cut anywhere
  mustRun('ip', '-n', network, 'link', 'set', 'wb', 'down')
  clients.kill('SIGKILL')
  for (const { letter } of letters) stage.ledger.cut(letter)
}

/** Whoever is at home in the meantime notices nothing. */
async function others(stage: Stage, must: Checks['must']): Promise<void> {
  const sender = stage.sender()
  for (let n = 0; n < 10; n++) {
    const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`whole${n}@fabrikam.example`] })
    const { reply } = await sender.send(letter)
    must(reply.startsWith('250'), `meanwhile a whole message was told ${JSON.stringify(reply)}`)
  }
  sender.close()
}

/** By the time that each state may last, its connections must be gone. What is said: how many were left when. */
async function waitUntilGone(stage: Stage, must: Checks['must']): Promise<string> {
  const from = performance.now()
  const told: string[] = []
  for (const seconds of [10, silent, slow, known]) {
    await sleep(seconds * 1000 - (performance.now() - from))
    const left = (await stage.served.metrics()).get('causeway_connections') ?? Number.NaN
    const may = states.filter(({ within }) => within > seconds).length * each
    must(left <= may, `after ${seconds} s ${left} are still open, and ${may} may be`)
    must(left >= may || seconds >= silent, `after ${seconds} s only ${left} are open: they were told`)
    told.push(`${left} left after ${seconds} s`)
  }
  return told.join(', ')
}

console.log(JSON.stringify(await play()))
