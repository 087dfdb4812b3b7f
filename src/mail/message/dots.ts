import type { Content } from './message.ts'

const DOT = 0x2e
const LF = 0x0a
const LINE_DOT = Buffer.from('\r\n.')

/**
 * The content with a dot added to each line that begins with one (RFC 5321 section 4.5.2). The same pieces where there is none: most
 * messages leave without a copy. Lines end with CRLF only; a line end may be spread over pieces.
 */
export function dotStuff(c: Content): Content {
  let before = '\r\n'
  let stuffed: Buffer[] | undefined
  for (const [at, piece] of c.entries()) {
    const mended = stuffPiece(before, piece)
    if (mended !== piece) stuffed ??= c.slice(0, at)
    stuffed?.push(mended)
    before = (before + piece.toString('latin1', Math.max(0, piece.length - 2))).slice(-2)
  }
  return stuffed ?? c
}

/** `before`: the two bytes that stand before the piece. */
function stuffPiece(before: string, piece: Buffer): Buffer {
  if (!beginsLineWithDot(before, piece) && piece.indexOf(LINE_DOT) < 0) return piece
  // One replacement over a string, not a slice per line: a message made of dots costs no more than another.
  const text = (before + piece.toString('latin1')).replaceAll('\r\n.', '\r\n..').slice(before.length)
  return Buffer.from(text, 'latin1')
}

function beginsLineWithDot(before: string, piece: Buffer): boolean {
  if (before.endsWith('\r\n')) return piece[0] === DOT
  return before.endsWith('\r') && piece[0] === LF && piece[1] === DOT
}

/** The content as it was before `dotStuff`: the first dot of each line that begins with one removed. The same buffer when there is none. */
export function dotUnstuff(b: Buffer): Buffer {
  const rest = b[0] === DOT ? b.subarray(1) : b
  if (rest.indexOf(LINE_DOT) < 0) return rest
  return Buffer.from(rest.toString('latin1').replaceAll('\r\n.', '\r\n'), 'latin1')
}
