import { blocksOf } from './blocks.ts'
import type { Content } from './message.ts'

const DOT = 0x2e
const CR = 0x0d
const LF = 0x0a
const LINE_DOT = Buffer.from('\r\n.')
/** How far to look byte by byte behind a dot, before searching natively again. */
const crowd = 32

/**
 * The content with a dot added to each line that begins with one (RFC 5321 section 4.5.2). The same pieces where there is none: most
 * messages leave without a copy. Lines end with CRLF only; a line end may be spread over pieces.
 */
export function dotStuff(c: Content): Content {
  let before = '\r\n'
  let stuffed: Buffer[] | undefined
  for (const [at, piece] of c.entries()) {
    const mended = stuffPiece(before, piece, freshPlace)
    if (mended !== piece) stuffed ??= c.slice(0, at)
    stuffed?.push(mended)
    before = lastTwo(before, piece)
  }
  return stuffed ?? c
}

/**
 * The same for a message that is too large to be copied whole: block by block, as it is sent. A block without such a line is a view, all
 * others share one place, so each is good only until the next one is asked for.
 */
export function* dotBlocks(c: Content, blockBytes: number): Generator<Buffer, void> {
  let place: Buffer | undefined
  const toPlace = (bytes: number): Buffer =>
    (place ??= Buffer.allocUnsafeSlow(stuffedAtMost(blockBytes))).subarray(0, bytes)
  let before = '\r\n'
  for (const block of blocksOf(c, blockBytes)) {
    yield stuffPiece(before, block, toPlace)
    before = lastTwo(before, block)
  }
}

const freshPlace = (bytes: number): Buffer => Buffer.allocUnsafe(bytes)

/** Each dot but the first has CRLF before it: never more than a third is added. */
const stuffedAtMost = (bytes: number): number => bytes + Math.ceil(bytes / 3) + 1

function lastTwo(before: string, piece: Buffer): string {
  return (before + piece.toString('latin1', Math.max(0, piece.length - 2))).slice(-2)
}

/** `before`: the two bytes that stand before the piece. `allocate` gives place for what must be copied; what is not used of it is never touched. */
function stuffPiece(before: string, piece: Buffer, allocate: (bytes: number) => Buffer): Buffer {
  const first = beginsLineWithDot(before, piece)
  if (first < 0 && piece.indexOf(LINE_DOT) < 0) return piece
  const out = allocate(stuffedAtMost(piece.length))
  let written = piece.copy(out, 0, 0, Math.max(0, first))
  if (first >= 0) out[written++] = DOT
  for (let at = Math.max(0, first); at < piece.length; ) {
    // The line end of the next dot may lie behind us already.
    const next = piece.indexOf(LINE_DOT, Math.max(0, at - 2))
    const quiet = next < 0 ? piece.length : Math.max(at, next)
    written += piece.copy(out, written, at, quiet)
    at = quiet
    // Dots often come in crowds, and a native search for each would cost more than to look at every byte.
    for (let stop = Math.min(piece.length, at + crowd); at < stop; at++) {
      const byte = piece[at] ?? 0
      if (byte === DOT && piece[at - 1] === LF && piece[at - 2] === CR) {
        out[written++] = DOT
        stop = Math.min(piece.length, at + crowd)
      }
      out[written++] = byte
    }
  }
  return out.subarray(0, written)
}

/** Where the dot of a line stands that began in the piece before; -1: nowhere. */
function beginsLineWithDot(before: string, piece: Buffer): number {
  if (before.endsWith('\r\n')) return piece[0] === DOT ? 0 : -1
  return before.endsWith('\r') && piece[0] === LF && piece[1] === DOT ? 1 : -1
}

/** The content as it was before `dotStuff`: the first dot of each line that begins with one removed. The same buffer when there is none. */
export function dotUnstuff(b: Buffer): Buffer {
  const rest = b[0] === DOT ? b.subarray(1) : b
  if (rest.indexOf(LINE_DOT) < 0) return rest
  return Buffer.from(rest.toString('latin1').replaceAll('\r\n.', '\r\n'), 'latin1')
}
