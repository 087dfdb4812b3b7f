/** Which message is which, where no ledger tells: by header fields that carriers and mailboxes leave alone. */
import { hash } from 'node:crypto'
import { fieldValue, parseHeader, unfold } from '../../mail/header/header.ts'
import { normaliseLineEnds } from '../../mail/message/message.ts'
import type { Heading } from './mailbox.ts'

/** Lower case. A mailbox gives all fields of these names, in the order in which they stand. */
export const headingFields: readonly string[] = ['message-id', 'date', 'from', 'to', 'cc', 'subject', 'received']

const wanted = new Set(headingFields)

/** The fields of a heading from the bytes of a message, or of its header. */
export function headingOf(message: Buffer): Heading['fields'] {
  const header = normaliseLineEnds(message.subarray(0, headerEnd(message)))
  return parseHeader(header.toString('latin1'))
    .fields.filter((field) => wanted.has(field.key))
    .map((field) => [field.key, unfold(fieldValue(field))] as const)
}

/** Where the empty line begins; all of it where there is none. Lines may end with LF alone. */
export function headerEnd(message: Buffer): number {
  for (let at = 0; ; ) {
    const lf = message.indexOf(0x0a, at)
    if (lf < 0) return message.length
    if (lf === at || (lf === at + 1 && message[at] === 0x0d)) return at
    at = lf + 1
  }
}

export type Identity = {
  /** Of all fields. */
  readonly full: number
  /** Of Message-ID and Date alone; 0 without a Message-ID. */
  readonly core: number
}

/**
 * White space counts for nothing, because Exchange folds header lines anew. 52 bits: among a million messages two that
 * differ are alike by accident once in 10,000 mailboxes, and size and date are compared beside it.
 */
export function identityOf(fields: Heading['fields']): Identity {
  const named = fields.map(([name, value]) => [name.toLowerCase(), value.replace(/[ \t\r\n]+/g, '')] as const)
  const ordered = headingFields.flatMap((name) => named.filter(([n]) => n === name))
  const core = ordered.filter(([name]) => name === 'message-id' || name === 'date')
  return {
    full: digest52(ordered),
    core: core.some(([name, value]) => name === 'message-id' && value !== '') ? digest52(core) : 0,
  }
}

function digest52(fields: Heading['fields']): number {
  const text = fields.map(([name, value]) => `${name}:${value}\n`).join('')
  return Number.parseInt(hash('sha256', Buffer.from(text, 'latin1'), 'hex').slice(0, 13), 16)
}
