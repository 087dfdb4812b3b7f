import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listText } from './queue-text.ts'

test('what waits for a probe says so, and where no server was reached the reason is shown', () => {
  const nothing = { n: 0, address: 'a@x.example', domain: 'x.example', lane: 'mx:x.example', attempts: 1, advice: '' }
  const ours = { reply: '451 4.4.1 no connection', why: '192.0.2.1: ECONNREFUSED' }
  const recipient = {
    ...nothing,
    ...ours,
    state: 'waiting',
    nextAttempt: '2026-11-23T08:04:00Z',
    awaitsProbe: true,
  } as const
  const facts = {
    id: 'm',
    received: '2026-11-23T08:00:00Z',
    ageSeconds: 0,
    sender: '',
    peer: 'x',
    messageId: '',
    subject: '',
  }
  const text = listText([{ ...facts, size: 1, recipients: [recipient] }], Date.parse('2026-11-23T08:00:00Z'))
  assert.match(text, /with the next probe, in 4m.*ECONNREFUSED/)
  assert.doesNotMatch(text, /4\.4\.1/)
})
