/** Scene 5: a meeting request and its acceptance keep their status. */
import { readCalendarPart } from '../letter/letter.ts'
import { findAttendees } from '../meeting/meeting.ts'
import type { Judged } from '../outside/outside.ts'
import { mary, maryShared, pat } from './cast.ts'
import { table } from './page.ts'
import { arrival, check, checkEqual, open, outside, party, type Stage, say } from './stage.ts'

export async function meeting(stage: Stage): Promise<void> {
  open(
    stage,
    'A meeting: Accepted stays Accepted',
    `Pat invites Mary by her shared address; Mary accepts from her mailbox in tenant2. Exchange counts an acceptance only when envelope sender, From and the ATTENDEE
    inside the calendar all name the person who was invited; otherwise it shows Tentative. Where only the headers are rewritten, the three differ.`,
  )
  const organizer = outside(stage).user(pat.address)
  const invited = await organizer.invite([{ name: mary.name, address: maryShared }], 'Contract review')
  const home = party(stage, 'tenant2').user(mary.address)
  const request = await arrival(home, invited)
  const attendees = request === undefined ? [] : findAttendees(readCalendarPart(request.raw) ?? '')
  checkEqual(
    stage,
    'in the request that Mary gets, ATTENDEE is her own address',
    attendees.map((a) => a.address).join(),
    mary.address,
  )
  const accepted = request === undefined ? undefined : await home.accept(request)
  const reply = await arrival(organizer, accepted)
  if (reply === undefined)
    return check(stage, "Mary's answer arrives at Pat's", false, accepted?.results.map((r) => r.reply).join())

  const headersOnly = organizer.track(
    { ...invited.meeting, status: new Map(invited.meeting.status) },
    withoutCalendar(reply, accepted?.raw),
  )
  const whole = organizer.track(invited.meeting, reply)
  say(stage, "What Pat's calendar compares, with only the headers rewritten, and as Causeway rewrites it:")
  const row = (label: string, read: (each: NonNullable<typeof whole>) => string) => [
    label,
    headersOnly ? read(headersOnly) : '',
    whole ? read(whole) : '',
  ]
  stage.out(
    `\n${table([
      ['', 'headers only', 'Causeway'],
      row('envelope (P1)', (c) => c.p1),
      row('From (P2)', (c) => c.p2),
      row('ATTENDEE', (c) => c.attendee),
      row('tracking shows', (c) => c.status),
    ])}\n`,
  )
  checkEqual(stage, 'Pat sees: Mary has Accepted', invited.meeting.status.get(maryShared) ?? '', 'Accepted')
  checkEqual(stage, 'with only the headers rewritten it would be Tentative', headersOnly?.status ?? '', 'Tentative')
}

/** What would have arrived without rewriting the calendar: the headers that did arrive above the body that Mary sent. */
function withoutCalendar(reply: Judged, sent: Buffer | undefined): Judged {
  if (sent === undefined) return reply
  const header = reply.raw.subarray(0, reply.raw.indexOf('\r\n\r\n'))
  return { ...reply, raw: Buffer.concat([header, sent.subarray(sent.indexOf('\r\n\r\n'))]) }
}
