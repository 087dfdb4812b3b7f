import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bench, message } from './for-tests.ts'

const to = ['bob@contoso.example']

test('messages are claimed by id, due or not, in one lane; what was not tried counts no try and blames no lane', async () => {
  await using b = await bench()
  for (const id of ['a', 'b', 'c']) await b.queue.put(message(id, to))
  for (const { lease, lane } of await b.queue.claim({ limit: 10 })) {
    const nextAt = b.queue.now() + 60_000
    await b.queue.finish(lease, [{ n: 0, kind: 'waiting', lane, trouble: 'temporary', nextAt, reply: '4', why: 'w' }])
  }
  const [before] = await b.queue.lanes()
  assert.deepEqual(await b.queue.claim({ ids: ['c', 'a'], limit: 10 }), [], 'not due')
  assert.deepEqual(await b.queue.claim({ ids: ['a'], lane: 'tenant:other', limit: 10, force: true }), [])
  const works = await b.queue.claim({ ids: ['c', 'none', 'a'], lane: before?.lane ?? '', limit: 10, force: true })
  assert.deepEqual(
    works.map((work) => work.message.id),
    ['c', 'a'],
  )
  for (const { lease } of works)
    await b.queue.finish(lease, [
      { n: 0, kind: 'waiting', lane: 'tenant:other', trouble: 'operator', reply: '', why: 'moved', isUntried: true },
    ])
  const { items } = await b.queue.list({ lane: 'tenant:other' }, { limit: 10 })
  assert.deepEqual(
    items.flatMap(({ recipients }) => recipients.map(({ attempts, why }) => [attempts, why])),
    [
      [1, 'moved'],
      [1, 'moved'],
    ],
  )
  const other = (await b.queue.lanes()).find(({ lane }) => lane === 'tenant:other')
  assert.equal(other?.trouble, undefined)
})
