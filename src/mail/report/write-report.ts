/** Delivery reports (RFC 3464, RFC 6522, RFC 6533): a text for people, a part for programs, and what comes back of the original. */
import { randomBytes } from 'node:crypto'
import { fieldValue, first, type Header, makeField, unfold } from '../header/header.ts'
import { decodeWords, encodeWords } from './encoded-words.ts'
import { returnedHeader, returnedPart } from './returned-part.ts'
import { isAscii, shown, toBytes } from './shown.ts'
import { statusPart } from './status-part.ts'
import { textPart } from './text-part.ts'
import { dateTime, type ReportPart, type ReportRequest } from './values.ts'

/**
 * The whole message, to be sent from `<>` (RFC 3464 section 2). Nothing in the request can add a field, a part or a line to
 * it. UTF-8 stands in it only with `smtputf8`, or for a sender whose own address has it, and 8-bit bytes otherwise only in a
 * returned message that has them.
 */
export function writeReport(request: ReportRequest): Buffer {
  // An address that is not ASCII is reached with SMTPUTF8 or not at all.
  const r = { ...request, smtputf8: request.smtputf8 || !isAscii(request.to) }
  const original = returnedHeader(r.returned)
  const subject = shown(decodeWords(textOf(original, 'subject').slice(0, 2000)), maxSubject)
  const parts = [textPart(r, subject), statusPart(r), returnedPart(r.returned, original, r.smtputf8)]
  const boundary = boundaryFor(parts)
  const pieces = parts.flatMap((part) => [Buffer.from(partHead(part, boundary), 'latin1'), ...part.body])
  const head = Buffer.from(header(r, original, subject, boundary), 'latin1')
  return Buffer.concat([head, ...pieces, Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')])
}

const prefixes = { failed: 'Undeliverable:', delayed: 'Delivery delayed:', relayed: 'Relayed:' } as const

/** Exchange's own limit; it keeps an unbroken word within a line, too. */
const maxSubject = 255

function header(r: ReportRequest, original: Header, subject: string, boundary: string): string {
  const prefix = prefixes[r.kind]
  // RFC 5322 section 3.6.4; anything that is no msg-id is not repeated.
  const messageId = /^<[!-;=?-~]{1,900}>$/.exec(textOf(original, 'message-id'))?.[0]
  return [
    makeField('From', `Mail Delivery System <postmaster@${r.hostname}>`).raw,
    `To: <${toBytes(shown(r.to, 254).replaceAll(/[<>]/g, ''))}>\r\n`,
    makeField('Subject', subject === '' ? prefix : `${prefix} ${encodeWords(subject)}`).raw,
    makeField('Date', dateTime(r.date)).raw,
    `Message-ID: <${r.id}@${r.hostname}>\r\n`,
    messageId === undefined ? '' : `In-Reply-To: ${messageId}\r\nReferences: ${messageId}\r\n`,
    // RFC 3834 section 5.
    makeField('Auto-Submitted', 'auto-replied').raw,
    // [MS-OXCMAIL], X-Auto-Response-Suppress: Exchange answers it with nothing, neither out of office nor a report.
    makeField('X-Auto-Response-Suppress', 'All').raw,
    makeField('MIME-Version', '1.0').raw,
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"\r\n\r\n`,
  ].join('')
}

function textOf(h: Header, key: string): string {
  const field = first(h, key)
  return field === undefined ? '' : unfold(fieldValue(field))
}

function partHead({ type, encoding }: ReportPart, boundary: string): string {
  return `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
}

/** RFC 2046 section 5.1.1: it occurs in no part. What comes back was written by somebody else. */
function boundaryFor(parts: readonly ReportPart[]): string {
  for (;;) {
    const boundary = `=_report_${randomBytes(12).toString('hex')}`
    if (!parts.some(({ body }) => body.some((piece) => piece.includes(boundary)))) return boundary
  }
}
