/** What an operator is told without asking: health, readiness, figures. */
import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { type DeskStage, setDesk } from './support/desk.ts'

const hour = 3_600_000
let stage: DeskStage
beforeEach(async () => {
  await stage?.[Symbol.asyncDispose]()
  stage = await setDesk()
})
after(() => stage[Symbol.asyncDispose]())

type Warning = { readonly about: string; readonly text: string; readonly advice: string }
/** Found anew: an answer is kept for some seconds. */
async function warnings(): Promise<readonly Warning[]> {
  stage.pass(10_000)
  return (await stage.ask('GET', '/v1/health')).json.warnings
}
const figure = async (name: string): Promise<string | undefined> => {
  stage.pass(10_000)
  const { text } = await stage.ask('GET', '/metrics')
  return text
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1)
}

test('all is well', async () => {
  assert.deepEqual((await stage.ask('GET', '/v1/health')).json, { ok: true, why: [], warnings: [] })
  assert.deepEqual((await stage.ask('GET', '/v1/ready')).json, { ok: true, why: [] })
  assert.equal(await figure('causeway_warnings'), '0')
})

test('a queue that fills is told before it is full', async () => {
  const holds = (part: { readonly messages?: number; readonly bytes?: number }): void => {
    Object.defineProperty(stage.queue, 'figures', { configurable: true, value: { ...figures, ...part } })
  }
  const { figures } = stage.queue
  holds({ messages: 799_999 })
  assert.deepEqual(await warnings(), [])
  holds({ bytes: 60 * 1024 ** 3 })
  assert.match((await warnings())[0]?.text ?? '', /93 % of what it may: when it is full new mail is answered 452$/)
  assert.equal((await stage.ask('GET', '/v1/ready')).status, 200)
  holds({ messages: 1_000_000 })
  const ready = await stage.ask('GET', '/v1/ready')
  assert.deepEqual([ready.status, ready.json.why.length], [503, 1])
})

test('a disk that is low: not ready, with the reason, until there is room', async () => {
  Object.assign(stage.disk, { isLow: true, why: '0.4 GB free, 1 GB is to stay free', freeBytes: 4e8 })
  const ready = await stage.ask('GET', '/v1/ready')
  assert.equal(ready.status, 503)
  assert.match(ready.json.why[0], /0\.4 GB free/)
  const [warning] = await warnings()
  assert.equal(warning?.about, 'disk')
  assert.match(warning?.advice ?? '', /make room.*452/)
  assert.equal(await figure('causeway_disk_low'), '1')
  assert.equal(await figure('causeway_disk_free_bytes'), '400000000')
  Object.assign(stage.disk, { isLow: false, why: '', freeBytes: 5e9 })
  assert.deepEqual(await warnings(), [])
  assert.equal((await stage.ask('GET', '/v1/ready')).status, 200)
})

test('no place for anybody: not ready, with the reason', async () => {
  stage.listener.full = '421 4.3.2 too many connections in all'
  const { status, json } = await stage.ask('GET', '/v1/ready')
  assert.equal(status, 503)
  assert.deepEqual(json.why, ['new connections are answered 421 4.3.2 too many connections in all'])
  stage.listener.full = undefined
  assert.equal((await stage.ask('GET', '/v1/ready')).status, 200)
})

test('a hop whose setup somebody must mend', async () => {
  const id = await stage.put({ to: [{ lane: 'tenant:tenant2', state: 'running' }] })
  await stage.queue.drop({ ids: [id] }, 'test')
  assert.deepEqual(await warnings(), [])
  await failed('operator')
  const [warning] = await warnings()
  assert.equal(warning?.about, 'tenant:tenant2')
  assert.match(warning?.text ?? '', /setup at tenant:tenant2 must be mended: 1 recipient waiting/)
  assert.match(warning?.advice ?? '', /causeway queue retry --lane tenant:tenant2/)
  assert.equal(await figure('causeway_lanes_in_trouble{trouble="operator"}'), '1')
})

/** An attempt at tenant2 ends like this. */
async function failed(trouble: 'temporary' | 'operator'): Promise<void> {
  await stage.put({ to: [{ lane: 'tenant:tenant2' }] })
  const [work] = await stage.queue.claim({ limit: 1, lane: 'tenant:tenant2', force: true })
  assert.ok(work !== undefined)
  const results = work.recipients.map(({ n }) => ({
    n,
    kind: 'waiting' as const,
    lane: work.lane,
    trouble,
    reply: '451 4.4.62 ATTR35',
    why: 'as it said',
  }))
  assert.ok(await stage.queue.finish(work.lease, results))
}

test('mail that waits for longer than its sender is told', async () => {
  await failed('temporary')
  stage.pass(3 * hour)
  assert.deepEqual(await warnings(), [])
  stage.pass(2 * hour)
  assert.match((await warnings())[0]?.text ?? '', /tenant:tenant2 is behind: 1 recipient waiting, the oldest for 5h00m/)
})

test('a release that lets nothing go, and mail of a domain that the project no longer has', async () => {
  await stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain' }] })
  await stage.put({ to: [{ address: 'x@gone.example', state: 'held', cause: 'domain' }] })
  await stage.queue.orderRelease({ domain: 'shared.example', whenAccepted: true, perMinute: 60, by: 'ann' })
  const noes = [{ kind: 'unreached', words: 'ECONNREFUSED' }] as const
  await stage.queue.letGo('shared.example', { recipients: [], asked: 1, notAccepted: 1, noes })
  const gone = 'gone.example is no longer in the project, with 1 recipient still held'
  const texts = async () => (await warnings()).map(({ text }) => text)
  stage.pass(14 * 60_000)
  assert.deepEqual(await texts(), [gone])
  stage.pass(60_000)
  const stuck = 'shared.example is being released, but nothing went for 15 minutes, with 1 recipient still held'
  assert.deepEqual(await texts(), [gone, stuck])
  const { json } = await stage.ask('GET', '/v1/domains/shared.example/release')
  assert.deepEqual(json.order.noes, [{ kind: 'unreached', count: 1, words: 'ECONNREFUSED' }])
  assert.match(json.advice, /cannot be reached/)
  await stage.queue.orderRelease({ domain: 'shared.example', whenAccepted: true, perMinute: 60, by: 'ann' })
  stage.pass(6000)
  assert.deepEqual(await texts(), [gone], 'ordered anew')
})

test('mail held for a domain that is open, until somebody orders its release', async () => {
  await stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain' }] })
  assert.deepEqual(await warnings(), [
    {
      about: 'shared.example',
      text: 'shared.example is open, with 1 recipient still held',
      advice: 'causeway domain release shared.example',
    },
  ])
  await stage.ask('POST', '/v1/domains/shared.example/release', {})
  assert.deepEqual(await warnings(), [])
  await stage.ask('DELETE', '/v1/domains/shared.example/release')
  await stage.ask('PUT', '/v1/domains/shared.example/mode', { mode: 'hold' })
  assert.deepEqual(await warnings(), [])
})

test('mail of a tenant that left the project: it never grows too old, so health speaks of it', async () => {
  await stage.put({ to: [{ state: 'held', cause: 'tenant' }] })
  const [warning] = await warnings()
  assert.match(warning?.text ?? '', /^1 recipient held: the project does not have the tenant that the mail came from$/)
})

test('mail that nobody may be told of', async () => {
  await stage.put({
    peer: 'internet',
    to: [
      { state: 'held', cause: 'refused' },
      { state: 'held', cause: 'expired' },
    ],
  })
  assert.deepEqual(
    (await warnings()).map((w) => w.text.split(',')[0]),
    ['1 recipient refused', '1 recipient expired'],
  )
})

test('figures of the queue', async () => {
  await stage.put({ to: [{}, { state: 'held', cause: 'operator' }] })
  stage.pass(hour)
  for (const [name, value] of [
    ['causeway_queue_recipients{state="waiting"}', '1'],
    ['causeway_queue_recipients{state="held"}', '1'],
    ['causeway_queue_taken_total', '2'],
    ['causeway_queue_ended_total{end="dropped"}', '0'],
    ['causeway_queue_messages', '1'],
    ['causeway_queue_bytes', '25'],
    ['causeway_account_imbalance', '0'],
    ['causeway_account_recipients{part="held"}', '1'],
  ] as const)
    assert.equal(await figure(name), value, name)
  assert.ok(Number(await figure('causeway_queue_oldest_seconds')) >= 3600)
})

test('who was asked to come back, by domain', async () => {
  const at = stage.queue.now()
  const attempt = { domain: 'waiting.example', at, address: '192.0.2.1', helo: 'x', tls: '' }
  await stage.queue.attempted({ ...attempt, sender: 'a@a.example', recipient: 'b@waiting.example' })
  stage.pass(hour)
  assert.equal(await figure('causeway_retry_later_pairs{domain="waiting.example",status="waiting"}'), '1')
  assert.ok(Number(await figure('causeway_retry_later_oldest_seconds{domain="waiting.example"}')) >= 3600)
})
