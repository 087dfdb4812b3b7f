import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MapAddress } from '../address/address.ts'
import { readMessage } from '../message/message.ts'
import { decodePart, encodePart, parts, replaceParts } from '../mime/mime.ts'
import { isCalendar, rewriteCalendar } from './calendar.ts'

const toOutside: MapAddress = ({ text }) =>
  text.endsWith('@tenant1.example') ? { to: text.replace('tenant1', 'shared'), entry: '@tenant1.example' } : undefined

/** What the gateway does with a message: all its calendars, in place. */
function rewriteMessage(raw: Buffer): Buffer {
  const m = readMessage(raw)
  const changed = parts(m).flatMap((part) => {
    const decoded = isCalendar(part) ? decodePart(raw, part) : undefined
    const rewritten = decoded && rewriteCalendar(decoded, toOutside)
    return rewritten ? [{ part, body: encodePart(rewritten.ics, part) }] : []
  })
  return Buffer.concat([raw.subarray(0, m.bodyStart), ...replaceParts(m, changed)])
}

function mail(text: string): Buffer {
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'utf8')
}

const event = (domain: string) => `BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
ORGANIZER;CN=Jürgen:mailto:juergen@${domain}
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:mary@other.example
SUMMARY:Jour fixe = Montag mit juergen@tenant1.example\x20
END:VEVENT
END:VCALENDAR
`

function base64(text: string): string {
  return (
    mail(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join('\n')
}

function quotedPrintable(text: string): string {
  return text.replaceAll('=', '=3D').replaceAll('ü', '=C3=BC').replaceAll(/ $/gm, '=20')
}

/** Exchange: text, HTML and the invitation as alternatives; then the invitation again as an attachment. */
const invitation = (domain: string) => `From: juergen@tenant1.example
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="_004_AM0PR01MB_"

--_004_AM0PR01MB_
Content-Type: multipart/alternative;
\tboundary="_000_AM0PR01MB_"

--_000_AM0PR01MB_
Content-Type: text/plain; charset="utf-8"

juergen@tenant1.example invites you
--_000_AM0PR01MB_
Content-Type: text/calendar; charset="utf-8"; method=REQUEST
Content-Transfer-Encoding: base64

${base64(event(domain))}

--_000_AM0PR01MB_--

--_004_AM0PR01MB_
Content-Type: application/ics; name="invite.ics"
Content-Disposition: attachment; filename="invite.ics"
Content-Transfer-Encoding: quoted-printable

${quotedPrintable(event(domain))}
--_004_AM0PR01MB_--
`

test('a nested invitation and its attached copy are both rewritten, and nothing else', () => {
  const out = rewriteMessage(mail(invitation('tenant1.example')))
  assert.equal(out.toString('utf8'), mail(invitation('shared.example')).toString('utf8'))
})

test('8bit and the only part of a message', () => {
  const whole = (domain: string, encoding: string, body: (text: string) => string) =>
    mail(
      `Content-Type: text/calendar; method=REPLY\nContent-Transfer-Encoding: ${encoding}\n\n${body(event(domain))}\n`,
    )
  for (const [encoding, body] of [
    ['8bit', String],
    ['base64', base64],
    ['quoted-printable', quotedPrintable],
  ] as const)
    assert.equal(
      rewriteMessage(whole('tenant1.example', encoding, body)).toString(),
      whole('shared.example', encoding, body).toString(),
      encoding,
    )
})

test('signed, enclosed and undecodable calendars keep every byte', () => {
  const calendar = `Content-Type: text/calendar; name=a.ics\n\n${event('tenant1.example')}`
  for (const around of [
    `Content-Type: multipart/signed; boundary=s; protocol="application/pkcs7-signature"\n\n--s\n${calendar}\n--s\nContent-Type: application/pkcs7-signature\n\nMII=\n--s--\n`,
    `Content-Type: multipart/mixed; boundary=s\n\n--s\nContent-Type: message/rfc822\n\n${calendar}\n--s--\n`,
    `Content-Type: text/calendar\nContent-Transfer-Encoding: base64\n\n${event('tenant1.example')}`,
    `Content-Type: text/calendar; charset=utf-16\n\n${event('tenant1.example')}`,
  ])
    assert.deepEqual(rewriteMessage(mail(around)), mail(around))
})

test('which parts are calendars', () => {
  const isOne = (fields: string) => parts(readMessage(mail(`${fields}\n\n`))).every(isCalendar)
  for (const fields of [
    'Content-Type: TEXT/Calendar',
    'Content-Type: text/calendar; charset="UTF-8"',
    'Content-Type: text/calendar; charset=iso-8859-15',
    'Content-Type: text/calendar; charset=Windows-1252',
    'Content-Type: application/octet-stream; name="Termin.ICS"',
    'Content-Type: text/plain\nContent-Disposition: attachment; filename=a.ics',
  ])
    assert.ok(isOne(fields), fields)
  for (const fields of [
    'Content-Type: text/plain',
    'Content-Type: text/x-vcalendar; name=a.vcs',
    'Content-Type: application/octet-stream; name=a.ics.zip',
    'Content-Type: text/calendar; charset=utf-16le',
    'Content-Type: text/calendar; charset=utf-7',
    'Content-Type: text/calendar; charset=iso-2022-jp',
    'Content-Type: text/calendar; charset=IBM037',
    'Content-Type: application/pkcs7-mime; name=a.ics',
    'Content-Type: message/rfc822; name=a.ics',
  ])
    assert.ok(!isOne(fields), fields)
})

test('a calendar in base64 without its padding is read, and written with it; one with a list footer behind it stays', () => {
  const head = 'Content-Type: text/calendar\nContent-Transfer-Encoding: base64\n\n'
  const ends = [' ', '  ', '   '].map((end) => base64(event('tenant1.example') + end))
  const padded = ends.filter((text) => text.endsWith('='))
  assert.equal(padded.length, 2)
  for (const text of padded) {
    const written = rewriteMessage(mail(head + text.replaceAll('=', ''))).toString()
    assert.equal(written, rewriteMessage(mail(head + text)).toString())
    assert.equal((written.split('\r\n\r\n')[1] ?? '').replaceAll('\r\n', '').length % 4, 0)
    const withFooter = mail(`${head}${text}\n\n-- \nlist footer\n`)
    assert.deepEqual(rewriteMessage(withFooter), withFooter)
  }
})
