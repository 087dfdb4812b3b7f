/**
 * F2: the power goes. A file system in a file is shut down under load, so that what was not synced is gone, as it would be.
 * The same once more with syncing switched off from outside must lose messages: otherwise the test proves nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { addUp, type Count, type Letter } from './ledger.ts'
import { firstOf, injecting, lacks, must, noLoopDevices, noTracing } from './machine.ts'
import { setStage } from './stage.ts'
import { openVolume } from './volume.ts'

export const f02: Fault = {
  id: 'F2',
  title: 'power loss',
  cannot: () => firstOf(noLoopDevices(), lacks('xfs_io'), noTracing()),
  run,
}

async function run({ isShort, say }: RunOptions): Promise<Finding> {
  const rounds = isShort ? 1 : 10
  const counts: Count[] = []
  const checks = makeChecks()
  for (let round = 1; round <= rounds; round++) {
    const count = await lossOfPower(isShort ? 1000 : 500 + 830 * (round - 1), true)
    say(`round ${round}: accepted ${count.accepted}, lost ${count.lost}`)
    counts.push(count)
  }
  const control = await lossOfPower(isShort ? 1000 : 3000, false)
  say(`without syncing: accepted ${control.accepted}, lost ${control.lost}`)
  checks.must(control.lost > 0, 'without syncing nothing was lost either: this test cannot fail')
  const count = addUp(counts)
  checks.must(count.accepted > 0, 'nothing was accepted')
  return {
    count,
    did: `${rounds} rounds`,
    measured: `without syncing ${control.lost} of ${control.accepted} lost`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}

/** Everything goes into the queue, the power goes, the power comes back, everything comes out. */
async function lossOfPower(loadMs: number, isSynced: boolean): Promise<Count> {
  using volume = openVolume({ kind: 'ext4', megabytes: 512 })
  await using stage = await setStage({ data: volume.data })
  stage.hop('fabrikam').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  // The files are there and synced before it begins: what is looked at is mail, not the birth of a gateway.
  await (await stage.start()).stop()
  must('sync', '-f', volume.root)
  await stage.start(isSynced ? {} : { wrap: injecting(['fsync,fdatasync:retval=0']) })
  const underWay = new Set<Letter>()
  const crowd = stage.crowd({
    senders: 8,
    next(n) {
      const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`], bytes: 4000 })
      underWay.add(letter)
      return letter
    },
    told: (letter) => underWay.delete(letter),
  })
  await sleep(loadMs)
  volume.losePower()
  // The disk may have what was being synced, and the sync says no. Nobody hears that 451 when the power is gone for us, too.
  stage.ledger.allow(underWay.size)
  await sleep(300) // what is answered 250 now would be a lie as well
  await stage.kill()
  await crowd.stop()
  volume.powerOn()
  stage.hop('fabrikam').behave(undefined)
  await stage.start()
  await stage.drain()
  return await stage.count() // before the stage is taken away
}
