import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { makeGate, newGateState } from './gate.ts'
import { type Learned, makePace } from './pace.ts'
import { makeMeter, secondsFor } from './rates.ts'

function stage(learned: Learned = {}) {
  const clock = { at: 1_000_000 }
  let told = 0
  const pace = makePace({ learned, now: () => clock.at, onLearned: () => void (told += 1), random: () => 0 })
  return { clock, learned, pace, told: () => told }
}
const { signal } = new AbortController()
const throttled = (waitMs?: number) =>
  new MailboxTrouble('throttled', 'slow down', {
    words: 'Request is throttled',
    ...(waitMs === undefined ? {} : { waitMs }),
  })
/** Does it wait? */
const isHeld = (pace: ReturnType<typeof makePace>): Promise<boolean> =>
  pace.take(100, AbortSignal.timeout(30)).then(
    () => false,
    () => true,
  )

test('nothing is held back before a server has asked for it', async () => {
  const { pace, learned } = stage()
  for (let i = 0; i < 1000; i += 1) {
    await pace.take(1_000_000, signal)
    pace.went(1_000_000, 1)
  }
  assert.deepEqual(learned, {})
})

test('the time that a server names is obeyed to the millisecond, and the reason can be read', async () => {
  const { pace, clock } = stage()
  pace.told(throttled(299_961))
  assert.equal(pace.waitMs(), 299_961)
  assert.equal(pace.waiting()?.why, 'the server asked us to wait: Request is throttled')
  clock.at += 299_960
  assert.ok(await isHeld(pace))
  clock.at += 1
  assert.equal(pace.waiting(), undefined)
  await pace.take(0, signal)
})

test('what it bore is measured, and kept below from then on; after ten calm minutes a little more is tried', () => {
  const { pace, clock, learned } = stage()
  for (let i = 0; i < 240; i += 1) {
    clock.at += 100
    pace.went(1000, 5)
  }
  pace.told(throttled(1000))
  assert.ok(learned.rate !== undefined && learned.rate > 6 && learned.rate < 8, String(learned.rate))
  const before = learned.rate
  clock.at += 11 * 60_000
  pace.went(1000, 5)
  assert.equal(learned.rate, before * 1.25)
  clock.at += 25 * 60 * 60_000
  pace.went(1000, 5)
  assert.equal(learned.rate, undefined)
})

test('a rate is kept: messages wait for their turn', async () => {
  const { pace } = stage({ rate: 0.5, throttledAt: 1_000_000 })
  await pace.take(100, signal)
  assert.ok(await isHeld(pace))
})

test('without a time it is left in peace longer each time; one message alone is no reason to wait', () => {
  const { pace, clock } = stage()
  const waits = [1, 2, 3].map(() => {
    pace.told(new MailboxTrouble('busy', 'too many connections'))
    const ms = pace.waitMs()
    clock.at += ms
    return ms
  })
  assert.deepEqual(waits, [10_000, 20_000, 40_000])
  for (const kind of ['tooLarge', 'refused', 'lineTooLong'] as const) pace.told(new MailboxTrouble(kind, 'no'))
  assert.equal(pace.waitMs(), 0)
})

test('who is told to stop waits no longer', async () => {
  const { pace } = stage()
  pace.told(throttled(3_600_000))
  await assert.rejects(pace.take(1, AbortSignal.timeout(5)), { kind: 'stopped' })
})

test('a gate opens wider while all goes well, and closes when it was too much', () => {
  const clock = { at: 0 }
  const state = newGateState()
  const gate = makeGate({ state, most: 20, now: () => clock.at, onLearned: () => {} })
  assert.equal(gate.hasRoom(3), true)
  assert.equal(gate.hasRoom(4), false)
  for (let i = 0; i < 100; i += 1) {
    clock.at += 5000
    gate.hasRoom(gate.limit)
  }
  assert.equal(gate.limit, 20)
  gate.busy(12)
  gate.busy(12)
  assert.equal(gate.limit, 11)
  clock.at += 10_000
  gate.hasRoom(11)
  assert.equal(gate.limit, 11)
  clock.at += 6 * 60_000
  gate.hasRoom(11)
  assert.equal(gate.limit, 12)
  for (let i = 0; i < 50; i += 1) {
    clock.at += 3000
    gate.busy(1)
  }
  assert.equal(gate.limit, 1)
})

test('a meter counts what the last seconds brought, also after it has stood still for long', () => {
  const clock = { at: 0 }
  const meter = makeMeter(() => clock.at)
  for (let second = 0; second < 20; second += 1) {
    clock.at = second * 1000
    meter.add(10, 1000)
  }
  assert.deepEqual(meter.over(5), { messagesPerSecond: 10, bytesPerSecond: 1000 })
  clock.at = 24 * 60_000
  assert.deepEqual(meter.over(600), { messagesPerSecond: 0, bytesPerSecond: 0 })
})

test('the rest takes as long as the slower of both, and nobody knows while nothing moves', () => {
  const rate = { messagesPerSecond: 10, bytesPerSecond: 1000 }
  assert.equal(secondsFor({ messages: 100, bytes: 1000 }, rate), 10)
  assert.equal(secondsFor({ messages: 1, bytes: 60_000 }, rate), 60)
  assert.equal(secondsFor({ messages: 0, bytes: 0 }, rate), 0)
  assert.equal(secondsFor({ messages: 1, bytes: 1 }, { messagesPerSecond: 0, bytesPerSecond: 0 }), undefined)
})
