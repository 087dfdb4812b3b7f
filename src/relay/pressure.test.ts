import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makePressure, queueMarks, queuePart } from './pressure.ts'

const marks = { messages: 1000, bytes: 1_000_000 }

function under(start: { messages: number; bytes: number }) {
  const now = { ...start, isLow: false }
  const pressure = makePressure({ disk: now, figures: () => now, marks })
  const said = (): string => {
    const reply = pressure()
    return reply === undefined ? 'go on' : `${reply.code} ${reply.enhanced}`
  }
  return { now, said, pressure }
}

test('what is there of the mark: by messages or by bytes, whichever is more', () => {
  assert.equal(queuePart({ messages: 500, bytes: 900_000 }, marks), 0.9)
  assert.equal(queuePart({ messages: 1500, bytes: 0 }, marks), 1.5)
  assert.equal(queuePart(queueMarks), 1)
  assert.equal(queuePart({ messages: 0, bytes: 0 }), 0)
})

for (const what of ['messages', 'bytes'] as const) {
  test(`at its mark of ${what} the queue takes no more until a tenth is free again`, () => {
    const { now, said } = under({ messages: 0, bytes: 0 })
    const walk = (...parts: readonly number[]): readonly string[] =>
      parts.map((part) => {
        now[what] = marks[what] * part
        return said()
      })
    assert.deepEqual(walk(0, 0.95, 0.999), ['go on', 'go on', 'go on'])
    assert.deepEqual(walk(1, 0.999, 0.9), Array(3).fill(said()))
    assert.match(said(), /^452 4\.3\.1$/)
    assert.deepEqual(walk(0.899, 0.95, 0.999), ['go on', 'go on', 'go on'])
    assert.notEqual(walk(1.2)[0], 'go on')
  })
}

test('a low disk is said before a full queue, and its end leaves the queue as it is', () => {
  const { now, pressure } = under({ messages: 1000, bytes: 0 })
  now.isLow = true
  const low = pressure()?.text
  now.isLow = false
  const full = pressure()?.text
  assert.notEqual(low, full)
  now.messages = 950
  assert.equal(pressure()?.text, full)
  now.messages = 100
  assert.equal(pressure(), undefined)
  now.isLow = true
  assert.equal(pressure()?.text, low)
})
