import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MapAddress } from '../address/address.ts'
import { rewriteCalendar } from './calendar.ts'

const people: Readonly<Record<string, string>> = {
  'john.smith@tenant1.example': 'john@shared.example',
  'mary@tenant2.example': 'mary.a.rather.long.name.indeed@shared.example',
  'john+x@tenant1.example': 'john+x@shared.example',
  'umlaut@tenant1.example': 'jürgen@shared.example',
  'jürgen@tenant1.example': 'juergen@shared.example',
  'percent@tenant1.example': 'a%b@shared.example',
}

/** The people above, and whoever else is at tenant1 under his own name. */
const toOutside: MapAddress = ({ text }) => {
  const local = text.slice(0, text.lastIndexOf('@'))
  const to = people[text] ?? (text.endsWith('@tenant1.example') ? `${local}@shared.example` : undefined)
  return to === undefined ? undefined : { to, entry: 'entry' }
}

/** Written with the line ends of this file, read with those of mail. */
function rewrite(text: string, map: MapAddress = toOutside): string {
  const bytes = Buffer.from(text.replaceAll('\n', '\r\n'), 'utf8')
  return (rewriteCalendar(bytes, map)?.ics ?? bytes).toString('utf8').replaceAll('\r\n', '\n')
}

test('a request as Exchange writes it', () => {
  const request = `BEGIN:VCALENDAR
METHOD:REQUEST
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
END:VTIMEZONE
BEGIN:VEVENT
ORGANIZER;CN=John Smith:mailto:john.smith@tenant1.example
ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Mary Jones
 :mailto:mary@tenant2.example
ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=bob@other.
 example:mailto:bob@other.example
DESCRIPTION;LANGUAGE=de-DE:Ask john.smith@tenant1.example about it\\n
UID:040000008200E00074C5B7101A82E0080000000010A0C5@tenant1.example
SUMMARY;LANGUAGE=de-DE:Grüße an ATTENDEE:mailto:john.smith@tenant1.example
X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE
END:VEVENT
END:VCALENDAR
`
  const expected = request
    .replace('CN=John Smith:mailto:john.smith@tenant1.example', 'CN=John Smith:mailto:john@shared.example')
    .replace(' :mailto:mary@tenant2.example', ' :mailto:mary.a.rather.long.name.indeed@shared.example')
  assert.equal(rewrite(request), expected)
})

test('a reply names its attendee, and the answer stays', () => {
  assert.equal(
    rewrite(`BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VEVENT
ATTENDEE;PARTSTAT=ACCEPTED;CN="Smith, John; (Sales: West)":MAILTO:John.Smith@tenant1.example
ATTENDEE;PARTSTAT=ACCEPTED;CN="Smith, John; (Sales: West)":MAILTO:john.smith@tenant1.example
END:VEVENT
END:VCALENDAR
`),
    `BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VEVENT
ATTENDEE;PARTSTAT=ACCEPTED;CN="Smith, John; (Sales: West)":MAILTO:John.Smith@shared.example
ATTENDEE;PARTSTAT=ACCEPTED;CN="Smith, John; (Sales: West)":MAILTO:john@shared.example
END:VEVENT
END:VCALENDAR
`,
  )
})

test('an invitation as Google writes it: the name is the address, folds cut through it', () => {
  assert.equal(
    rewrite(`ORGANIZER;CN=John Smith:mailto:john.smith@tenant1.example
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=
 TRUE;CN=john.smith@tenant1.example;X-NUM-GUESTS=0:mailto:john.smith@tenant1
 .example
`),
    `ORGANIZER;CN=John Smith:mailto:john@shared.example
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=
 TRUE;CN=john@shared.example;X-NUM-GUESTS=0:mailto:john@shared.example
`,
  )
})

test('parameters whose whole value is an address, and lists of them', () => {
  const before = `ATTENDEE;DELEGATED-TO="mailto:john.smith@tenant1.example","MAILTO:bob@other.example","mailto:a@tenant1.example":mailto:bob@other.example
ATTENDEE;DELEGATED-FROM="mailto:a@tenant1.example";MEMBER="mailto:a@tenant1.example":mailto:bob@other.example
ATTENDEE;EMAIL=a@tenant1.example;SENT-BY="mailto:a@tenant1.example":invalid:nomail
ATTENDEE;CN="a@tenant1.example";X-MS-OLK-SENDER=a@tenant1.example:mailto:bob@other.example
ATTENDEE;CN='a@tenant1.example':mailto:bob@other.example
organizer;sent-by=mailto:a@tenant1.example:mailto:b@tenant1.example
`
  const after = before.replaceAll('john.smith@tenant1', 'john@shared').replaceAll(/\b([ab])@tenant1/g, '$1@shared')
  assert.equal(rewrite(before), after)
})

test('nothing else: other parameters, part of a name, other properties, other schemes', () => {
  const text = `ATTENDEE;CN=John a@tenant1.example;DIR="mailto:a@tenant1.example":urn:a@tenant1.example
ATTENDEE;CN=mailto:bob@other.example
ATTENDEES:mailto:a@tenant1.example
CONTACT:mailto:a@tenant1.example
COMMENT:ATTENDEE:mailto:a@tenant1.example
 ATTENDEE:mailto:a@tenant1.example
X-ATTENDEE:mailto:a@tenant1.example
ATTENDEE;CN="John:mailto:a@tenant1.example
ATTENDEE
ATTENDEE;
ATTENDEE;CN
ATTENDEE:
ATTENDEE:mailto:
ATTENDEE:mailto:a@tenant1.example,b@tenant1.example
`
  assert.equal(rewrite(text), text)
})

test('oddities that are seen: no mailto, spaces, quotes in quotes, header fields', () => {
  const before = `ATTENDEE:a@tenant1.example
ATTENDEE: mailto: a@tenant1.example ${''}
ATTENDEE;CN="John "Johnny" Smith":mailto:a@tenant1.example
ATTENDEE:mailto:a@tenant1.example?subject=a@tenant1.example
BEGIN:VALARM
ATTENDEE:MailTo:a@tenant1.example
`
  const after = before.replaceAll(/(?<!subject=)a@tenant1/g, 'a@shared')
  assert.equal(rewrite(before), after)
})

test('percent signs: understood, kept where the local part stays, written where they must be', () => {
  for (const [before, after] of [
    ['mailto:john%2Bx@tenant1.example', 'mailto:john%2Bx@shared.example'],
    ['mailto:john+x@tenant1.example', 'mailto:john+x@shared.example'],
    ['mailto:%6Aohn.smith%40tenant1.example', 'mailto:john@shared.example'],
    ['mailto:umlaut@tenant1.example', 'mailto:j%C3%BCrgen@shared.example'],
    ['mailto:j%C3%BCrgen@tenant1.example', 'mailto:juergen@shared.example'],
    ['mailto:jürgen@tenant1.example', 'mailto:juergen@shared.example'],
    ['mailto:percent@tenant1.example', 'mailto:a%25b@shared.example'],
    ['mailto:100%@tenant1.example', 'mailto:100%@shared.example'],
    ['mailto:%22a%20b%22@tenant1.example', 'mailto:%22a%20b%22@shared.example'],
    ["mailto:o'brien@tenant1.example", "mailto:o'brien@shared.example"],
    ['mailto:%FF@tenant1.example', 'mailto:%FF@shared.example'],
  ] as const)
    assert.equal(rewrite(`ATTENDEE:${before}\n`), `ATTENDEE:${after}\n`)
})

test('what cannot stand in a parameter is not written there', () => {
  const quotes: MapAddress = () => ({ to: '"a;b"@shared.example', entry: 'e' })
  const text = 'ATTENDEE;EMAIL=a@tenant1.example;CN="a@tenant1.example":\n mailto:a@tenant1.example\n'
  assert.equal(rewrite(text, quotes), text.replace('mailto:a@tenant1', 'mailto:%22a%3Bb%22@shared'))
})

test('folding: in the name, in an address, inside a character; LF alone; no line end', () => {
  assert.equal(rewrite('ATT\n ENDEE:mail\n to:a@ten\n ant1.example\n'), 'ATT\n ENDEE:mail\n to:a@shared.example\n')
  assert.equal(rewrite('ATTENDEE:mailto:\n a@tenant1.example\n'), 'ATTENDEE:mailto:\n a@shared.example\n')
  const cut = Buffer.from('ORGANIZER;CN=J\xc3\r\n \xbcrgen:mailto:a@tenant1.example', 'latin1')
  assert.equal(
    rewriteCalendar(cut, toOutside)?.ics.toString('latin1'),
    'ORGANIZER;CN=J\xc3\r\n \xbcrgen:mailto:a@shared.example',
  )
  const lf = Buffer.from('BEGIN:VEVENT\nATTENDEE:mailto:a@ten\n\tant1.example\nEND:VEVENT\n')
  assert.equal(
    rewriteCalendar(lf, toOutside)?.ics.toString(),
    'BEGIN:VEVENT\nATTENDEE:mailto:a@shared.example\nEND:VEVENT\n',
  )
})

test('a line that would pass 75 octets is folded anew, between characters', () => {
  const before =
    'ATTENDEE;CN="Jürgen Größenwahn-Überschwänglich, Geschäftsführung xxüü":\n mailto:mary@tenant2.example\n'
  assert.equal(
    rewrite(before.replace('Jürgen', '')),
    before.replace('Jürgen', '').replace('mary@tenant2', 'mary.a.rather.long.name.indeed@shared'),
  )
  const one = before.replace('\n ', '')
  const [first = '', second] = rewrite(one).split('\n ')
  // The 75th octet would be the first half of an ü.
  assert.equal(first, 'ATTENDEE;CN="Jürgen Größenwahn-Überschwänglich, Geschäftsführung xx')
  assert.equal(Buffer.byteLength(first), 74)
  assert.equal(second, 'üü":mailto:mary.a.rather.long.name.indeed@shared.example\n')
})

test('a line that came too long may stay so, and no other is folded', () => {
  const long = `ATTENDEE;CN="${'x'.repeat(200)}":mailto:john.smith@tenant1.example\nSUMMARY:${'y'.repeat(200)}\n`
  assert.equal(rewrite(long), long.replace('john.smith@tenant1', 'john@shared'))
})

test('bytes that are no UTF-8 stay', () => {
  const latin1 = Buffer.from(
    'ATTENDEE;CN="J\xfcrgen":mailto:a@tenant1.example\r\nORGANIZER:mailto:j\xfc@tenant1.example\r\n',
    'latin1',
  )
  assert.equal(
    rewriteCalendar(latin1, toOutside)?.ics.toString('latin1'),
    'ATTENDEE;CN="J\xfcrgen":mailto:a@shared.example\r\nORGANIZER:mailto:j\xfc@tenant1.example\r\n',
  )
})

test('each change is told with its place, old and new', () => {
  const ics = Buffer.from('ORGANIZER;SENT-BY="mailto:a@tenant1.example":mailto:john.smith@tenant1.example\r\n')
  assert.deepEqual(rewriteCalendar(ics, toOutside)?.changes, [
    { field: 'ORGANIZER;SENT-BY', old: 'a@tenant1.example', new: 'a@shared.example', entry: 'entry' },
    { field: 'ORGANIZER', old: 'john.smith@tenant1.example', new: 'john@shared.example', entry: 'entry' },
  ])
})
