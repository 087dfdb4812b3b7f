/** What is held because its tenant was gone comes back with it, and nothing else does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bench, message, recipient } from './for-tests.ts'

const gone = (address: string, cause: 'tenant' | 'domain' | 'operator' = 'tenant') =>
  recipient(address, { state: 'held', cause })

test('mail of these tenants, and reports of ours, wait again, with an age that begins anew; it is no release', async () => {
  await using b = await bench()
  await b.queue.put({ ...message('a', [gone('x@contoso.example'), gone('y@contoso.example', 'domain')]), peer: 'one' })
  await b.queue.put({ ...message('b', [gone('x@contoso.example')]), peer: 'two' })
  await b.queue.put({ ...message('c', [gone('z@contoso.example'), 'w@contoso.example']), peer: 'causeway' })
  await b.queue.put({ ...message('d', [gone('x@contoso.example', 'operator')]), peer: 'one' })
  b.clock.now += 1000
  const told: string[] = []
  const count = await b.queue.resume(['one', 'three'], (some) => {
    for (const { id, recipients } of some) told.push(`${id} ${recipients.join()}`)
  })
  assert.deepEqual([await b.queue.heldFor('tenant', 9), await b.queue.heldFor('operator', 9)], [1, 1])
  assert.equal(await b.queue.heldFor('refused', 9), 0)
  assert.deepEqual([count, told], [2, ['a x@contoso.example', 'c z@contoso.example']])
  const { items } = await b.queue.list({}, { limit: 10 })
  const states = items.flatMap((item) =>
    item.recipients.map((r) => `${item.message.id} ${r.state} ${r.cause ?? ''}`.trim()),
  )
  assert.deepEqual(states, ['a waiting', 'a held domain', 'b held tenant', 'c waiting', 'c waiting', 'd held operator'])
  const first = items[0]?.recipients[0]
  assert.deepEqual([first?.releasedAt, first?.nextAt], [undefined, b.clock.now])
  assert.equal(b.queue.figures.oldestWaitingAt, b.clock.now - 1000, 'c was not held in part')
  const works = await b.queue.claim({ limit: 10 })
  assert.deepEqual(
    works.map((work) => [work.message.id, work.recipients.length]),
    [
      ['c', 2],
      ['a', 1],
    ],
  )
  assert.equal(await b.queue.check(), undefined)
  assert.equal(await b.queue.resume(['one', 'three']), 0)
})

test('thousands come back in steps, each once', async () => {
  await using b = await bench()
  const many = Array.from({ length: 2500 }, (_, n) => gone(`r${n}@contoso.example`))
  for (const id of ['a', 'b']) await b.queue.put({ ...message(id, many.slice(0, 1250)), peer: 'one' })
  assert.deepEqual([await b.queue.heldFor('tenant', 7), await b.queue.heldFor('tenant', 9999)], [7, 2500])
  assert.equal(await b.queue.resume(['one']), 2500)
  assert.deepEqual([b.queue.figures.held, b.queue.figures.waiting], [0, 2500])
  assert.equal(await b.queue.check(), undefined)
})
