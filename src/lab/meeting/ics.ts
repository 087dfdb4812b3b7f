/** The little of iCalendar (RFC 5545) that meetings need: content lines, ATTENDEE, folding. */
import type { Person } from '../letter/letter.ts'

export type Property = { readonly line: string; readonly value: string }
export type Attendee = { readonly address: string; readonly partstat: string }

/** The first property of that name. */
export function propertyOf(ics: string, name: string): Property | undefined {
  return propertiesOf(ics, name)[0]
}

export function findAttendees(ics: string): readonly Attendee[] {
  return propertiesOf(ics, 'ATTENDEE').map(({ line, value }) => ({
    address: value.replace(/^mailto:/i, ''),
    partstat: /;PARTSTAT=([\w-]+)/i.exec(line)?.[1]?.toUpperCase() ?? 'NEEDS-ACTION',
  }))
}

export function attendeeLine({ name, address }: Person, partstat: string): string {
  const rsvp = partstat === 'NEEDS-ACTION' ? ';RSVP=TRUE' : ''
  return `ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=${partstat}${rsvp};CN=${name || address}:mailto:${address}`
}

/** Lines of at most 75 octets (section 3.1); the lab's own text is ASCII. */
export function foldLine(line: string): string {
  const pieces = [line.slice(0, 75)]
  for (let at = 75; at < line.length; at += 74) pieces.push(` ${line.slice(at, at + 74)}`)
  return pieces.join('\r\n')
}

function propertiesOf(ics: string, name: string): readonly Property[] {
  const lines = ics.replaceAll(/\r?\n[ \t]/g, '').split(/\r?\n/)
  return lines.flatMap((line) => {
    const { key, value } = splitLine(line)
    return key === name ? [{ line, value }] : []
  })
}

/** The value begins behind the first colon that stands outside quotes. */
function splitLine(line: string): { readonly key: string; readonly value: string } {
  const parts = /^([\w-]+)((?:;(?:"[^"]*"|[^":;])*)*):(.*)$/.exec(line)
  return { key: parts?.[1]?.toUpperCase() ?? '', value: parts?.[3] ?? '' }
}
