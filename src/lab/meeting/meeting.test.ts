import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeLetter } from '../letter/letter.ts'
import { answerMeeting, callMeeting, findAttendees, track } from './meeting.ts'

const pat = { name: 'Pat', address: 'pat@partner.example' }
const mary = { name: 'Mary', address: 'mary@shared.example' }
const alone = (address: string) => [address]

function answered(attendee: string, from: string, mailFrom: string, answer: 'ACCEPTED' | 'DECLINED' = 'ACCEPTED') {
  const { meeting, ics } = callMeeting(
    pat,
    [{ ...mary, address: attendee }],
    'Review',
    new Date('2026-11-23T10:00:00Z'),
    30,
  )
  const reply = answerMeeting(ics, new Set([attendee]), 'Mary', answer)
  assert.ok(reply)
  const { raw } = writeLetter({
    from: { name: 'Mary', address: from },
    to: [pat],
    subject: 'x',
    text: 'x',
    calendar: { method: 'REPLY', ics: reply.ics },
  })
  return {
    meeting: { ...meeting, status: new Map([[mary.address, 'None' as const]]) },
    stored: { raw, mailFrom, recipient: pat.address },
  }
}

test('an acceptance counts when envelope, From and ATTENDEE are those of the person invited', () => {
  const { meeting, stored } = answered(mary.address, mary.address, mary.address)
  assert.equal(track(meeting, stored, alone)?.status, 'Accepted')
  const declined = answered(mary.address, mary.address, mary.address, 'DECLINED')
  assert.equal(track(declined.meeting, declined.stored, alone)?.status, 'Declined')
})

test('it is Tentative when any of the three is another', () => {
  const other = 'mary@tenant2.example'
  for (const [attendee, from, mailFrom] of [
    [other, mary.address, mary.address],
    [mary.address, other, mary.address],
    [mary.address, mary.address, other],
  ] as const) {
    const { meeting, stored } = answered(attendee, from, mailFrom)
    assert.equal(track(meeting, stored, alone)?.status, 'Tentative')
  }
})

test('an address book that knows both addresses makes them one person', () => {
  const both = ['mary@tenant2.example', mary.address]
  const { meeting, stored } = answered('mary@tenant2.example', 'mary@tenant2.example', 'mary@tenant2.example')
  assert.equal(track(meeting, stored, (address) => (both.includes(address) ? both : [address]))?.status, 'Accepted')
})

test('a request is read back as it was written, folded lines too', () => {
  const long = { name: 'A'.repeat(60), address: `${'b'.repeat(60)}@example.org` }
  const { ics } = callMeeting(pat, [mary, long], 'Review', new Date(), 30)
  assert.deepEqual(
    findAttendees(ics).map((each) => each.address),
    [mary.address, long.address],
  )
  assert.ok(ics.split('\r\n').every((line) => line.length <= 75))
  assert.equal(answerMeeting(ics, new Set(['stranger@example.org']), 'S', 'ACCEPTED'), undefined)
})

test('the answer to another meeting is none', () => {
  const { stored } = answered(mary.address, mary.address, mary.address)
  const { meeting } = callMeeting(pat, [mary], 'Other', new Date(), 30)
  assert.equal(track(meeting, stored, alone), undefined)
})
