import assert from 'node:assert/strict'
import { test } from 'node:test'
import { border } from '../../test/support/small-listener.ts'
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

test('what may pass the bound is owed, and must be given back first', () => {
  const budget = new Budget(100)
  budget.take(250)
  budget.give(100)
  assert.equal(budget.free, 0)
  budget.give(100)
  assert.equal(budget.free, 50)
})

test('the collector is called the sooner the less there is, and not while it was called already', async () => {
  for (const [bytes, litter] of [
    [8 * mega, 16],
    [100 * mega, 25],
    [1024 * mega, 64],
  ] as const) {
    let calls = 0
    const budget = new Budget(bytes, () => void calls++)
    budget.give((litter - 1) * mega)
    await new Promise(setImmediate)
    assert.equal(calls, 0, `${litter}`)
    for (let n = 0; n < 200; n++) budget.give(mega)
    await new Promise(setImmediate)
    assert.equal(calls, 1, `${litter}`)
  }
})

test('what the queue has in hand is missing for who comes, at MAIL, and for who was let in before, at DATA', async (t) => {
  const budget = new Budget(1000)
  const { greeted, messages } = await border(t, { budget })
  const client = await greeted()
  budget.take(900)
  assert.match(await client.ask('MAIL FROM:<a@x.example> SIZE=200'), /^452 4\.3\.1 too many bytes in transfer/)
  assert.match(await client.ask('MAIL FROM:<a@x.example> SIZE=50'), /^250 /)
  assert.match(await client.ask('RCPT TO:<b@y.example>'), /^250 /)
  budget.take(80)
  assert.match(await client.ask('DATA'), /^452 4\.3\.1 too many bytes in transfer/)
  budget.give(80)
  for (const line of ['MAIL FROM:<a@x.example> SIZE=50', 'RCPT TO:<b@y.example>'])
    assert.match(await client.ask(line), /^250 /)
  assert.match(await client.ask('DATA'), /^354 /)
  assert.match(await client.ask('A: b\r\n\r\nHello\r\n.'), /^250 /)
  assert.equal(messages.length, 1)
  assert.equal(budget.free, 100, 'all of it is given back')
})
