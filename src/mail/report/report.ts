/**
 * Delivery reports: those of others mapped (RFC 3464, RFC 6533, disposition notifications too: RFC 8098), and our own written.
 * Promises: outside, no address that has an external form shows another one; inside, a user sees the address that was
 *   written to. Only mapped addresses change, and folding where a line would pass 998 bytes. Linear time, any bytes.
 * Never: touches the text for people, the returned message, or fields that it does not know; lets anything that came from
 *   outside add a line, a field or a part to a report of ours.
 * On failure: none; a field that has two readings stays as it is.
 */
import { type Address, addressKey, type Change, type MapAddress, parseAddress } from '../address/address.ts'
import type { Part } from '../mime/mime.ts'
import { diagnosticAddresses } from './diagnostic.ts'
import { type Edit, joinBlocks, type ReportField, readBlocks, replaceIn } from './fields.ts'
import { type Recipient, readRecipient } from './recipient.ts'

export { mapAddressesIn } from './diagnostic.ts'
export { decodeWords } from './encoded-words.ts'
export type { ReportKind, ReportRecipient, ReportRequest, Returned } from './values.ts'
export { writeReport } from './write-report.ts'

/** `external` and `internal` map any address of a person; samePerson says whether two belong to one entry. */
export type ReportMap = {
  readonly external: MapAddress
  readonly internal: MapAddress
  readonly samePerson: (a: Address, b: Address) => boolean
}

type Mapped = { readonly to: string; readonly entry: string } | undefined

const types = new Set([
  'message/delivery-status',
  'message/disposition-notification',
  'message/global-delivery-status',
  'message/global-disposition-notification',
])

export function isReport(p: Part): boolean {
  return !p.sealed && types.has(p.type)
}

/** `fields` without transfer encoding. undefined: nothing changed. */
export function rewriteReport(
  fields: Buffer,
  side: 'outside' | 'inside',
  map: ReportMap,
): { readonly fields: Buffer; readonly changes: readonly Change[] } | undefined {
  const changes: Change[] = []
  const blocks = readBlocks(fields.toString('latin1')).map((block) =>
    side === 'outside' ? outside(block, map, changes) : inside(block, map, changes),
  )
  return changes.length === 0 ? undefined : { fields: Buffer.from(joinBlocks(blocks), 'latin1'), changes }
}

function outside(block: readonly ReportField[], map: ReportMap, changes: Change[]): readonly ReportField[] {
  return block.map((field) => {
    if (field.key === 'diagnostic-code') return edit(field, diagnosticAddresses(field.value, map.external), changes)
    return isRecipient(field) ? writeRecipient(field, readRecipient(field.value), map.external, changes) : field
  })
}

/** One block is about one recipient (RFC 3464 section 2.3), and a whole disposition notification is (RFC 8098 section 3.2). */
function inside(block: readonly ReportField[], map: ReportMap, changes: Change[]): readonly ReportField[] {
  const original = block.find((field) => field.key === 'original-recipient')
  const written = original && readRecipient(original.value)?.address
  return block.map((field) => {
    if (field.key !== 'final-recipient') return field
    return writeRecipient(field, readRecipient(field.value), (address) => asWritten(address, written, map), changes)
  })
}

/** An internal address becomes the one that was written to; what is another address of the person is left. */
function asWritten(final: Address, written: Address | undefined, map: ReportMap): Mapped {
  const internal = map.internal(final)
  if (internal !== undefined && !isSame(final, internal.to)) return undefined
  const external = map.external(final)
  if (written === undefined || !map.samePerson(final, written)) return external
  return { to: written.text, entry: external?.entry ?? internal?.entry ?? '' }
}

function isSame(a: Address, text: string): boolean {
  const b = parseAddress(text)
  return b !== undefined && addressKey(a) === addressKey(b)
}

function isRecipient({ key }: ReportField): boolean {
  return key === 'final-recipient' || key === 'original-recipient'
}

function writeRecipient(
  field: ReportField,
  found: Recipient | undefined,
  map: MapAddress,
  changes: Change[],
): ReportField {
  const mapped = found && map(found.address)
  if (found === undefined || mapped === undefined || mapped.to === found.address.text) return field
  return edit(
    field,
    [{ ...found.write(mapped.to), old: found.address.text, to: mapped.to, entry: mapped.entry }],
    changes,
  )
}

type AddressEdit = Edit & { readonly old: string; readonly to: string; readonly entry: string }

function edit(field: ReportField, edits: readonly AddressEdit[], changes: Change[]): ReportField {
  for (const { old, to, entry } of edits) {
    // The directory lets none in; a line end here would forge a field.
    if (/\p{Cc}/u.test(to)) throw new TypeError('an address to write holds a control character')
    changes.push({ field: field.name, old, new: to, entry })
  }
  return edits.length === 0 ? field : replaceIn(field, edits)
}
