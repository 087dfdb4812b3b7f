/** F3: between the final dot of a message that is kept and its 250 the kernel was asked to sync it, and said yes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { noTracing } from './machine.ts'
import { setStage } from './stage.ts'
import { firstAckTooEarly } from './sync-order.ts'

export const f03: Fault = { id: 'F3', title: 'sync before 250', cannot: noTracing, run }

const calls = 'trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg'

async function run({ isShort }: RunOptions): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  stage.hop('fabrikam').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  const served = await stage.start()
  const log = join(stage.dir, 'strace.log')
  const tracer = spawn(
    'strace',
    ['-f', '-qq', '-y', '-s', '5000', '-o', log, '-e', calls, '-p', String(served.pid())],
    {
      stdio: 'ignore',
    },
  )
  stage.defer(() => tracer.kill('SIGKILL'))
  await once(tracer, 'spawn')
  await sleep(500) // it takes hold of one thread after the other
  const messages = isShort ? 10 : 200
  const sender = stage.sender()
  // One after the other, so that each 250 has its own syncing before it.
  const marks: string[] = []
  for (let n = 0; n < messages; n++) {
    const letter = stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`] })
    marks.push(`<${letter.id}@ledger.example>`)
    await sender.send(letter)
  }
  const ended = once(tracer, 'exit')
  tracer.kill('SIGINT')
  await ended
  const { acks, tooEarly } = firstAckTooEarly(readFileSync(log, 'latin1'), marks)
  checks.must(acks === messages, `${acks} replies 250 were seen, ${messages} messages sent`)
  checks.must(tooEarly === undefined, `a 250 too early: ${tooEarly ?? ''} when it was answered`)
  stage.hop('fabrikam').behave(undefined)
  await stage.drain()
  const count = await stage.count()
  return { count, did: `${acks} replies looked at`, broken: [...brokenCounts(count), ...checks.broken] }
}
