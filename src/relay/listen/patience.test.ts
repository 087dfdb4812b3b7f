import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitsOf } from './limits.ts'
import { Patience, type Phase } from './patience.ts'

const second = 1000
const limits = limitsOf()

/** Over at `at` seconds, when so many bytes came at each of the seconds in `heard`? */
function isOver(phase: Phase, at: number, o: { heard?: readonly number[]; bytes?: number; stranger?: boolean } = {}) {
  const patience = new Patience(0)
  patience.enter(phase, 0, true)
  let over = false
  for (let now = 1; now <= at; now++) {
    if (o.heard?.includes(now) === true) patience.heard(o.bytes ?? 1, now * second)
    over ||= patience.overdue(now * second, limits, o.stranger ?? false) !== undefined
  }
  return over
}

const every20 = Array.from({ length: 40 }, (_, i) => i * 20)

test('a silent stranger has a minute, a silent correspondent five', () => {
  assert.equal(isOver('command', 60, { stranger: true }), false)
  assert.equal(isOver('command', 61, { stranger: true }), true)
  assert.equal(isOver('command', 300), false)
  assert.equal(isOver('command', 301), true)
})

test('a command that trickles in has five minutes in all', () => {
  assert.equal(isOver('command', 300, { heard: every20, stranger: true }), false)
  assert.equal(isOver('command', 301, { heard: every20, stranger: true }), true)
})

test('content needs a minimum in each window, whatever came before', () => {
  assert.equal(isOver('content', 59), false)
  assert.equal(isOver('content', 60), true)
  assert.equal(isOver('content', 60, { heard: every20 }), true)
  assert.equal(isOver('content', 600, { heard: every20, bytes: 10_000 }), false)
  assert.equal(isOver('content', 120, { heard: [1], bytes: 50_000_000 }), true)
})

test('handshake, unread replies, goodbye are bounded; the backend bounds itself', () => {
  assert.equal(isOver('handshake', 11, { heard: every20 }), true)
  assert.equal(isOver('unread', 61, { heard: every20 }), true)
  assert.equal(isOver('goodbye', 6), true)
  assert.equal(isOver('backend', 3600), false)
})

test('a new command starts a new wait, the same wait goes on', () => {
  const patience = new Patience(0)
  patience.enter('command', 200 * second, false)
  assert.equal(patience.overdue(301 * second, limits, false), 'commandMs')
  patience.enter('command', 290 * second, true)
  assert.equal(patience.overdue(301 * second, limits, false), undefined)
})
