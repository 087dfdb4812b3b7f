import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { bench, message, recipient } from './for-tests.ts'
import { longestBackOffMs, openQueue, type Queue, type Result, type Work } from './queue.ts'

const minute = 60_000
const hour = 60 * minute
const said = { reply: '451 4.3.2 not now', why: 'the next hop said 451' }
const delivered = (n: number): Result => ({ n, kind: 'delivered', reply: '250 2.0.0 Ok', why: '' })
const later = (n: number, lane = 'tenant:contoso'): Result => ({
  n,
  kind: 'waiting',
  lane,
  trouble: 'temporary',
  ...said,
})
const ids = (works: readonly Work[]): readonly string[] => works.map((work) => work.message.id)

async function one(queue: Queue, query: Partial<Parameters<Queue['claim']>[0]> = {}): Promise<Work> {
  const [work, ...others] = await queue.claim({ limit: 10, ...query })
  assert.ok(work !== undefined)
  assert.deepEqual(others, [])
  return work
}

describe('content', () => {
  test('of any size in odd pieces comes back as it was, after a restart too', async () => {
    await using b = await bench()
    const sizes = [0, 1, 256 * 1024, 256 * 1024 + 1, 3 * 1024 * 1024 + 7]
    const whole = Buffer.from(Array.from({ length: Math.max(...sizes) }, (_, i) => (i * 31) % 251))
    for (const size of sizes) {
      const some = whole.subarray(0, size)
      const content = [some.subarray(0, 5), Buffer.alloc(0), some.subarray(5, 300_000), some.subarray(300_000)]
      assert.deepEqual(await b.queue.put(message(`m${size}`, ['bob@contoso.example'], { content })), { ok: true })
    }
    const queue = await b.reopen()
    for (const size of sizes)
      assert.ok((await queue.content(`m${size}`))?.equals(whole.subarray(0, size)), `${size} bytes`)
    assert.equal(
      queue.figures.bytes,
      sizes.reduce((sum, size) => sum + size),
    )
    assert.equal(await queue.content('none'), undefined)
  })

  test('of a message that is done is gone, and the file is small again', async () => {
    await using b = await bench()
    const size = () => statSync(join(b.dir, 'queue.db')).size
    await b.queue.put(message('m', ['bob@contoso.example'], { content: [Buffer.alloc(20 * 1024 * 1024, 1)] }))
    await b.reopen()
    assert.ok(size() > 20 * 1024 * 1024)
    const work = await one(b.queue)
    assert.equal(await b.queue.finish(work.lease, [delivered(0)]), true)
    assert.equal(await b.queue.content('m'), undefined)
    await b.queue.sweep()
    await b.reopen()
    assert.ok(size() < 3 * 1024 * 1024, `${size()} bytes are left`)
    assert.equal(await b.queue.check(), undefined)
  })
})

describe('put', () => {
  test('of an id that is in the queue says so and changes nothing', async () => {
    await using b = await bench()
    const content = [Buffer.alloc(300_000)]
    for (const more of [{}, { content }]) {
      assert.ok((await b.queue.put(message('m', ['bob@contoso.example']))).ok || more.content !== undefined)
      const again = await b.queue.put(message('m', ['carol@contoso.example'], more))
      assert.ok(!again.ok)
      assert.equal(again.isFull, false)
    }
    await b.queue.sweep()
    assert.equal(b.queue.figures.taken, 1)
    assert.equal((await b.queue.content('m'))?.toString(), 'Subject: Hello\r\n\r\nThis is m.\r\n')
    assert.equal(await b.queue.check(), undefined)
  })

  test('gives a lease for those that are running, and each of them can be finished by itself', async () => {
    await using b = await bench()
    const to = [
      recipient('bob@contoso.example', { state: 'running' }),
      recipient('dave@other.example', { state: 'running', lane: 'mx:other.example' }),
      recipient('carol@contoso.example'),
    ]
    const put = await b.queue.put(message('m', to))
    assert.ok(put.ok && put.lease !== undefined)
    assert.deepEqual(
      (await one(b.queue)).recipients.map((r) => r.n),
      [2],
    )
    assert.equal(await b.queue.finish(put.lease, [delivered(1)]), true)
    assert.equal(await b.queue.finish(put.lease, [delivered(1)]), false)
    assert.equal(await b.queue.finish(put.lease, [later(0)]), true)
    assert.equal(await b.queue.finish(put.lease, [later(0)]), false)
    const { delivered: done, waiting, running } = await b.queue.totals()
    assert.deepEqual({ done, waiting, running }, { done: 1, waiting: 1, running: 1 })
  })

  test('after the queue was closed is answered, everything else rejects', async () => {
    const b = await bench()
    await b[Symbol.asyncDispose]()
    assert.deepEqual(await b.queue.put(message('m', ['bob@contoso.example'])), {
      ok: false,
      why: 'the queue is closed',
      isFull: false,
    })
    await assert.rejects(b.queue.claim({ limit: 1 }), /the queue is closed/)
  })

  test('of many at once shares commits', async () => {
    await using b = await bench()
    const puts = Array.from({ length: 500 }, (_, i) => b.queue.put(message(`m${i}`, ['bob@contoso.example'])))
    assert.ok((await Promise.all(puts)).every(({ ok }) => ok))
    assert.equal(b.queue.figures.waiting, 500)
    assert.equal(await b.queue.check(), undefined)
  })
})

describe('claim', () => {
  test('gives what was due first, and no more bytes than asked for', async () => {
    await using b = await bench()
    for (const id of ['a', 'b', 'c']) {
      b.clock.now += 1
      await b.queue.put(message(id, ['bob@contoso.example'], { content: [Buffer.alloc(1000)] }))
    }
    assert.deepEqual(ids(await b.queue.claim({ limit: 9, maxBytes: 2500 })), ['a', 'b'])
    assert.deepEqual(ids(await b.queue.claim({ limit: 9, maxBytes: 10 })), ['c'])
  })

  test('by age gives what is old in whatever lane, to warn only those not warned yet', async () => {
    await using b = await bench()
    const to = [recipient('bob@contoso.example'), recipient('dave@other.example', { lane: 'mx:other.example' })]
    await b.queue.put(message('old', to))
    b.clock.now += 4 * hour
    await b.queue.put(message('new', to))
    const warnBefore = b.clock.now - hour
    const works = await b.queue.claim({ limit: 1, warnBefore })
    assert.deepEqual(ids(works), ['old', 'old'], 'all lanes of one message')
    const [first, second] = works
    assert.ok(first !== undefined && second !== undefined)
    const report = message('report', ['ann@fabrikam.example'], { sender: '', peer: 'causeway' })
    await b.queue.finish(first.lease, [{ n: 0, kind: 'unchanged', reply: '', why: '' }], {
      warned: [0],
      reports: [report],
    })
    await b.queue.finish(second.lease, [{ n: 1, kind: 'unchanged', reply: '', why: '' }])
    const inLane = (lane: string) => b.queue.claim({ limit: 9, warnBefore, force: true, lane })
    assert.deepEqual(await inLane('tenant:contoso'), [])
    const [other, ...rest] = await inLane('mx:other.example')
    assert.ok(other !== undefined && rest.length === 0)
    assert.deepEqual(
      other.recipients.map(({ n, isWarned }) => [n, isWarned]),
      [[1, undefined]],
      'the one that nobody was told of',
    )
    await b.queue.finish(other.lease, [{ n: 1, kind: 'unchanged', reply: '', why: '' }], { warned: [1] })
    assert.deepEqual(await b.queue.claim({ limit: 9, warnBefore, force: true }), [])
    assert.equal((await b.queue.show('old'))?.message.warnedAt, b.clock.now)
    assert.deepEqual(ids(await b.queue.claim({ limit: 9, receivedBefore: warnBefore, lane: 'mx:other.example' })), [
      'old',
    ])
  })

  test('by age in a lane finds it behind whatever is older in other lanes', async () => {
    await using b = await bench()
    const many = Array.from({ length: 21_000 }, (_, i) =>
      recipient(`u${i}@other.example`, { lane: 'mx:other.example' }),
    )
    for (const half of [many.slice(0, 10_500), many.slice(10_500)])
      await b.queue.put(message(`other${half.length}${half[0]?.address}`, half))
    b.clock.now += 1
    await b.queue.put(message('m', ['bob@contoso.example']))
    b.clock.now += hour
    const query = { limit: 9, force: true, lane: 'tenant:contoso' }
    assert.deepEqual(ids(await b.queue.claim({ ...query, warnBefore: b.clock.now })), ['m'])
  })

  test('counts the age of what was held from its release', async () => {
    await using b = await bench()
    await b.queue.put(message('m', [recipient('bob@contoso.example', { state: 'held', cause: 'domain' })]))
    b.clock.now += 240 * hour
    assert.deepEqual(await b.queue.claim({ limit: 9, receivedBefore: b.clock.now, force: true }), [])
    await b.queue.release({}, 'ann')
    assert.deepEqual(await b.queue.claim({ limit: 9, receivedBefore: b.clock.now, force: true }), [])
    assert.equal(b.queue.figures.oldestWaitingAt, b.clock.now)
    b.clock.now += 1
    assert.deepEqual(ids(await b.queue.claim({ limit: 9, receivedBefore: b.clock.now })), ['m'])
  })

  test('gives what was released one after the other, each sender and address for itself', async () => {
    await using b = await bench()
    const held = (address: string) => recipient(address, { state: 'held', cause: 'domain' })
    for (const id of ['a', 'b', 'c'])
      await b.queue.put(message(id, [held('bob@contoso.example'), held('carol@contoso.example')]))
    await b.queue.release({ recipient: 'BOB@contoso.example', ids: ['b', 'c'] }, 'ann')
    const second = await one(b.queue)
    assert.equal(second.message.id, 'b')
    // One that arrived earlier is released while a later one is on its way.
    await b.queue.release({ recipient: 'bob@contoso.example' }, 'ann')
    assert.deepEqual(await b.queue.claim({ limit: 9 }), [])
    await b.queue.finish(second.lease, [later(0)])
    const first = await one(b.queue)
    assert.equal(first.message.id, 'a')
    await b.queue.release({ recipient: 'carol@contoso.example' }, 'ann')
    assert.deepEqual(ids(await b.queue.claim({ limit: 9 })), ['a'])
    await b.queue.finish(first.lease, [delivered(0)])
    assert.deepEqual(await b.queue.claim({ limit: 9 }), [], 'b has its back-off')
    b.clock.now += longestBackOffMs
    const third = await one(b.queue)
    assert.equal(third.message.id, 'b')
    assert.equal(await b.queue.check(), undefined)
  })

  test('by the wish of an operator comes first, whatever is excluded; nobody can wish it for the internet', async () => {
    await using b = await bench()
    await b.queue.put(message('a', ['bob@contoso.example']))
    await b.queue.put(message('b', [recipient('bob@contoso.example', { state: 'held', cause: 'domain' })]))
    await b.queue.put(message('c', ['bob@contoso.example'], { peer: 'internet' }))
    assert.equal(await b.queue.wishReturn({ ids: ['b', 'c'] }, 'ann'), 1)
    const work = await one(b.queue, { exceptLanes: ['tenant:contoso'] })
    assert.deepEqual([work.message.id, work.wish, work.recipients[0]?.by], ['b', 'return', 'ann'])
    await b.queue.finish(work.lease, [{ n: 0, kind: 'returned', reply: '', why: 'ann wished it' }])
    assert.equal((await b.queue.totals()).returned, 1)
  })

  test('by the wish of an operator is given whole, whatever lanes it is in', async () => {
    await using b = await bench()
    const lanes = ['tenant:contoso', 'mx:a.example', 'mx:b.example']
    await b.queue.put(
      message(
        'a',
        lanes.map((lane) => recipient('bob@contoso.example', { lane })),
      ),
    )
    await b.queue.wishReturn({ ids: ['a'] }, 'ann')
    const work = await one(b.queue)
    assert.deepEqual(
      work.recipients.map(({ n, lane }) => [n, lane]),
      lanes.map((lane, n) => [n, lane]),
    )
    assert.equal(await b.queue.check(), undefined)
    await b.queue.finish(work.lease, [{ n: 1, kind: 'returned', reply: '', why: '' }])
    await b.queue.finish(work.lease, [
      { n: 0, kind: 'returned', reply: '', why: '' },
      { n: 2, kind: 'unchanged', reply: '', why: '' },
    ])
    assert.equal(await b.queue.check(), undefined)
    assert.deepEqual((await one(b.queue)).recipients.length, 1)
  })
})

describe('a lease', () => {
  test('ends when nobody extends it, and with it the right to finish', async () => {
    await using b = await bench({ leaseMs: hour })
    await b.queue.put(message('m', ['bob@contoso.example']))
    const { lease } = await one(b.queue)
    b.clock.now += hour
    assert.equal(await b.queue.extend(lease), true)
    b.clock.now += hour
    await b.queue.sweep()
    assert.deepEqual(await b.queue.claim({ limit: 1 }), [])
    b.clock.now += 1
    await b.queue.sweep()
    assert.equal(await b.queue.extend(lease), false)
    assert.equal(await b.queue.finish(lease, [delivered(0)]), false)
    const again = await one(b.queue)
    assert.match(again.recipients[0]?.why ?? '', /unknown outcome, tried again/)
    assert.equal(again.recipients[0]?.attempts, 1)
  })

  test('ends with the process that held it', async () => {
    await using b = await bench()
    await b.queue.put(message('m', ['bob@contoso.example']))
    const { lease } = await one(b.queue)
    const queue = await b.reopen()
    assert.equal(await queue.finish(lease, [delivered(0)]), false)
    const again = await one(queue)
    assert.match(again.recipients[0]?.why ?? '', /the process ended during an attempt/)
    assert.notEqual(again.lease.token, lease.token)
    assert.equal(await queue.finish(again.lease, [delivered(0)]), true)
  })
})

describe('by hand', () => {
  test('a message with 5,000 recipients and 2,000 others are reached in steps', async () => {
    await using b = await bench()
    const many = Array.from({ length: 5000 }, (_, i) => recipient(`u${i}@contoso.example`))
    await b.queue.put(message('many', many))
    await Promise.all(Array.from({ length: 2000 }, (_, i) => b.queue.put(message(`m${i}`, ['bob@other.example']))))
    assert.equal(await b.queue.hold({}, 'ann'), 7000)
    assert.equal(await b.queue.release({ domain: 'CONTOSO.example' }, 'ann'), 5000)
    assert.equal(await b.queue.drop({ domain: 'other.example' }, 'ann'), 2000)
    const work = await one(b.queue)
    assert.equal(work.recipients.length, 5000)
    assert.equal(await b.queue.drop({}, 'ann'), 0, 'running ones are not touched')
    assert.equal((await b.queue.list({}, { limit: 9 })).items[0]?.recipients.length, 100)
    assert.equal((await b.queue.show('many'))?.recipients.length, 5000)
    assert.equal(
      await b.queue.finish(
        work.lease,
        work.recipients.map(({ n }) => delivered(n)),
      ),
      true,
    )
    assert.equal(await b.queue.check(), undefined)
  })

  test('lists go on where they ended', async () => {
    await using b = await bench()
    for (let i = 0; i < 25; i += 1)
      await b.queue.put(message(`m${i}`, [i % 2 === 0 ? 'bob@contoso.example' : 'dave@other.example']))
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await b.queue.list({ recipient: 'Bob@Contoso.Example' }, { limit: 4, ...(after && { after }) })
      seen.push(...page.items.map((item) => item.message.id))
      after = page.next
    } while (after !== undefined)
    assert.deepEqual(
      seen,
      Array.from({ length: 13 }, (_, i) => `m${2 * i}`),
    )
    const some = await b.queue.list({ ids: ['m3', 'm1', 'none'], sender: 'ANN@fabrikam.example' }, { limit: 9 })
    assert.deepEqual(
      some.items.map((item) => item.message.id),
      ['m1', 'm3'],
    )
    assert.deepEqual(await b.queue.list({ sender: 'nobody@fabrikam.example' }, { limit: 9 }), { items: [] })
  })

  test('lanes say what is wrong with them, until an attempt succeeds', async () => {
    await using b = await bench()
    await b.queue.put(message('a', ['bob@contoso.example']))
    await b.queue.put(message('b', ['bob@contoso.example']))
    const [first, second] = await b.queue.claim({ limit: 2 })
    assert.ok(first !== undefined && second !== undefined)
    await b.queue.finish(first.lease, [later(0)])
    const lane = { lane: 'tenant:contoso', held: 0, oldestAt: b.clock.now }
    const { reply, why } = said
    assert.deepEqual(await b.queue.lanes(), [{ ...lane, waiting: 1, running: 1, trouble: 'temporary', reply, why }])
    await b.queue.finish(second.lease, [delivered(0)])
    assert.deepEqual(await b.queue.lanes(), [{ ...lane, waiting: 1, running: 0, reply: '', why: '' }])
  })
})

test('the age of a lane is that of what waits there, and begins anew with a release', async () => {
  await using b = await bench()
  const receivedAt = b.clock.now
  await b.queue.put(message('h', [recipient('bob@contoso.example', { state: 'held', cause: 'domain' })]))
  b.clock.now += 3000
  assert.equal((await b.queue.lanes())[0]?.oldestAt, receivedAt)
  await b.queue.release({ domain: 'contoso.example' }, 'ann')
  assert.equal((await b.queue.lanes())[0]?.oldestAt, b.clock.now)
  // Not so for a filter: it asks when a message was received.
  const olderThan = async (olderThanMs: number) => (await b.queue.list({ olderThanMs }, { limit: 9 })).items.length
  assert.deepEqual([await olderThan(2999), await olderThan(3000)], [1, 0])
})

test('what is put without an attempt, because its lane is down, shows the trouble of the lane from the start', async () => {
  await using b = await bench()
  const reply = '451 4.4.1 no connection to the next server'
  await b.queue.put(
    message('m', [recipient('bob@contoso.example', { trouble: 'temporary', reply, why: 'it is down' })]),
  )
  const [lane] = await b.queue.lanes()
  assert.deepEqual([lane?.trouble, lane?.reply, lane?.why], ['temporary', reply, 'it is down'])
  const kept = (await b.queue.show('m'))?.recipients[0]
  assert.deepEqual([kept?.trouble, kept?.reply, kept?.why, kept?.attempts], ['temporary', reply, 'it is down', 0])
})

test('a clock that was set back in between makes everything due that would wait too long', async () => {
  await using b = await bench()
  await b.queue.put(message('m', ['bob@contoso.example']))
  const { lease } = await one(b.queue)
  await b.queue.finish(lease, [later(0)])
  b.clock.now -= 48 * hour
  const queue = await b.reopen()
  const work = await one(queue)
  assert.equal(work.recipients[0]?.nextAt, b.clock.now)
})

test("the file is its owner's, and one of a newer Causeway is not touched", async () => {
  await using b = await bench()
  const file = join(b.dir, 'queue.db')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  await b.queue.close()
  const database = new DatabaseSync(file)
  database.exec('PRAGMA user_version = 99')
  database.close()
  const opened = await openQueue({ dir: b.dir })
  assert.ok(!opened.ok)
  assert.match(opened.why, /written by a newer Causeway \(schema 99/)
})
