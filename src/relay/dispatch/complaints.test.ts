import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotDone } from '../../queue/queue.ts'
import { makeComplaints } from './complaints.ts'

test('the same trouble is told once a minute, each kind by itself, and without a stack where the queue says why', () => {
  const told: string[] = []
  let now = 0
  const complain = makeComplaints(
    (why) => told.push(why),
    () => now,
  )
  const full = new NotDone('database or disk is full', true)
  for (; now < 59_000; now += 1000) {
    complain('the queue', full)
    complain('release orders', full)
  }
  assert.deepEqual(told, ['the queue: database or disk is full', 'release orders: database or disk is full'])
  now = 60_000
  complain('the queue', full)
  assert.equal(told.length, 3)
  complain('message m1', new Error('a fault of ours'))
  assert.match(told[3] ?? '', /^message m1: Error: a fault of ours\n +at /)
  for (let i = 0; i < 1000; i += 1) complain(`message ${i}`, 'x')
  assert.equal(told.length, 1004)
})
