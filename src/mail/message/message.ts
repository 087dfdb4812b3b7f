/**
 * A message as it came, and pieces of one as it leaves.
 *
 * Promises: any bytes are a message; `raw` is the one buffer, everything else a view on it. Clean input is scanned natively
 * and never copied.
 * Never: changes a byte, except in the functions that say so (`normaliseLineEnds`, `dotStuff`, `dotBlocks` and their inverse).
 * On failure: none; without an empty line all is header.
 */
import { type Header, parseHeader } from '../header/header.ts'

export { blocksOf } from './blocks.ts'
export { hasBareLineEnds, is8bit, normaliseLineEnds } from './bytes.ts'
export { dotBlocks, dotStuff, dotUnstuff } from './dots.ts'
export { spend } from './spent.ts'

/** Without dot-stuffing. `bodyStart` is behind the empty line. */
export type Message = {
  readonly raw: Buffer
  readonly header: Header
  readonly bodyStart: number
  readonly body: Buffer
}

/** Message bytes as pieces, to be written one after another without copying. */
export type Content = readonly Buffer[]

/** Splits at the first empty line (RFC 5322 section 2.1). A line that is no field stays in the header, without a key. */
export function readMessage(raw: Buffer): Message {
  const headerEnd = endOfHeader(raw)
  const bodyStart = Math.min(headerEnd + 2, raw.length)
  const header = parseHeader(raw.toString('latin1', 0, headerEnd))
  return { raw, header, bodyStart, body: raw.subarray(bodyStart) }
}

/** After the CRLF of the last header line. */
function endOfHeader(raw: Buffer): number {
  if (raw[0] === 0x0d && raw[1] === 0x0a) return 0
  const at = raw.indexOf('\r\n\r\n')
  return at < 0 ? raw.length : at + 2
}

export function contentLength(c: Content): number {
  let length = 0
  for (const piece of c) length += piece.length
  return length
}
