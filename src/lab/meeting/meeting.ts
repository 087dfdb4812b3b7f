/**
 * Meetings as Exchange keeps them: a request (iTIP, RFC 5546 section 3.2.2), its answer (3.2.3), and the organizer's view of
 * who has answered.
 *
 * Promises: an answer counts only for the attendee that envelope sender, From and ATTENDEE agree on; otherwise it is shown
 *   as Tentative, as Exchange does (Microsoft, "Replies to meeting request are showing as Tentative when they have been
 *   address rewritten").
 * Never: sends; knows no tenants.
 * On failure: what is no calendar is no answer.
 */
import { randomUUID } from 'node:crypto'
import { bareAddress, type Person, readCalendarPart, type Stored } from '../letter/letter.ts'
import { attendeeLine, findAttendees, foldLine, propertyOf } from './ics.ts'

export { type Attendee, findAttendees } from './ics.ts'

export type Status = 'None' | 'Accepted' | 'Tentative' | 'Declined'
export type Answer = 'ACCEPTED' | 'DECLINED' | 'TENTATIVE'

export type Meeting = {
  readonly uid: string
  readonly subject: string
  readonly organizer: Person
  readonly status: Map<string, Status>
}

/** Where an answer came from, by each of the three names that Exchange compares. */
export type Correlation = {
  readonly p1: string
  readonly p2: string
  readonly attendee: string
  readonly status: Status
  readonly row: string
}

export function callMeeting(
  organizer: Person,
  attendees: readonly Person[],
  subject: string,
  start: Date,
  minutes: number,
) {
  const uid = `040000008200E00074C5B7101A82E008${randomUUID().replaceAll('-', '').toUpperCase()}`
  const meeting: Meeting = {
    uid,
    subject,
    organizer,
    status: new Map(attendees.map((a) => [a.address.toLowerCase(), 'None'])),
  }
  const ics = calendar('REQUEST', [
    ...times(start, minutes),
    `UID:${uid}`,
    `SUMMARY:${subject}`,
    `ORGANIZER;CN=${organizer.name}:mailto:${organizer.address}`,
    ...attendees.map((a) => attendeeLine(a, 'NEEDS-ACTION')),
    'STATUS:CONFIRMED',
    'SEQUENCE:0',
  ])
  return { meeting, ics }
}

/** The answer that one of the attendees gives, under the address by which he was invited. undefined: he was not. */
export function answerMeeting(request: string, own: ReadonlySet<string>, name: string, answer: Answer) {
  const invited = findAttendees(request).find((a) => own.has(a.address.toLowerCase()))
  const organizer = propertyOf(request, 'ORGANIZER')?.value.replace(/^mailto:/i, '')
  if (invited === undefined || organizer === undefined) return undefined
  const copied = ['UID', 'DTSTART', 'DTEND', 'SUMMARY', 'SEQUENCE'].flatMap(
    (key) => propertyOf(request, key)?.line ?? [],
  )
  const ics = calendar('REPLY', [
    ...copied,
    `ORGANIZER:mailto:${organizer}`,
    attendeeLine({ name, address: invited.address }, answer),
  ])
  return { ics, organizer, subject: propertyOf(request, 'SUMMARY')?.value ?? '' }
}

/**
 * Takes an answer into the organizer's tracking view. `aliases` gives all addresses that the address book has for one,
 * itself included. undefined: this is no answer to the meeting.
 */
export function track(
  meeting: Meeting,
  stored: Stored,
  aliases: (address: string) => readonly string[],
): Correlation | undefined {
  const ics = readCalendarPart(stored.raw)
  if (
    ics === undefined ||
    propertyOf(ics, 'METHOD')?.value !== 'REPLY' ||
    propertyOf(ics, 'UID')?.value !== meeting.uid
  )
    return undefined
  const [answered] = findAttendees(ics)
  if (answered === undefined) return undefined
  const p1 = stored.mailFrom.toLowerCase()
  const p2 = bareAddress(stored.raw, 'from').toLowerCase()
  const attendee = answered.address.toLowerCase()
  const row = [attendee, p2, p1].flatMap(aliases).find((address) => meeting.status.has(address)) ?? attendee
  const known = new Set(aliases(row))
  const agree = meeting.status.has(row) && [p1, p2, attendee].every((address) => known.has(address))
  const status = agree ? shown(answered.partstat) : 'Tentative'
  meeting.status.set(row, status)
  return { p1, p2, attendee, status, row }
}

function shown(partstat: string): Status {
  if (partstat === 'ACCEPTED') return 'Accepted'
  return partstat === 'DECLINED' ? 'Declined' : 'Tentative'
}

function calendar(method: string, lines: readonly string[]): string {
  const all = [
    'BEGIN:VCALENDAR',
    'PRODID:-//Causeway//Lab//EN',
    'VERSION:2.0',
    `METHOD:${method}`,
    'BEGIN:VEVENT',
    `DTSTAMP:${stamp(new Date())}`,
  ]
  return `${[...all, ...lines, 'END:VEVENT', 'END:VCALENDAR'].map(foldLine).join('\r\n')}\r\n`
}

function times(start: Date, minutes: number): string[] {
  return [`DTSTART:${stamp(start)}`, `DTEND:${stamp(new Date(start.getTime() + minutes * 60_000))}`]
}

/** RFC 5545 section 3.3.5, form 2. */
const stamp = (at: Date): string => at.toISOString().replaceAll(/[-:]|\.\d+/g, '')
