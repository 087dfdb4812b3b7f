/**
 * F8: each sync takes 200 ms. Answers are late, and nothing else: memory stays bounded, nothing is lost, however many senders
 * wait at once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../../bench/figures.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { injecting, noTracing } from './machine.ts'
import { watchRss } from './memory.ts'
import { setStage } from './stage.ts'

export const f08: Fault = { id: 'F8', title: 'slow disk', cannot: noTracing, run }

/** Megabytes, and more for each sender that waits: its connection, its message, and what is made of it. */
const [maxGrowth, maxGrowthEach] = [150, 0.25]

async function run({ isShort }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  stage.hop('fabrikam').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  const served = await stage.start({ wrap: injecting(['fsync,fdatasync:delay_exit=200000']) })
  const before = served.rssMegabytes()
  const most = watchRss(stage)
  const senders = isShort ? 40 : 1100
  const crowd = stage.crowd({
    senders,
    next: (n) => stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`], bytes: 20_000 }),
  })
  await sleep(isShort ? 3000 : 60_000)
  await crowd.stop()
  const grown = most() - before
  checks.must(grown < maxGrowth + senders * maxGrowthEach, `RSS grew by ${grown.toFixed(0)} MB`)
  checks.must(!served.hasEnded, 'the program has ended')
  const others = [...crowd.answers.keys()].filter((words) => !/^\w+ (?:250|45[12]|421)/.test(words))
  checks.must(others.length === 0, `other answers: ${others.join(', ')}`)
  stage.hop('fabrikam').behave(undefined)
  await stage.kill() // and with the disk as it was, to see the end of it
  await stage.start()
  await stage.drain()
  const count = await stage.count()
  checks.must(count.accepted > 40, `only ${count.accepted} were accepted: many messages must share a sync`)
  const p95 = percentile(crowd.tookMs, 0.95)
  return {
    count,
    did: `${senders} senders, 200 ms for each sync`,
    measured: `p95 ${p95.toFixed(0)} ms, RSS +${grown.toFixed(0)} MB`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}
