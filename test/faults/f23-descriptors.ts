/** F23: no more file descriptors, by a limit of 256 and by a kernel that says so. The listener lives through it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../support/smtp-client.ts'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { addUp } from './ledger.ts'
import { firstOf, injecting, lacks, noTracing } from './machine.ts'
import { setStage } from './stage.ts'

export const f23: Fault = {
  id: 'F23',
  title: 'no file descriptors',
  cannot: () => firstOf(lacks('prlimit'), noTracing()),
  run,
}

async function run(o: RunOptions): Promise<Finding> {
  const few = await play(['prlimit', '--nofile=256:256'], 300)
  o.say('limit of 256')
  const none = await play(injecting(['accept4:error=EMFILE:when=1..50']), 60)
  return {
    count: addUp([few.count, none.count]),
    did: 'limit of 256 with 300 connections, EMFILE 50 times',
    broken: [...few.broken, ...none.broken],
  }
}

async function play(wrap: readonly string[], connections: number): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  await stage.start({ wrap })
  const idle = Array.from({ length: connections }, () => new Client(stage.port))
  await sleep(1000)
  checks.must(!stage.served.hasEnded, 'the program has ended')
  for (const client of idle) client.destroy()
  await sleep(500)
  const sender = stage.sender({ patienceMs: 10_000 })
  for (let n = 0; n < 20; n++) {
    const { reply } = await sender.send(
      stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`] }),
    )
    checks.must(reply.startsWith('250'), `afterwards: ${JSON.stringify(reply)}`)
  }
  await stage.drain()
  const count = await stage.count()
  return { count, did: '', broken: [...brokenCounts(count), ...checks.broken] }
}
