/** F1: whatever is answered 250 outlives a kill at any moment, while the next hop has a bad day of its own. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import type { Behaviour } from './hop.ts'
import { balance } from './queue-client.ts'
import { setStage } from './stage.ts'

export const f01: Fault = { id: 'F1', title: 'kill -9 under load', run }

/** The short form shares its machine with other tests: there it is enough that it comes back (`serve` waits half a minute). */
const restartWithinMs = { short: 30_000, long: 10_000 }
/** Made by a thread of its own, a moment after the start. */
const traceFile = /^trace\.db/

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  const rounds = isShort ? 3 : 20
  const wanted = isShort ? 150 : 5000
  await using stage = await setStage()
  const checks = makeChecks()
  stage.hop('fabrikam').behave(badDay(isShort ? 0.05 : 0.02))
  await stage.start()
  const filesBefore = new Set(readdirSync(stage.data))
  const crowd = stage.crowd({
    senders: 8,
    next: (n) => stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`] }),
  })
  let slowestMs = 0
  for (let round = 1; round <= rounds; round++) {
    // The last rounds are as long as it takes to have enough.
    const least = (wanted * round) / rounds
    await sleep(isShort ? 300 + 250 * round : 200 + 2500 * Math.random())
    while (stage.ledger.acceptedSoFar < least) await sleep(50)
    await stage.kill()
    slowestMs = Math.max(slowestMs, (await stage.start()).startedInMs)
    say(`round ${round}: ${stage.ledger.acceptedSoFar} accepted`)
  }
  await crowd.stop()
  await stage.drain()
  const count = await stage.count()
  checks.must(
    slowestMs < restartWithinMs[isShort ? 'short' : 'long'],
    `a restart took ${(slowestMs / 1000).toFixed(1)} s`,
  )
  checks.must(count.accepted >= wanted, `only ${count.accepted} were accepted`)
  checks.must(count.kept === 0, `${count.kept} are still in the queue`)
  const left = readdirSync(stage.data).filter((name) => !filesBefore.has(name) && !traceFile.test(name))
  checks.must(left.length === 0, `files were left behind: ${left.join(', ')}`)
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return { count, did: `${rounds} rounds`, measured: `slowest restart ${(slowestMs / 1000).toFixed(1)} s`, broken }
}

/** One in ten is told to come back, and some replies to the final dot never arrive. */
function badDay(lostReplies: number): Behaviour {
  return ({ step }) => {
    if (step !== 'dot') return undefined
    const luck = Math.random()
    if (luck < 0.1) return '451 4.3.0 come back'
    return luck < 0.1 + lostReplies ? 'cut' : undefined
  }
}
