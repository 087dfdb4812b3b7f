import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { Result } from '../../queue/queue.ts'
import { makeFinisher } from './finisher.ts'

const lease = { token: '1' }
const results: readonly Result[] = [{ n: 0, kind: 'delivered', reply: '', why: '' }]

test('a result that the disk does not take is offered again until it does, and never twice', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    let [asked, troubles] = [0, 0]
    const finish = async () => {
      asked += 1
      if (asked < 4) throw new Error('disk I/O error')
      return true
    }
    const done = makeFinisher({ finish }, () => (troubles += 1)).finish(lease, results)
    for (const pause of [500, 1000, 2000]) {
      await new Promise(setImmediate)
      mock.timers.tick(pause)
    }
    assert.equal(await done, true)
    assert.deepEqual([asked, troubles], [4, 3])
  } finally {
    mock.timers.reset()
  }
})

test('a lease that is lost is left', async () => {
  assert.equal(await makeFinisher({ finish: async () => false }, () => {}).finish(lease, results), false)
})

test('closing ends the waiting', async () => {
  const finisher = makeFinisher({ finish: () => Promise.reject(new Error('disk')) }, () => {})
  const done = finisher.finish(lease, results)
  await new Promise(setImmediate)
  finisher.close()
  assert.equal(await done, false)
  assert.equal(await finisher.finish(lease, results), false)
})
