import type { Part } from './part.ts'

/**
 * The body without its transfer encoding (RFC 2045 section 6). undefined when the encoding is unknown, or when the body
 * is broken such that encoding it again would lose something: then leave it alone.
 */
export function decodePart(raw: Buffer, p: Part): Buffer | undefined {
  const body = raw.subarray(p.bodyStart, p.bodyEnd)
  switch (p.encoding) {
    case '7bit':
    case '8bit':
    case 'binary':
      return body
    case 'base64':
      return decodeBase64(body)
    case 'quoted-printable':
      return decodeQuotedPrintable(body)
    default:
      return undefined
  }
}

/** The opposite of decodePart, in the part's own transfer encoding. */
export function encodePart(decoded: Buffer, p: Part): Buffer {
  switch (p.encoding) {
    case 'base64':
      return encodeBase64(decoded)
    case 'quoted-printable':
      return encodeQuotedPrintable(decoded, p.path.length === 0)
    default:
      return decoded
  }
}

/** RFC 2045 section 6.8 lets readers skip what is not in the alphabet; here only white space, for the rest would be lost. */
function decodeBase64(body: Buffer): Buffer | undefined {
  const text = body.toString('latin1').replaceAll(/[ \t\r\n]+/g, '')
  const digits = text.replace(/={1,2}$/, '')
  if (digits.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(digits)) return undefined
  return Buffer.from(digits, 'base64')
}

/** Every line is ended, the last one too: a message whose whole body this is must end in CRLF. */
function encodeBase64(decoded: Buffer): Buffer {
  const text = decoded.toString('base64')
  return Buffer.from(text.replaceAll(/.{1,76}/g, '$&\r\n'), 'latin1')
}

function decodeQuotedPrintable(body: Buffer): Buffer | undefined {
  const text = body.toString('latin1')
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    const lf = text.indexOf('\n', at)
    const next = lf < 0 ? text.length : lf + 1
    const end = lf > at && text[lf - 1] === '\r' ? lf - 1 : lf < 0 ? next : lf
    const line = withoutTrailingSpace(text, at, end)
    const soft = line.endsWith('=')
    const content = decodeLine(soft ? line.slice(0, -1) : line)
    if (content === undefined) return undefined
    pieces.push(content, soft ? '' : text.slice(end, next))
    at = next
  }
  return Buffer.from(pieces.join(''), 'latin1')
}

/** RFC 2045 section 6.7 rule 3: white space at the end of a line was added on the way. */
function withoutTrailingSpace(text: string, start: number, end: number): string {
  let last = end
  while (last > start && (text[last - 1] === ' ' || text[last - 1] === '\t')) last--
  return text.slice(start, last)
}

function decodeLine(line: string): string | undefined {
  if (!line.includes('=')) return line
  if (/=(?![0-9a-f]{2})/i.test(line)) return undefined
  return line.replaceAll(/=([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

function encodeQuotedPrintable(decoded: Buffer, isWholeBody: boolean): Buffer {
  const lines = decoded.toString('latin1').split('\r\n')
  const text = lines.map((line) => wrap(encodeLine(line))).join('\r\n')
  // A message must end in CRLF; a soft break adds one without adding to the content.
  return Buffer.from(isWholeBody && lines.at(-1) !== '' ? `${text}=\r\n` : text, 'latin1')
}

/** RFC 2045 section 6.7 rules 1 to 3. A CR or LF that is no CRLF is content. */
function encodeLine(line: string): string {
  return line.replaceAll(/[^\t\x20-\x3c\x3e-\x7e]|[\t ]$/g, hex)
}

function hex(c: string): string {
  return `=${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/** RFC 2045 section 6.7 rule 5: 76 columns with the '=' of the soft break, and no break inside =XX. */
function wrap(line: string): string {
  const pieces: string[] = []
  let at = 0
  while (line.length - at > 76) {
    const cut = at + 75
    const end = line[cut - 1] === '=' ? cut - 1 : line[cut - 2] === '=' ? cut - 2 : cut
    pieces.push(line.slice(at, end), '=\r\n')
    at = end
  }
  return pieces.join('') + line.slice(at)
}
