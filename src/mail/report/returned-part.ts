/** What comes back of the original: its header, or all of it (RFC 3461 section 4.3, RFC 6522 sections 2 and 3). */
import { isAscii, isUtf8 } from 'node:buffer'
import { type Header, headerText, parseHeader } from '../header/header.ts'
import { type Content, contentLength, readMessage } from '../message/message.ts'
import { hasPlainLines, quotedPrintable } from './quoted-printable.ts'
import type { ReportPart, Returned } from './values.ts'

/** A larger message would make its sender's mailbox pay for his own attachment once more. */
const maxMessageBytes = 10 * 1024 * 1024
const maxHeaderBytes = 64 * 1024

/** The header of the original, of which the report's own fields speak. What stands beyond a mebibyte is not read. */
export function returnedHeader(returned: Returned): Header {
  if (returned.kind === 'headers') return parseHeader(returned.text)
  return readMessage(Buffer.concat(returned.content, Math.min(contentLength(returned.content), 1024 * 1024))).header
}

/** A message that cannot be enclosed as it is (too large, or lines that no server takes) is represented by its header. */
export function returnedPart(returned: Returned, header: Header, smtputf8: boolean): ReportPart {
  const whole = returned.kind === 'message' ? wholeMessage(returned.content, header, smtputf8) : undefined
  return whole ?? headerPart(header, smtputf8)
}

function wholeMessage(content: Content, header: Header, smtputf8: boolean): ReportPart | undefined {
  if (contentLength(content) > maxMessageBytes) return undefined
  const bytes = Buffer.concat(content)
  if (!hasPlainLines(bytes.toString('latin1'))) return undefined
  const head = Buffer.from(headerText(header), 'latin1')
  // RFC 2046 section 5.2.1: a message/rfc822 is never encoded, and its header is ASCII. RFC 6532 section 3.7 for the other.
  if (isAscii(head)) return { type: 'message/rfc822', encoding: isAscii(bytes) ? '7bit' : '8bit', body: [bytes] }
  return smtputf8 && isUtf8(head) ? { type: 'message/global', encoding: '8bit', body: [bytes] } : undefined
}

/** Whole fields only, as many as fit. */
function headerPart(header: Header, smtputf8: boolean): ReportPart {
  let text = ''
  for (const { raw } of header.fields) {
    if (text.length + raw.length > maxHeaderBytes) break
    text += raw
  }
  const bytes = Buffer.from(text, 'latin1')
  const isPlain = hasPlainLines(text)
  if (isPlain && isAscii(bytes)) return { type: 'text/rfc822-headers', encoding: '7bit', body: [bytes] }
  if (isPlain && smtputf8 && isUtf8(bytes)) return { type: 'message/global-headers', encoding: '8bit', body: [bytes] }
  // RFC 6522 section 3: broken headers may be quoted-printable.
  return { type: 'text/rfc822-headers', encoding: 'quoted-printable', body: [quotedPrintable(bytes)] }
}
