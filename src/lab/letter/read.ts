import { readAddressList } from '../../mail/address/address.ts'
import { all, fieldValue, unfold } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { decodePart, parts } from '../../mail/mime/mime.ts'

/** A message as it lies in a mailbox. */
export type Stored = {
  readonly raw: Buffer
  /** P1, the envelope sender; '' is the null sender. */
  readonly mailFrom: string
  readonly recipient: string
}

/** The first field of that name, unfolded; '' when there is none. */
export function fieldText(raw: Buffer, key: string): string {
  const field = all(readMessage(raw).header, key)[0]
  return field === undefined ? '' : Buffer.from(unfold(fieldValue(field)), 'latin1').toString('utf8')
}

/** The addresses of all fields of that name. */
export function addressesIn(raw: Buffer, key: string): readonly string[] {
  return all(readMessage(raw).header, key).flatMap((field) => {
    const read = readAddressList(fieldValue(field))
    return read.kind === 'list' ? read.mailboxes.map((mailbox) => mailbox.address.text) : []
  })
}

/** P2, the header sender; '' when there is not exactly one. */
export function bareAddress(raw: Buffer, key: string): string {
  const found = addressesIn(raw, key)
  return found.length === 1 ? (found[0] ?? '') : ''
}

export function textOf(raw: Buffer): string {
  return partOf(raw, 'text/plain')?.trimEnd() ?? ''
}

/** The iCalendar text of the message, decoded. */
export function readCalendarPart(raw: Buffer): string | undefined {
  return partOf(raw, 'text/calendar')
}

function partOf(raw: Buffer, type: string): string | undefined {
  const part = parts(readMessage(raw)).find((each) => each.type === type)
  return part === undefined ? undefined : decodePart(raw, part)?.toString('utf8')
}
