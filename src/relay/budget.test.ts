import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Budget } from './budget.ts'

const mega = 1024 * 1024

test('free is what is not taken, and never less than nothing', () => {
  const budget = new Budget(100)
  budget.take(70)
  assert.equal(budget.free, 30)
  budget.take(70)
  assert.equal(budget.free, 0)
  budget.give(140)
  assert.equal(budget.free, 100)
})

test('the collector is called once for many megabytes, and not for little', async () => {
  let calls = 0
  const budget = new Budget(64 * mega, () => void calls++)
  const turn = () => new Promise(setImmediate)
  for (let n = 0; n < 15; n++) budget.give(mega)
  await turn()
  assert.equal(calls, 0)
  for (let n = 0; n < 50; n++) budget.give(mega)
  await turn()
  assert.equal(calls, 1)
  for (let n = 0; n < 1000; n++) budget.give(mega / 2)
  await turn()
  assert.equal(calls, 1)
  budget.give(20 * mega)
  await turn()
  assert.equal(calls, 2)
})
