import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backOffMs, longestBackOffMs } from './back-off.ts'

const minutes = (ms: number) => ms / 60_000

test('back-off doubles up to half an hour', () => {
  const middle = [1, 2, 3, 4, 5, 6, 7, 1000].map((attempts) => minutes(backOffMs(attempts, () => 0.5)))
  assert.deepEqual(middle, [1, 2, 4, 8, 15, 30, 30, 30])
})

test('back-off is spread by a fifth, and never longer than the longest', () => {
  assert.equal(minutes(backOffMs(1, () => 0)), 0.8)
  assert.equal(minutes(backOffMs(1, () => 1)), 1.2)
  assert.equal(
    backOffMs(9, () => 1),
    longestBackOffMs,
  )
  assert.equal(
    backOffMs(0, () => 0.5),
    backOffMs(1, () => 0.5),
  )
})
