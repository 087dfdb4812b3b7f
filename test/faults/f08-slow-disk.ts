/** F8: each sync takes 200 ms. Answers are late, and nothing else: memory stays bounded, nothing is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../../bench/figures.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { injecting, noTracing } from './machine.ts'
import { setStage } from './stage.ts'

export const f08: Fault = { id: 'F8', title: 'slow disk', cannot: noTracing, run }

const maxGrowth = 150

async function run({ isShort }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  stage.hop('fabrikam').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  const served = await stage.start({ wrap: injecting(['fsync,fdatasync:delay_exit=200000']) })
  const before = served.rssMegabytes()
  const crowd = stage.crowd({
    senders: 40,
    next: (n) => stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`], bytes: 20_000 }),
  })
  await sleep(isShort ? 3000 : 60_000)
  await crowd.stop()
  const grown = served.rssMegabytes() - before
  checks.must(grown < maxGrowth, `RSS grew by ${grown.toFixed(0)} MB`)
  checks.must(!served.hasEnded, 'the program has ended')
  stage.hop('fabrikam').behave(undefined)
  await stage.kill() // and with the disk as it was, to see the end of it
  await stage.start()
  await stage.drain()
  const count = await stage.count()
  checks.must(count.accepted > 40, `only ${count.accepted} were accepted: many messages must share a sync`)
  const p95 = percentile(crowd.tookMs, 0.95)
  return {
    count,
    did: '40 senders, 200 ms for each sync',
    measured: `p95 ${p95.toFixed(0)} ms, RSS +${grown.toFixed(0)} MB`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}
