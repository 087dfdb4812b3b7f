/** F6 and F7: no room for bytes, or for files. New mail is answered 452 before its content is sent; what is there goes out. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/program.ts'
import { brokenCounts, type Checks, type Fault, type Finding, makeChecks, type RunOptions } from './fault.ts'
import { must as mustRun, needsRoot } from './machine.ts'
import { balance, retryAll } from './queue-client.ts'
import type { Told } from './sender.ts'
import type { Served } from './served.ts'
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

async function play({ isShort, say }: RunOptions, what: 'bytes' | 'inodes'): Promise<Finding> {
  using volume = openVolume({ kind: 'tmpfs', megabytes: 128, ...(what === 'inodes' ? { inodes: 200 } : {}) })
  await using stage = await setStage({ data: volume.data })
  const checks = makeChecks()
  await stage.start()
  const first = await whileFull(stage, volume, what, reserveMegabytes, checks.must)
  say(`nearly full: ${first.at} ${first.reply}`)
  if (what === 'bytes') {
    // Not one byte: what is answered now can be no 250, and what leaves cannot be written down before there is room.
    const second = await whileFull(stage, volume, what, 0, checks.must)
    say(`full: ${second.at} ${second.reply}`)
  }
  if (what === 'inodes' && !isShort) await whileFull(stage, volume, what, 0, checks.must)
  checks.must(!stage.served.hasEnded, 'the program has ended')
  await stage.drain()
  const count = await stage.count()
  const broken = [...brokenCounts(count), ...checks.broken, ...(await balance(stage.served))]
  return { count, did: `full: ${first.at} ${first.reply.slice(0, 9)}`, broken }
}

/** Less than a tenth of the volume, so that nothing new is taken; more than what leaves needs. */
const reserveMegabytes = 9

/** Some mail is there, then there is no room, then there is room again. What a sender was told in between. */
async function whileFull(
  stage: Stage,
  volume: Volume,
  what: 'bytes' | 'inodes',
  leaves: number,
  must: Checks['must'],
): Promise<Told> {
  const { served } = stage
  stage.hop('fabrikam').behave(({ step }) => (step === 'MAIL' ? '451 4.3.0 not now' : undefined))
  for (let n = 0; n < 20; n++) await send(stage, `early${n}`)
  fill(volume, what, leaves)
  await readiness(served, 503)
  const told = await send(stage, 'late')
  must(told.at === 'MAIL' && told.reply.startsWith('452 4.3.1'), `full, ${told.at} was told ${told.reply}`)
  await isTold(served, must)
  // What waits must be able to leave: it is the way out.
  stage.hop('fabrikam').behave(undefined)
  if (leaves > 0) await stage.drain()
  else {
    await retryAll(served)
    await sleep(2000)
  }
  empty(volume, what)
  await readiness(served, 200)
  const low = (await served.metrics()).get('causeway_disk_low')
  must(low === 0, `room again, and causeway_disk_low is ${String(low)}`)
  const again = await send(stage, 'again')
  must(again.reply.startsWith('250'), `room again, and still ${JSON.stringify(again.reply)}`)
  return told
}

/** Waits until it is that: the free space is looked at every second. */
async function readiness(served: Served, wanted: number): Promise<void> {
  const look = async (): Promise<true | undefined> =>
    (await served.ask('GET', '/v1/ready'))?.status === wanted || undefined
  await until(`readiness ${wanted}`, look, () => served.log())
}

/** Readiness, health, metrics and log: whoever looks at one of them learns why. */
async function isTold(served: Served, must: Checks['must']): Promise<void> {
  const ready = await served.ask('GET', '/v1/ready')
  const readyText = JSON.stringify(ready)
  must(ready?.status === 503 && /free|left/.test(readyText), `readiness does not say why: ${readyText}`)
  const health = JSON.stringify(await served.ask('GET', '/v1/health'))
  must(health.includes('"about":"disk"'), `health does not warn: ${health}`)
  const low = (await served.metrics()).get('causeway_disk_low')
  must(low === 1, `causeway_disk_low is ${String(low)}`)
  must(served.log().includes('"msg":"disk is low"'), 'the log does not tell of it')
}

function send(stage: Stage, name: string): Promise<Told> {
  return stage
    .sender()
    .send(stage.ledger.write({ from: 'a@contoso.example', to: [`${name}@fabrikam.example`], bytes: 50_000 }))
}

function fill({ root }: Volume, what: 'bytes' | 'inodes', leaves: number): void {
  if (what === 'inodes') return fillInodes(root)
  const free = Number(mustRun('stat', '-f', '-c', '%a', root)) * Number(mustRun('stat', '-f', '-c', '%S', root))
  if (leaves === 0) mustRun('sh', '-c', `cat /dev/zero >"${root}/fill" || true`)
  else mustRun('fallocate', '-l', String(free - leaves * 1024 * 1024), join(root, 'fill'))
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
