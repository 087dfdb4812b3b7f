import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flow } from './flow.ts'
import { all } from './for-tests.ts'

test('what is thrown in comes out in order, before and after somebody waits', async () => {
  const taken: number[] = []
  const flow = new Flow<number>((item) => taken.push(item))
  flow.push(1)
  const items = all(flow)
  for (let i = 2; i <= 5000; i += 1) flow.push(i)
  setTimeout(() => {
    flow.push(5001)
    flow.end()
    flow.push(5002)
  }, 5)
  assert.deepEqual(
    await items,
    Array.from({ length: 5001 }, (_, i) => i + 1),
  )
  assert.equal(taken.length, 5001)
})

test('an error comes after what arrived before it', async () => {
  const flow = new Flow<number>()
  flow.push(1)
  flow.end(new Error('over'))
  flow.end()
  assert.equal((await flow.next()).value, 1)
  await assert.rejects(flow.next(), /over/)
})

test('who goes away is given nothing more', async () => {
  let isGone = false
  const flow = new Flow<number>(undefined, () => {
    isGone = true
  })
  flow.push(1)
  flow.push(2)
  for await (const item of flow) if (item === 1) break
  flow.push(3)
  assert.ok(isGone)
  assert.deepEqual(await flow.next(), { done: true, value: undefined })
})
