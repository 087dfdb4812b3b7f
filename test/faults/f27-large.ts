/** F27: messages of 50 MB and 150 MB, straight through and by way of the queue, and one that is nothing but dots. */
import { cpuSeconds } from '../../bench/usage.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { watchRss } from './memory.ts'
import type { Told } from './sender.ts'
import { type Stage, setStage } from './stage.ts'

export const f27: Fault = { id: 'F27', title: 'large messages', run }

const megabyte = 1024 * 1024
/** For each message under way, beyond its own bytes. */
const maxGrowthEach = 64

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage({ tenants: ['fabrikam', 'busy'] })
  const checks = makeChecks()
  const served = await stage.start()
  stage.hop('busy').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  const dots = await dotLines(stage)
  checks.must(dots < 3, `dots took ${dots.toFixed(1)} times the work of text`)
  const before = served.rssMegabytes()
  const most = watchRss(stage)
  const size = isShort ? 20 : 50
  for (const name of isShort ? ['busy'] : ['fabrikam', 'fabrikam', 'busy', 'busy'])
    await Promise.all([1, 2].map(() => must(send(stage, name, size), name)))
  const grown = most() - before
  say(`${size} MB, two at a time: RSS +${grown.toFixed(0)} MB`)
  checks.must(grown < 2 * (2 * size + maxGrowthEach), `RSS grew by ${grown.toFixed(0)} MB for two of ${size} MB`)
  // Exchange Online's greatest: with what its transport adds, it is less than what we announce.
  if (!isShort) for (const name of ['fabrikam', 'busy']) await must(send(stage, name, 149), name)
  const all = most()
  stage.hop('busy').behave(undefined)
  await stage.drain({ withinMs: 120_000 })
  const count = await stage.count()
  return {
    count,
    did: isShort ? '2 of 20 MB' : '8 of 50 MB, 2 of 149 MB',
    measured: `RSS ${before.toFixed(0)} MB, +${grown.toFixed(0)} MB with two of ${size} MB, at most ${all.toFixed(0)} MB, dots x ${dots.toFixed(1)}`,
    broken: [...brokenCounts(count), ...checks.broken],
  }

  async function must(sending: Promise<Told>, name: string): Promise<void> {
    const { reply } = await sending
    checks.must(reply.startsWith('250'), `${name}: the sender was told ${JSON.stringify(reply)}`)
  }
}

const send = (stage: Stage, name: string, megabytes: number): Promise<Told> => {
  const letter = stage.ledger.write({
    from: 'a@contoso.example',
    to: [`large@${name}.example`],
    bytes: megabytes * megabyte,
  })
  return stage.sender({ patienceMs: 300_000 }).send(letter)
}

/** How many times as much work 16 MB of dots are as 16 MB of text, by the processor time that Causeway takes for it. */
async function dotLines({ ledger, served, sender }: Stage): Promise<number> {
  const work = async (line: string, onTheWire = line): Promise<number> => {
    const lines = Math.floor((16 * megabyte) / onTheWire.length)
    const body = Buffer.alloc(lines * line.length, line)
    const before = cpuSeconds([served.pid()])
    for (let n = 0; n < 3; n++)
      await sender().send(ledger.write({ from: 'a@contoso.example', to: ['dots@fabrikam.example'], body }))
    return cpuSeconds([served.pid()]) - before
  }
  const text = 'text that goes on to the usual width of a line of text, no further.\r\n'
  await work(text) // the first time code is read and compiled
  const plain = await work(text)
  return (await work('.\r\n', '..\r\n')) / plain
}
