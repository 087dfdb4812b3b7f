/** The "relaxed" header canonicalisation, RFC 6376 section 3.4.2, on binary strings. */
import type { Field } from '../../mail/header/header.ts'

/** Fields in the order in which h= names them, each with its CRLF. */
export function canonicalHeader(fields: readonly Field[]): string {
  return fields.map((field) => `${relaxedField(field.raw)}\r\n`).join('')
}

/**
 * One field without its final CRLF. WSP is SP and TAB and nothing else: other control characters are content, and so is
 * a bare CR or LF, because only CRLF ends a line.
 */
export function relaxedField(raw: string): string {
  const unfolded = raw.replaceAll('\r\n', '')
  const colon = unfolded.indexOf(':')
  const name = singleSpaced(unfolded.slice(0, colon)).toLowerCase()
  return `${name}:${singleSpaced(unfolded.slice(colon + 1))}`
}

/** Runs of WSP become one SP; none is left at either end. */
function singleSpaced(text: string): string {
  const single = text.replace(/[ \t]+/g, ' ')
  const start = single.startsWith(' ') ? 1 : 0
  const end = single.endsWith(' ') ? single.length - 1 : single.length
  return single.slice(start, Math.max(start, end))
}
