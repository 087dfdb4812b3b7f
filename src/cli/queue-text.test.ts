import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lanesText, listText } from './queue-text.ts'

test('what waits for a probe says so, and where no server spoke the reason is shown, marked as ours', () => {
  const nothing = { n: 0, address: 'a@x.example', domain: 'x.example', lane: 'mx:x.example', attempts: 1, advice: '' }
  const ours = { reply: '', why: '192.0.2.1: ECONNREFUSED' }
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
  assert.match(text, /with the next probe, in 4m.*\(192\.0\.2\.1: ECONNREFUSED\)/)
})

test('a next hop that said nothing is not shown with words', () => {
  const lane = { lane: 'tenant:x', waiting: 1, running: 0, held: 0, oldest: '', ageSeconds: 0, advice: '' }
  const said = { ...lane, reply: '450 4.2.0 greylisted', why: 'RCPT TO was answered 450 4.2.0 greylisted' }
  const silent = { ...lane, reply: '', why: 'cannot connect: ECONNREFUSED' }
  const rows = lanesText([said, silent, { ...lane, reply: '', why: '' }]).split('\n')
  assert.match(rows[2] ?? '', / 450 4\.2\.0 greylisted$/)
  assert.match(rows[3] ?? '', / \(cannot connect: ECONNREFUSED\)$/)
  assert.match(rows[4] ?? '', / -$/)
})

test('of very many next hops those come first that somebody must mend, then those with most mail; the rest is counted', () => {
  const lane = { running: 1, held: 1, oldest: '', ageSeconds: 0, advice: 'x', reply: '', why: '' }
  const many = Array.from({ length: 2000 }, (_, i) => ({ ...lane, lane: `mx:d${i}.example`, waiting: 1 }))
  const mend = { ...lane, lane: 'tenant:a', waiting: 1, trouble: 'operator' } as const
  const rows = lanesText([...many, { ...lane, lane: 'tenant:b', waiting: 9, trouble: 'temporary' }, mend]).split('\n')
  assert.match(rows[2] ?? '', /^tenant:a +1 +1 +1 .* operator /)
  assert.match(rows[3] ?? '', /^tenant:b +9 /)
  assert.equal(rows[22], 'and 1,982 next hops more with 5,946 recipients, 0 of them in trouble (--json lists all)')
  assert.deepEqual(rows.slice(23), ['', 'tenant:a: x', 'tenant:b: x', ''])
})
