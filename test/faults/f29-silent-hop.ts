/** F29: the next hop takes connections and says nothing. The queue grows on the disk, not in memory; then it all goes out. */
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { balance, totals } from './queue-client.ts'
import { setStage } from './stage.ts'

export const f29: Fault = { id: 'F29', title: 'next hop says nothing', isLong: true, run }

const maxGrowth = 150

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  await using stage = await setStage({ tenants: ['fabrikam', 'silent'] })
  const checks = makeChecks()
  const served = await stage.start()
  stage.hop('silent').behave(({ step }) => (step === 'connect' ? 'silence' : undefined))
  const before = served.rssMegabytes()
  const crowd = stage.crowd({
    senders: 20,
    pauseMs: 250,
    next: (n) => stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@silent.example`], bytes: 10_000 }),
  })
  let most = 0
  const minutes = isShort ? 0.75 : 10
  for (let tick = 0; tick < minutes * 6; tick++) {
    await sleep(10_000)
    most = Math.max(most, served.rssMegabytes() - before)
    if (tick % 6 === 5) say(`${stage.ledger.acceptedSoFar} accepted, RSS +${most.toFixed(0)} MB`)
  }
  await crowd.stop()
  checks.must(most < maxGrowth, `RSS grew by ${most.toFixed(0)} MB`)
  const now = await totals(served)
  checks.must((now?.waiting ?? 0) + (now?.running ?? 0) > 0, 'nothing is in the queue')
  stage.hop('silent').behave(undefined)
  await stage.drain({ withinMs: 600_000 })
  const count = await stage.count()
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return { count, did: `${minutes} minutes`, measured: `RSS +${most.toFixed(0)} MB`, broken }
}
