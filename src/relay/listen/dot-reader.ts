/**
 * Reads the content of DATA (RFC 5321 section 4.5.2) from chunks cut anywhere: finds the end, takes the dots away.
 *
 * A dot right after CRLF is never content: either it is stuffing or, with CRLF behind it, the end. So one search for
 * CRLF-dot finds both. `LF . LF`, `CR . CR` and their kin (SMTP smuggling, CVE-2023-51764 and others) are mere bytes.
 */
import type { Gather } from './gather.ts'

const CR = 13
const LF = 10
const DOT = 46
const lineStartDot = Buffer.from('\r\n.')

/** What stands right before the next byte. Numbers, for a message of dots asks at every byte. */
const inLine = 0
const afterCr = 1
const atLineStart = 2
const afterDot = 3
const afterDotCr = 4

/** How far to look byte by byte after a dot, before searching natively again: dots often come in crowds. */
const crowd = 32

export class DotReader {
  /** The line that said DATA ended in CRLF, so the content may begin with the end: an empty message. */
  #before = atLineStart
  readonly #into: Gather

  constructor(into: Gather) {
    this.#into = into
  }

  /** Reads `chunk` from `from`; says where the message ended (the place of the next command), or -1 when it goes on. */
  push(chunk: Buffer, from: number): number {
    const length = chunk.length
    let before = this.#before
    let read = from
    let write = from // content moves left over the dots, in place
    while (read < length) {
      if (before === inLine && length - read > 2) {
        const quiet = quietUntil(chunk, read)
        if (write !== read) chunk.copyWithin(write, read, quiet)
        write += quiet - read
        read = quiet
      }
      for (let stop = Math.min(length, read + crowd); read < stop; ) {
        const byte = chunk[read++] ?? 0 // never 0 for want of a byte
        if (byte === CR) before = before === afterDot ? afterDotCr : afterCr
        else if (byte === LF) {
          if (before === afterDotCr) return this.#end(chunk, from, write, read)
          before = before === afterCr ? atLineStart : inLine
        } else if (byte === DOT && before === atLineStart) {
          before = afterDot
          stop = Math.min(length, read + crowd)
          continue
        } else before = inLine
        chunk[write++] = byte
      }
    }
    this.#into.add(chunk, from, write)
    this.#before = before
    return -1
  }

  /** The CR behind the final dot was written down before its LF proved it part of the end. */
  #end(chunk: Buffer, from: number, write: number, read: number): number {
    const crIsHere = write > from
    this.#into.add(chunk, from, crIsHere ? write - 1 : write)
    if (!crIsHere) this.#into.dropLast()
    return read
  }
}

/** Up to here there is no CRLF-dot; the last two bytes of a chunk may begin one. */
function quietUntil(chunk: Buffer, from: number): number {
  const at = chunk.indexOf(lineStartDot, from)
  return at < 0 ? chunk.length - 2 : at
}
