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
