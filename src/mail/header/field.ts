/** One field as it stands: with folding and final CRLF (which only the last one can lack). */
export type Field = {
  /** Lower-case name; '' when the line is not a field. */
  readonly key: string
  readonly raw: string
  /** Index of ':' in `raw`, -1 when there is no key. */
  readonly colon: number
}
export type Header = { readonly fields: readonly Field[] }

/** Reads the text up to, not including, the empty line. Lines end with CRLF; a CR or LF alone is like any other byte here. */
export function parseHeader(text: string): Header {
  const fields: Field[] = []
  let start = 0
  while (start < text.length) {
    const end = fieldEnd(text, start)
    fields.push(readField(text.slice(start, end)))
    start = end
  }
  return { fields }
}

/** After the first CRLF that no folding follows (RFC 5322 section 2.2.3). */
function fieldEnd(text: string, start: number): number {
  let at = start
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return text.length
    at = lineEnd + 2
    const next = text.charCodeAt(at)
    if (next !== 0x20 && next !== 0x09) return at
  }
}

const COLON = 0x3a

function readField(raw: string): Field {
  let at = 0
  let code = raw.charCodeAt(0)
  // RFC 5322 section 3.6.8 ftext.
  while (code > 0x20 && code < 0x7f && code !== COLON) code = raw.charCodeAt(++at)
  const nameEnd = at
  // RFC 5322 section 4.5: white space between name and colon is obsolete, not forbidden.
  while (code === 0x20 || code === 0x09) code = raw.charCodeAt(++at)
  if (code !== COLON || nameEnd === 0) return { key: '', raw, colon: -1 }
  return { key: raw.slice(0, nameEnd).toLowerCase(), raw, colon: at }
}

export function headerText(h: Header): string {
  return h.fields.map((field) => field.raw).join('')
}

/** What follows the colon, without the final CRLF, still folded. All of `raw` when the line is not a field. */
export function fieldValue(f: Field): string {
  return f.raw.slice(f.colon + 1, f.raw.endsWith('\r\n') ? -2 : undefined)
}

/** Removes each CRLF that white space follows (RFC 5322 section 2.2.3), and white space at both ends. */
export function unfold(value: string): string {
  const text = value.replace(/\r\n(?=[ \t])/g, '')
  let start = 0
  let end = text.length
  // Not trim(): it takes the byte A0 for a space, and UTF-8 letters end with it.
  while (isWhite(text, start)) start++
  while (end > start && isWhite(text, end - 1)) end--
  return text.slice(start, end)
}

function isWhite(text: string, at: number): boolean {
  const c = text[at]
  return c === ' ' || c === '\t' || c === '\r' || c === '\n'
}

export function first(h: Header, key: string): Field | undefined {
  return h.fields.find((field) => field.key === key)
}

export function all(h: Header, key: string): readonly Field[] {
  return h.fields.filter((field) => field.key === key)
}
