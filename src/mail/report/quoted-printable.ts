import { encodePart, type Part } from '../mime/mime.ts'

const part: Part = {
  headerStart: 0,
  bodyStart: 0,
  bodyEnd: 0,
  type: 'text/plain',
  parameters: new Map(),
  encoding: 'quoted-printable',
  filename: '',
  path: ['multipart/report'],
  sealed: false,
}

/** The body of a part in quoted-printable (RFC 2045 section 6.7). */
export function quotedPrintable(bytes: Buffer): Buffer {
  return encodePart(bytes, part)
}

const maxLine = 998

/** RFC 5322 section 2.1.1: lines of at most 998 bytes, ended by CRLF; no CR, LF or NUL elsewhere. One pass. */
export function hasPlainLines(text: string): boolean {
  if (/\r(?!\n)|(?<!\r)\n|\0/.test(text)) return false
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\r\n', start)
    if ((end < 0 ? text.length : end) - start > maxLine) return false
    if (end < 0) break
    start = end + 2
  }
  return true
}
