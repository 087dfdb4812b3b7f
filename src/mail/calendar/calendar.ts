/**
 * Addresses of organizers and attendees in iCalendar (RFC 5545), rewritten line by line.
 * Promises: only mapped spans of ORGANIZER and ATTENDEE change, and the folding of those lines when one would pass 75
 *   octets; every other byte stays, the calendar need not even be valid; linear time, any bytes.
 * Never: decides which address becomes which, or reads what the event says.
 * On failure: none; a line that has two readings stays as it is.
 */
import type { Change, MapAddress } from '../address/address.ts'
import { readAddress } from './cal-address.ts'
import { type Edit, logicalLines, spliceLine, unfoldLine } from './lines.ts'
import { readProperty, type Slot } from './property.ts'

export { isCalendar } from './calendar-part.ts'

/** `ics` without transfer encoding, in UTF-8 or another superset of ASCII. undefined: nothing changed. */
export function rewriteCalendar(
  ics: Buffer,
  map: MapAddress,
): { readonly ics: Buffer; readonly changes: readonly Change[] } | undefined {
  const pieces: Buffer[] = []
  const changes: Change[] = []
  let kept = 0
  for (const { start, end } of logicalLines(ics)) {
    const line = rewriteLine(ics.toString('latin1', start, end), map, changes)
    if (line === undefined) continue
    pieces.push(ics.subarray(kept, start), Buffer.from(line, 'latin1'))
    kept = end
  }
  return kept === 0 ? undefined : { ics: Buffer.concat([...pieces, ics.subarray(kept)]), changes }
}

function rewriteLine(raw: string, map: MapAddress, changes: Change[]): string | undefined {
  const line = unfoldLine(raw)
  const property = readProperty(line.text)
  const edits = property?.slots.flatMap((slot) => {
    const edit = rewriteSlot(line.text, slot, map)
    if (edit) changes.push({ field: fieldName(property.name, slot), ...edit.change })
    return edit ?? []
  })
  return edits && edits.length > 0 ? spliceLine(line, edits) : undefined
}

/** `ATTENDEE` for the value, `ATTENDEE;SENT-BY` for a parameter. */
function fieldName(property: string, { parameter }: Slot): string {
  return parameter === '' ? property : `${property};${parameter}`
}

function rewriteSlot(
  text: string,
  slot: Slot,
  map: MapAddress,
): (Edit & { change: Omit<Change, 'field'> }) | undefined {
  const found = readAddress(text, slot)
  if (found === undefined) return undefined
  const mapped = map(found.address)
  if (mapped === undefined || mapped.to === found.address.text) return undefined
  const written = found.write(mapped.to)
  if (written === undefined) return undefined
  const change = { old: found.address.text, new: mapped.to, entry: mapped.entry }
  return { start: found.start, end: found.end, text: written, change }
}
