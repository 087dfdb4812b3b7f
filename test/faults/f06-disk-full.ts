/** F6 and F7: no room for bytes, or for files. New mail is answered 452 before its content is sent; what is there goes out. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokenCounts, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { must as mustRun, needsRoot } from './machine.ts'
import { balance, totals } from './queue-client.ts'
import type { Told } from './sender.ts'
import { type Stage, setStage } from './stage.ts'
import { openVolume, type Volume } from './volume.ts'

const cannot = (): string | undefined => needsRoot('mounting')

export const f06: Fault = {
  id: 'F6',
  title: 'disk full',
  cannot,
  run: (o) => play(o, 'bytes'),
}

export const f07: Fault = {
  id: 'F7',
  title: 'inodes full',
  cannot,
  run: (o) => play(o, 'inodes'),
}

async function play({ say }: RunOptions, what: 'bytes' | 'inodes'): Promise<Finding> {
  using volume = openVolume(
    what === 'bytes' ? { kind: 'tmpfs', megabytes: 64 } : { kind: 'tmpfs', megabytes: 64, inodes: 200 },
  )
  await using stage = await setStage({ data: volume.data })
  const checks = makeChecks()
  const served = await stage.start()
  stage.hop('fabrikam').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  for (let n = 0; n < 20; n++) await send(stage, `early${n}`)
  fill(volume, what)
  await sleep(2500) // the free space is looked at every second
  const told = await send(stage, 'late')
  say(`full: ${told.at} ${told.reply}`)
  if (what === 'bytes') {
    checks.must(told.at === 'MAIL' && told.reply.startsWith('452 4.3.1'), `full, ${told.at} was told ${told.reply}`)
    const health = await Promise.all(['/v1/health', '/v1/ready'].map((path) => served.ask('GET', path)))
    checks.must(/disk|space|room/i.test(JSON.stringify(health)), 'health does not say why')
  }
  // What waits must be able to leave: it is the way out.
  stage.hop('fabrikam').behave(undefined)
  await stage.drain()
  const left = await totals(served)
  checks.must((left?.waiting ?? 0) === 0, `${left?.waiting ?? 0} could not leave`)
  empty(volume, what)
  await sleep(2500)
  const again = await send(stage, 'again')
  checks.must(again.reply.startsWith('250'), `room again, and still ${JSON.stringify(again.reply)}`)
  checks.must(!served.hasEnded, 'the program has ended')
  await stage.drain()
  const count = await stage.count()
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return { count, did: `full: ${told.at} ${told.reply.slice(0, 9)}`, broken }
}

function send(stage: Stage, name: string): Promise<Told> {
  return stage
    .sender()
    .send(stage.ledger.write({ from: 'a@contoso.example', to: [`${name}@fabrikam.example`], bytes: 50_000 }))
}

function fill({ root }: Volume, what: 'bytes' | 'inodes'): void {
  if (what === 'inodes') return fillInodes(root)
  // All but two megabytes: below any reserve, and enough to leave.
  const free = Number(mustRun('stat', '-f', '-c', '%a', root)) * Number(mustRun('stat', '-f', '-c', '%S', root))
  mustRun('fallocate', '-l', String(free - 2 * 1024 * 1024), join(root, 'fill'))
}

function fillInodes(root: string): void {
  for (let n = 0; n < 500; n++) {
    try {
      writeFileSync(join(root, `fill${n}`), '')
    } catch {
      return
    }
  }
  throw new Error('there is no end of inodes')
}

function empty({ root }: Volume, what: 'bytes' | 'inodes'): void {
  mustRun('sh', '-c', what === 'bytes' ? `rm "${root}/fill"` : `rm "${root}"/fill*`)
}
