import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenUpFrom, waitsSince } from './queue.ts'

test('age and deadline of what was held count from its release', () => {
  const policy = { returnAfterMs: 100 }
  assert.deepEqual([waitsSince({ receivedAt: 5 }, {}), givenUpFrom({ receivedAt: 5 }, {}, policy)], [5, 105])
  const released = { releasedAt: 70 }
  assert.deepEqual(
    [waitsSince({ receivedAt: 5 }, released), givenUpFrom({ receivedAt: 5 }, released, policy)],
    [70, 170],
  )
})
