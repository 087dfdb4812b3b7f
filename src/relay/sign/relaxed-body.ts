/**
 * The "relaxed" body canonicalisation, RFC 6376 section 3.4.4, as a stream into a hash. What may still vanish (line ends
 * and white space that nothing follows yet) is counted, not stored, so that slices may be cut anywhere, between CR and
 * LF too, and memory does not grow with the body.
 */
import type { Hash } from 'node:crypto'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SP = 0x20

const tab = Buffer.from('\t')
const space = Buffer.from(' ')
const manyLineEnds = Buffer.from('\r\n'.repeat(4096))

export class RelaxedBody {
  readonly #hash: Hash
  /** Pending, in this order: line ends, then a run of WSP, then a CR whose LF has not come. */
  #lineEnds = 0
  #space = false
  #cr = false
  #isEmpty = true

  constructor(hash: Hash) {
    this.#hash = hash
  }

  /** Hashes the slice where it lies when it already is in relaxed form, apart from its two ends. */
  add(slice: Buffer): void {
    const end = contentEnd(slice)
    const start = this.#hasPending() ? Math.min(contentStart(slice) + 1, end) : 0
    if (start > 0) this.#walk(slice.subarray(0, start))
    this.#addMiddle(slice.subarray(start, end))
    if (end < slice.length) this.#walk(slice.subarray(end))
  }

  /** Base64 of the hash. */
  end(): string {
    // A CR that ends the body is a bare one. White space there vanishes, as it will for a verifier that gets the
    // message with the CRLF that SMTP puts after it.
    if (this.#cr) this.#putLast(CR)
    // Section 3.4.4: empty lines at the end vanish, a missing last CRLF is added, and an empty body stays empty.
    if (!this.#isEmpty) this.#hash.update('\r\n')
    return this.#hash.digest('base64')
  }

  #hasPending(): boolean {
    return this.#lineEnds > 0 || this.#space || this.#cr
  }

  #addMiddle(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#isEmpty = false
    this.#hash.update(isRelaxed(bytes) ? bytes : relaxed(bytes))
  }

  /** With memory of what is pending. The output is never longer than the input and the SP and CR pending before it. */
  #walk(bytes: Buffer): void {
    const out = Buffer.allocUnsafe(bytes.length + 2)
    let length = 0
    for (const byte of bytes) {
      if (this.#cr) {
        this.#cr = false
        if (byte === LF) {
          this.#space = false
          this.#lineEnds += 1
          continue
        }
        length = this.#put(out, length, CR)
      }
      if (byte === CR) this.#cr = true
      else if (byte === SP || byte === TAB) this.#space = true
      else length = this.#put(out, length, byte)
    }
    if (length > 0) this.#hash.update(out.subarray(0, length))
  }

  /** Content: what was pending before it is there to stay. */
  #put(out: Buffer, at: number, byte: number): number {
    let length = at
    if (this.#lineEnds > 0) {
      // Line ends pending from earlier slices may be many; nothing stands in `out` then.
      if (length === 0) this.#flushLineEnds()
      for (; this.#lineEnds > 0; this.#lineEnds -= 1) {
        out[length] = CR
        out[length + 1] = LF
        length += 2
      }
    }
    if (this.#space) out[length++] = SP
    out[length++] = byte
    this.#space = false
    this.#isEmpty = false
    return length
  }

  #putLast(byte: number): void {
    const out = Buffer.allocUnsafe(2)
    this.#hash.update(out.subarray(0, this.#put(out, 0, byte)))
  }

  #flushLineEnds(): void {
    const most = manyLineEnds.length / 2
    for (; this.#lineEnds > 0; this.#lineEnds -= Math.min(most, this.#lineEnds)) {
      this.#hash.update(this.#lineEnds < most ? manyLineEnds.subarray(0, this.#lineEnds * 2) : manyLineEnds)
    }
  }
}

/** Base64 has neither TAB nor SP, which two native searches show in no time; only prose needs the third. */
function isRelaxed(bytes: Buffer): boolean {
  if (bytes.includes(tab)) return false
  return !bytes.includes(space) || !/ [ \r]/.test(bytes.toString('latin1'))
}

/** Of bytes that follow no pending ones and end with content, so that the last of them is never CR or WSP. */
function relaxed(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let isAfterSpace = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte === SP || byte === TAB) {
      isAfterSpace = true
      continue
    }
    const isLineEnd = byte === CR && bytes[at + 1] === LF
    if (isAfterSpace && !isLineEnd) out[length++] = SP
    isAfterSpace = false
    out[length++] = byte
  }
  return out.subarray(0, length)
}

/** Where the content after leading white space and line ends begins. */
function contentStart(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length && isBlank(bytes[at])) at += 1
  return at
}

/** Where the white space and line ends at the end begin. */
function contentEnd(bytes: Buffer): number {
  let at = bytes.length
  while (at > 0 && isBlank(bytes[at - 1])) at -= 1
  return at
}

function isBlank(byte: number | undefined): boolean {
  return byte === CR || byte === LF || byte === SP || byte === TAB
}
