/** F4 and F5: the disk says no. What could not be stored is answered 4xx, and never comes back as if it had been. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { injecting, noTracing } from './machine.ts'
import { setStage } from './stage.ts'

export const f04: Fault = {
  id: 'F4',
  title: 'sync fails (EIO)',
  cannot: noTracing,
  run: (o) => play(o, 'fsync,fdatasync:error=EIO:when=20+7', /^451 4\.3\.0/),
}

export const f05: Fault = {
  id: 'F5',
  title: 'write fails (ENOSPC)',
  cannot: noTracing,
  run: (o) => play(o, 'pwrite64,pwritev,write:error=ENOSPC:when=300+401', /^452 4\.3\.1/),
}

async function play({ isShort }: RunOptions, injection: string, wanted: RegExp): Promise<Finding> {
  await using stage = await setStage()
  const checks = makeChecks()
  stage.hop('fabrikam').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  const paths = ['queue.db', 'queue.db-wal'].map((name) => join(stage.data, name))
  const start = async (): Promise<void> => void (await stage.start({ wrap: injecting([injection], { paths }) }))
  // What is to fail is the work, not the making of the files.
  await (await stage.start()).stop()
  await start()
  checks.must(existsSync(paths[0] ?? ''), 'there is no queue.db')
  const crowd = stage.crowd({
    senders: 4,
    pauseMs: 5,
    next: (n) => stage.ledger.write({ from: 'a@contoso.example', to: [`r${n}@fabrikam.example`] }),
  })
  let starts = 1
  for (const until = performance.now() + (isShort ? 4000 : 60_000); performance.now() < until; await sleep(50)) {
    // It may give up rather than guess what is on the disk; then somebody starts it again.
    if (!stage.served.hasEnded) continue
    await start()
    starts += 1
  }
  await crowd.stop()
  await stage.kill()
  stage.hop('fabrikam').behave(undefined)
  await stage.start()
  await stage.drain()
  const count = await stage.count()
  const failures = [...crowd.answers].filter(([words]) => !words.includes(' 250'))
  const failed = failures.reduce((sum, [, times]) => sum + times, 0)
  checks.must(failed > 0, 'no message met the failure')
  const others = failures.filter(([words]) => words !== 'cut' && !wanted.test(words.split(' ').slice(1).join(' ')))
  checks.must(others.length === 0, `other answers: ${others.map(([words, times]) => `${times} x ${words}`).join(', ')}`)
  return {
    count,
    did: `${failed} messages refused, ${starts - 1} restarts`,
    broken: [...brokenCounts(count), ...checks.broken],
  }
}
