import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bench, message, recipient } from './for-tests.ts'

test('a release order counts what it let go, in the order of arrival, and survives a restart', async () => {
  await using b = await bench()
  const held = recipient('bob@contoso.example', { state: 'held', cause: 'domain' })
  const refused = recipient('carol@contoso.example', { state: 'held', cause: 'refused' })
  for (const id of ['a', 'b', 'c']) await b.queue.put(message(id, [held, refused]))
  assert.equal(await b.queue.letGo('contoso.example', { recipients: [{ id: 'a', n: 0 }] }), 0, 'nobody ordered it')
  await b.queue.orderRelease({ domain: 'Contoso.example', whenAccepted: true, perMinute: 60, by: 'ann' })
  const queue = await b.reopen()
  const page = await queue.nextHeld('contoso.example', 2)
  assert.deepEqual(
    page.items.map(({ message: m, recipient: r }) => [m.id, r.n]),
    [
      ['a', 0],
      ['b', 0],
    ],
  )
  const rest = await queue.nextHeld('contoso.example', 2, page.next)
  assert.deepEqual(
    rest.items.map(({ message: m }) => m.id),
    ['c'],
  )
  const step = {
    recipients: [
      { id: 'a', n: 0 },
      { id: 'a', n: 1 },
      { id: 'x', n: 0 },
    ],
    asked: 3,
    notAccepted: 2,
    noes: [
      { kind: 'unreached', words: 'ECONNREFUSED' },
      { kind: 'unreached', words: 'ETIMEDOUT' },
    ] as const,
  }
  assert.equal(await queue.letGo('contoso.example', step), 1)
  const [order] = await queue.releaseOrders()
  const expected = { domain: 'contoso.example', whenAccepted: true, perMinute: 60, by: 'ann', at: b.clock.now }
  assert.deepEqual(order, {
    ...expected,
    released: 1,
    asked: 3,
    notAccepted: 2,
    progressAt: b.clock.now,
    noes: [{ kind: 'unreached', count: 2, words: 'ETIMEDOUT' }],
  })
  await queue.orderRelease({ domain: 'contoso.example', whenAccepted: false, perMinute: 60, by: 'bob' })
  const [next] = await queue.releaseOrders()
  const none = { released: 0, asked: 0, notAccepted: 0, noes: [] }
  assert.deepEqual(next, { ...expected, whenAccepted: false, by: 'bob', progressAt: b.clock.now, ...none })
  assert.deepEqual(await queue.domains(), { held: ['contoso.example'], attempted: [] })
  const replaced = await queue.lastRelease('contoso.example')
  assert.deepEqual([replaced?.by, replaced?.released, replaced?.noes], ['ann', 1, order?.noes])
  b.clock.now += 1000
  const ended = await queue.endRelease('Contoso.example')
  assert.deepEqual(ended, { ...next, endedAt: b.clock.now })
  assert.equal(await queue.endRelease('contoso.example'), undefined)
  assert.deepEqual(await queue.lastRelease('contoso.example'), ended)
  assert.deepEqual(await (await b.reopen()).lastRelease('contoso.example'), ended)
  assert.equal(await b.queue.lastRelease('other.example'), undefined)
})
