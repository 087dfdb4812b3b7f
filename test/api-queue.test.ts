/** What an operator sees of the queue and does to it, by the API. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type DeskStage, setDesk } from './support/desk.ts'

const hour = 3_600_000
let stage: DeskStage
const fresh = async (): Promise<void> => {
  await stage?.[Symbol.asyncDispose]()
  stage = await setDesk()
}
after(() => stage[Symbol.asyncDispose]())
const get = (path: string) => stage.ask('GET', path)
const post = (path: string, body: object) => stage.ask('POST', path, body)
const idsOf = async (query: string): Promise<readonly string[]> =>
  (await get(`/v1/queue?${query}`)).json.items.map((item: { id: string }) => item.id)

describe('looking', () => {
  before(async () => {
    await fresh()
    await stage.put({ to: [{}, { address: 'eve@partner.example', state: 'held', cause: 'operator' }] })
    stage.pass(hour)
    await stage.put({ sender: '', peer: 'internet', to: [{ lane: 'tenant:tenant2', trouble: 'operator' }] })
    stage.pass(hour)
    await stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain', attempts: 0, reply: '' }] })
  })

  test('a message with everything that is known about it', async () => {
    const { json } = await get('/v1/queue/m1')
    const { recipients, ...message } = json
    assert.deepEqual(message, {
      id: 'm1',
      received: '2026-11-23T08:00:00.000Z',
      ageSeconds: 7200,
      sender: 'ann@tenant1.example',
      peer: 'tenant1',
      messageId: '<one@tenant1.example>',
      subject: 'Hello',
      size: 25,
    })
    const [waiting, held] = recipients
    const { nextAttempt, lastAttempt, ...rest } = waiting
    assert.match(nextAttempt, /^2026-11-23T08:0/)
    assert.ok(lastAttempt === undefined || lastAttempt === message.received)
    assert.deepEqual(rest, {
      n: 0,
      address: 'bob@partner.example',
      domain: 'partner.example',
      lane: 'mx:partner.example',
      state: 'waiting',
      attempts: 1,
      reply: '451 4.3.0 later',
      why: 'the next hop said so',
      advice: 'it is tried again by itself; from 2026-11-25T08:00:00.000Z on it goes back to its sender',
    })
    assert.equal(held.cause, 'operator')
    assert.match(held.advice, /causeway queue release --id m1/)
  })

  test('advice says what helps, and what will be', async () => {
    const advice = async (id: string): Promise<string> => (await get(`/v1/queue/${id}`)).json.recipients[0].advice
    assert.match(await advice('m2'), /mended.*causeway queue retry --lane tenant:tenant2; from .* on it is held/)
    assert.match(await advice('m3'), /causeway domain release shared\.example/)
  })

  test('a message that is not there', async () => {
    const asked = await get('/v1/queue/nobody')
    assert.equal(asked.status, 404)
    assert.match(asked.json.detail, /causeway trace --id nobody/)
  })

  const filters: readonly (readonly [query: string, ids: readonly string[]])[] = [
    ['', ['m1', 'm2', 'm3']],
    ['ids=m2', ['m2']],
    ['ids=m2&ids=m3', ['m2', 'm3']],
    ['domain=Shared.Example', ['m3']],
    ['recipient=eve@partner.example', ['m1']],
    ['sender=%3C%3E', ['m2']],
    ['sender=%3Cann@tenant1.example%3E', ['m1', 'm3']],
    ['lane=tenant:tenant2', ['m2']],
    ['state=held', ['m1', 'm3']],
    ['cause=domain', ['m3']],
    ['trouble=operator', ['m2']],
    ['olderThan=90m', ['m1']],
    ['peer=internet', ['m2']],
    ['peer=tenant1&state=waiting', ['m1']],
    ['ids=none', []],
  ]
  for (const [query, ids] of filters) {
    test(`filter ${query || 'none'}`, async () => assert.deepEqual(await idsOf(query), ids))
  }

  test('only the recipients that fit are shown', async () => {
    const { json } = await get('/v1/queue?state=held&ids=m1')
    assert.deepEqual(
      json.items[0].recipients.map((r: { address: string }) => r.address),
      ['eve@partner.example'],
    )
  })

  test('page by page, the oldest first', async () => {
    const seen: string[] = []
    let query = 'limit=1'
    for (let pages = 0; pages < 10; pages += 1) {
      const { json } = await get(`/v1/queue?${query}`)
      seen.push(...json.items.map((item: { id: string }) => item.id))
      if (json.next === undefined) break
      query = `limit=1&after=${encodeURIComponent(json.next)}`
    }
    assert.deepEqual(seen, ['m1', 'm2', 'm3'])
  })

  test('a word that is misspelt is refused and widens nothing', async () => {
    for (const query of ['doamin=shared.example', 'state=hold', 'limit=0', 'olderThan=long'])
      assert.equal((await get(`/v1/queue?${query}`)).status, 400, query)
    assert.equal((await post('/v1/queue/drop', { doamin: 'shared.example', all: true })).status, 400)
    assert.equal((await post('/v1/queue/drop', { ids: [], all: true })).status, 400)
    assert.deepEqual(await idsOf(''), ['m1', 'm2', 'm3'])
  })

  test('totals add up, with the oldest and the disk', async () => {
    const { json } = await get('/v1/queue/totals')
    const none = { delivered: 0, returned: 0, dropped: 0, running: 0 }
    assert.deepEqual(json, {
      totals: { taken: 4, waiting: 2, held: 2, ...none },
      addsUp: true,
      messages: 3,
      bytes: 75,
      oldest: { id: 'm1', received: '2026-11-23T08:00:00.000Z', since: '2026-11-23T08:00:00.000Z', ageSeconds: 7200 },
      disk: { freeBytes: 5e9, isLow: false, why: '' },
    })
  })

  test('lanes with what is wrong there', async () => {
    const { lanes } = (await get('/v1/lanes')).json
    const lane = lanes.find((l: { lane: string }) => l.lane === 'tenant:tenant2')
    assert.deepEqual([lane.waiting, lane.held, lane.oldest], [1, 0, '2026-11-23T09:00:00.000Z'])
    assert.equal(lanes.length, 2)
  })
})

describe('changing', () => {
  beforeEach(fresh)
  const states = async (id: string): Promise<readonly string[]> =>
    ((await get(`/v1/queue/${id}`)).json.recipients ?? []).map((r: { state: string }) => r.state)

  test('hold, release, retry, drop: with the number, and who it was', async () => {
    await stage.put({ to: [{}, {}] })
    assert.deepEqual((await post('/v1/queue/hold', { ids: ['m1'] })).json, { touched: 2, running: 0, left: 0 })
    assert.deepEqual(await states('m1'), ['held', 'held'])
    assert.equal((await get('/v1/queue/m1')).json.recipients[0].by, 'api (ann)')
    assert.equal((await post('/v1/queue/release', { ids: 'm1' })).json.touched, 2)
    assert.deepEqual(await states('m1'), ['waiting', 'waiting'])
    assert.equal((await post('/v1/queue/retry', { domain: 'partner.example' })).json.touched, 2)
    assert.equal((await post('/v1/queue/drop', { all: true })).json.touched, 2)
    assert.equal((await get('/v1/queue/m1')).status, 404)
    assert.deepEqual((await get('/v1/queue/totals')).json.totals.dropped, 2)
  })

  test('what is named by its id is touched, and nothing that came after it', async () => {
    for (let i = 0; i < 4; i += 1) await stage.put({})
    assert.equal((await post('/v1/queue/drop', { ids: ['m2'] })).json.touched, 1)
    assert.deepEqual(await idsOf(''), ['m1', 'm3', 'm4'])
    assert.equal((await post('/v1/queue/drop', { ids: ['m1', 'm4'] })).json.touched, 2)
    assert.deepEqual(await idsOf(''), ['m3'])
  })

  test('who retries or releases has mended something: next hops in trouble are tried at once', async () => {
    await stage.put({})
    for (const [verb, tried] of [
      ['hold', 0],
      ['release', 1],
      ['retry', 2],
      ['return', 2],
      ['drop', 2],
    ] as const) {
      await post(`/v1/queue/${verb}`, { all: true })
      assert.equal(stage.lanes.tried, tried, verb)
    }
  })

  test('nothing is meant by saying nothing', async () => {
    await stage.put({})
    for (const body of [{}, { all: false }, { all: true, ids: ['m1'] }]) {
      const asked = await post('/v1/queue/drop', body)
      assert.equal(asked.status, 400, JSON.stringify(body))
      assert.match(asked.json.title, /no filter|beside a filter/)
    }
    assert.deepEqual(await states('m1'), ['waiting'])
    assert.equal(stage.desk.audit.find({ limit: 10 }).length, 0)
  })

  test('a running attempt is left alone, and told', async () => {
    await stage.put({ to: [{}, { state: 'running' }] })
    assert.deepEqual((await post('/v1/queue/drop', { ids: ['m1'] })).json, { touched: 1, running: 1, left: 0 })
    assert.deepEqual(await states('m1'), ['running'])
  })

  test('what came from the internet is never returned', async () => {
    await stage.put({ peer: 'internet', sender: 'forged@victim.example' })
    const refused = await post('/v1/queue/return', { ids: ['m1'] })
    assert.equal(refused.status, 409)
    assert.match(refused.json.detail, /internet.*never returned.*forged/)
    assert.deepEqual(await states('m1'), ['waiting'])
    assert.equal(stage.desk.audit.find({ limit: 10 }).length, 0)
    await stage.put({})
    const partly = await post('/v1/queue/return', { all: true })
    assert.deepEqual([partly.json.touched, partly.json.left], [1, 1])
    assert.match(partly.json.why, /never returned/)
    assert.match((await get('/v1/queue/m2')).json.recipients[0].advice, /goes back/)
  })

  test('the trace of each message says who did what to whom', async () => {
    await stage.put({ to: [{ address: 'x@a.example' }, { address: 'y@b.example' }, { state: 'running' }] })
    await stage.put({ to: [{ address: 'z@a.example' }] })
    await post('/v1/queue/hold', { domain: 'a.example' })
    await post('/v1/queue/release', { state: 'held' })
    await post('/v1/queue/retry', { ids: ['m1'] })
    await post('/v1/queue/return', { ids: ['m2'] })
    await post('/v1/queue/drop', { recipient: 'y@b.example' })
    assert.deepEqual(
      stage.events.map(({ kind, id, recipients, why }) => [kind, id, recipients?.join(' '), why]),
      [
        ['HOLD', 'm1', 'x@a.example', 'held by api (ann)'],
        ['HOLD', 'm2', 'z@a.example', 'held by api (ann)'],
        ['RELEASE', 'm1', 'x@a.example', 'let go by api (ann)'],
        ['RELEASE', 'm2', 'z@a.example', 'let go by api (ann)'],
        ['KEEP', 'm1', 'x@a.example y@b.example', 'to be tried now, by the word of api (ann)'],
        ['RETURN', 'm2', 'z@a.example', 'to go back to its sender, by the word of api (ann)'],
        ['DROP', 'm1', 'y@b.example', 'thrown away by api (ann)'],
      ],
    )
  })

  test('an event names a hundred recipients, and how many more there are', async () => {
    await stage.put({ to: Array.from({ length: 150 }, (_, i) => ({ address: `r${i}@a.example` })) })
    assert.equal((await post('/v1/queue/drop', { all: true })).json.touched, 150)
    const [event] = stage.events
    assert.deepEqual(
      [event?.recipients?.length, event?.why],
      [100, 'thrown away by api (ann), with 50 more recipients'],
    )
  })

  test('a preview counts what would be touched, and touches nothing', async () => {
    await stage.put({ to: [{}, { state: 'held', cause: 'domain' }] })
    await stage.put({ peer: 'internet' })
    await stage.put({ sender: '' })
    const preview = async (query: string) => (await get(`/v1/queue/preview?${query}`)).json
    const drop = await preview('action=drop&all=true')
    assert.deepEqual([drop.recipients, drop.messages, drop.isAtLeast, drop.left], [4, 3, false, 0])
    assert.equal(drop.examples.length, 3)
    const release = await preview('action=release&all=true')
    assert.deepEqual([release.recipients, release.messages], [1, 1])
    const back = await preview('action=return&all=true')
    assert.deepEqual([back.recipients, back.left, back.silent], [3, 1, 1])
    assert.equal((await get('/v1/queue/preview?action=drop')).status, 400)
    assert.equal((await get('/v1/queue/preview?action=destroy&all=true')).status, 400)
    assert.equal((await get('/v1/queue/totals')).json.totals.waiting, 3)
    assert.equal(stage.desk.audit.find({ limit: 10 }).length, 0)
  })

  test('a change is a record: who, from where, what, and how many', async () => {
    await stage.put({})
    stage.pass(hour)
    await post('/v1/queue/drop', { domain: 'partner.example', olderThan: '30m' })
    const { records } = (await get('/v1/audit')).json
    const { hash, at, id, ...record } = records[0]
    assert.match(hash, /^[0-9a-f]{64}$/)
    assert.deepEqual([id, at], [1, '2026-11-23T09:00:00.000Z'])
    assert.deepEqual(record, {
      by: 'api (ann)',
      from: '127.0.0.1',
      what: 'queue.drop',
      object: 'domain=partner.example olderThanMs=1800000',
      before: '',
      after: '1 recipient',
    })
    assert.ok(stage.log.some(([, what, facts]) => what === 'asked by an operator' && facts['what'] === 'queue.drop'))
    assert.ok(stage.log.some(([, what, facts]) => what === 'audit' && facts['hash'] === hash))
  })
})

describe('release of a domain', () => {
  beforeEach(fresh)
  const path = '/v1/domains/shared.example/release'

  test('ordered, looked at, ended', async () => {
    await stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain' }] })
    await stage.put({ to: [{ address: 'y@shared.example', state: 'held', cause: 'operator' }] })
    const none = (await get(path)).json
    assert.deepEqual([none.domain, none.mode, none.held, none.order], ['shared.example', 'open', 1, undefined])
    assert.match(none.advice, /causeway domain release shared\.example/)
    const { order } = (await post(path, { whenAccepted: true, perMinute: 60 })).json
    const counts = { released: 0, asked: 0, notAccepted: 0, noes: [] }
    const since = '2026-11-23T08:00:00.000Z'
    assert.deepEqual(order, { whenAccepted: true, perMinute: 60, by: 'api (ann)', since, ...counts })
    assert.deepEqual((await get(path)).json.order, order)
    assert.deepEqual((await stage.ask('DELETE', path)).json, { domain: 'shared.example', ended: true })
    assert.equal((await stage.ask('DELETE', path)).status, 409)
    const [ended, ordered] = stage.desk.audit.find({ limit: 10 })
    assert.deepEqual(
      [ordered?.what, ordered?.before, ordered?.after],
      ['domain.release', 'no order', '60 a minute, each once the target accepts it'],
    )
    assert.deepEqual([ended?.what, ended?.object], ['domain.release.end', 'shared.example'])
  })

  test('when nothing is held any more it says whether the order ends by itself, or stands', async () => {
    await post(path, {})
    assert.match((await get(path)).json.advice, /^nothing is held any more; the order ends by itself/)
    await stage.ask('PUT', '/v1/domains/shared.example/mode', { mode: 'hold' })
    await post(path, {})
    assert.match(
      (await get(path)).json.advice,
      /^nothing is held any more; while shared\.example is on hold the order stands/,
    )
  })

  test('of a domain that nobody knows', async () => {
    assert.equal((await post('/v1/domains/unknown.example/release', {})).status, 404)
    assert.equal((await post('/v1/domains/no%20domain/release', {})).status, 404)
    await stage.put({ to: [{ address: 'x@unknown.example', state: 'held', cause: 'domain' }] })
    assert.equal((await post('/v1/domains/Unknown.example/release', {})).status, 200, 'its mail is here still')
  })

  test('a rate that is none', async () => {
    for (const perMinute of [0, -1, 1.5, 1e9]) assert.equal((await post(path, { perMinute })).status, 400)
  })

  test('opening a domain says what is still held', async () => {
    await stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain' }] })
    const mode = (wanted: string) => stage.ask('PUT', '/v1/domains/shared.example/mode', { mode: wanted })
    assert.equal((await mode('hold')).json.held, 1)
    assert.equal((await mode('open')).json.held, 1)
    assert.equal((await mode('retry-later')).json.mode, 'retry-later')
  })
})

test('what the disk does not take is told, and what to do', async () => {
  await fresh()
  await stage.desk.queue.close()
  const { status, json } = await post('/v1/queue/retry', { all: true })
  assert.equal(status, 503)
  assert.match(json.title, /^the queue could not store this: /)
})
