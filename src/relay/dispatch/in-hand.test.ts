/** How much the queue takes in hand at a time: messages, bytes, and its share of what it counts together with what comes in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueStage, setStage, until } from '../../../test/support/queue-stage.ts'
import type { RelayOptions } from '../../../test/support/running-relay.ts'
import type { Talk } from '../../../test/support/scripted-smtp.ts'
import { Budget } from '../budget.ts'

const minute = 60_000
const bodyBytes = 10_000
const body = `${'x'.repeat(98)}\r\n`.repeat(bodyBytes / 100)

/** So many messages wait; then the next hop takes them and says nothing, until it is let. */
async function withWaiting(count: number, inHand: RelayOptions['inHand'], run: (s: QueueStage, t: Hands) => unknown) {
  await using s = await setStage({ ...(inHand && { inHand }) })
  s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 later' : undefined))
  for (let n = 0; n < count; n += 1) await s.fromOne(['mary@shared.example'], { body })
  await until('waiting', async () => (await s.states()).every((state) => state.endsWith('waiting')))
  const hands = makeHands(s)
  s.relay.pass(2 * minute)
  await run(s, hands)
}

type Hands = {
  /** As many are with the next hop, and no more come. */
  has(count: number): Promise<void>
  /** It takes those that it has, and all that come. */
  letGo(): void
}

function makeHands(s: QueueStage): Hands {
  const open: Talk[] = []
  s.script((line, talk) => {
    if (line !== '.') return undefined
    open.push(talk)
    return 'silence'
  })
  return {
    async has(count) {
      await until(`${count} in hand`, () => open.length >= count)
      // Whatever else it would take it would have taken by now: ten ticks.
      await new Promise((resolve) => setTimeout(resolve, 200))
      assert.equal(open.length, count)
    },
    letGo() {
      s.script(undefined)
      for (const talk of open) talk.say('250 2.0.0 taken')
    },
  }
}
const drained = (s: QueueStage) => until('an empty queue', async () => (await s.states()).length === 0)

test('no more messages than it may, though their lane has room; the others follow', () =>
  withWaiting(7, { maxInHand: 3 }, async (s, hands) => {
    await hands.has(3)
    hands.letGo()
    await drained(s)
    assert.equal(s.two.messages.filter((m) => m.length > bodyBytes).length, 7)
  }))

test('a lane begins with five, whatever else there would be room for', () =>
  withWaiting(7, {}, async (s, hands) => {
    await hands.has(5)
    hands.letGo()
    await drained(s)
  }))

test('no more bytes than it may, and the rest of the last message', () =>
  withWaiting(5, { maxBytesInHand: 2.5 * bodyBytes }, async (s, hands) => {
    await hands.has(3)
    hands.letGo()
    await drained(s)
  }))

test('a message that is longer than all that it may have goes alone', () =>
  withWaiting(3, { maxBytesInHand: bodyBytes / 2 }, async (s, hands) => {
    await hands.has(1)
    hands.letGo()
    await drained(s)
  }))

test('of what it counts together with what comes in it has half, and one message in any case; all of it is given back', () => {
  const budget = new Budget(5 * bodyBytes)
  return withWaiting(5, { budget }, async (s, hands) => {
    await hands.has(3)
    assert.ok(budget.free < 2 * bodyBytes)
    hands.letGo()
    await drained(s)
    await until('given back', () => budget.free === 5 * bodyBytes)
  })
})

test('while all of it is taken by what comes in, one message goes after the other', () => {
  const budget = new Budget(5 * bodyBytes)
  budget.take(5 * bodyBytes)
  return withWaiting(4, { budget }, async (s, hands) => {
    await hands.has(1)
    hands.letGo()
    await drained(s)
    budget.give(5 * bodyBytes)
    await until('given back', () => budget.free === 5 * bodyBytes)
  })
})
