import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spend } from './message.ts'

test('an array of its own is gone, a part of one stays', () => {
  const own = new Uint8Array(10)
  spend(own)
  assert.equal(own.length, 0)
  const whole = new Uint8Array(10)
  for (const part of [whole.subarray(1), whole.subarray(0, 9), Buffer.from(whole.buffer, 2, 3)]) spend(part)
  assert.equal(whole.length, 10)
  const shared = new Uint8Array(new SharedArrayBuffer(4))
  spend(shared)
  assert.equal(shared.length, 4)
})
