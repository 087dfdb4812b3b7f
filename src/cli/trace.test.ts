import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storyText } from './trace.ts'

test('the words of a server are shown once', () => {
  const reply = '550 5.1.1 no such user'
  const event = {
    id: 'm',
    at: 0,
    kind: 'FAIL',
    recipients: ['bob@x.example'],
    server: 'mx.x.example:25',
    reply,
  } as const
  const said = storyText([{ ...event, why: `RCPT TO was answered ${reply}` }])
  assert.equal(said.split(reply).length, 2, said)
  assert.match(storyText([{ ...event, why: 'ECONNREFUSED' }]), /550 5\.1\.1 no such user; ECONNREFUSED/)
})

test('times are those of the terminal, as in the queue and the audit', () => {
  const at = new Date(2026, 10, 23, 8, 5, 9).getTime()
  assert.match(storyText([{ id: 'm', at, kind: 'PLAN', why: 'so' }]), /^ {2}2026-11-23 08:05:09 {2}PLAN/m)
})
