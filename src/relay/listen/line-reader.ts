/** Command lines from chunks cut anywhere (RFC 5321 section 2.3.8: a line ends in CRLF and in nothing else). */
import { isUtf8 } from 'node:buffer'

export type Line =
  | { readonly kind: 'line'; readonly text: string; readonly next: number }
  | { readonly kind: 'bad'; readonly why: 'bare LF' | 'too long' | 'control' | 'not UTF-8'; readonly next: number }
  | { readonly kind: 'more' }

const CR = 13
const LF = 10
const nothing = Buffer.alloc(0)
const more: Line = { kind: 'more' }
const control = /[\x00-\x1f\x7f]/
const eightBit = /[\x80-\xff]/

export class LineReader {
  #begun: Buffer = nothing
  #tooLong = false
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The line that ends in `chunk` at or after `from`; with `more` the chunk is used up. */
  read(chunk: Buffer, from: number): Line {
    const lf = chunk.indexOf(LF, from)
    if (lf < 0) return this.#keep(chunk, from)
    const next = lf + 1
    if (this.#tooLong || this.#begun.length + next - from > this.#maxBytes) {
      this.#begun = nothing
      this.#tooLong = false
      return { kind: 'bad', why: 'too long', next }
    }
    const bytes =
      this.#begun.length === 0 ? chunk.subarray(from, next) : Buffer.concat([this.#begun, chunk.subarray(from, next)])
    this.#begun = nothing
    return understand(bytes, next)
  }

  /** Of a line that is too long nothing is kept; what it was is told when it ends. */
  #keep(chunk: Buffer, from: number): Line {
    const tooLong = this.#tooLong || this.#begun.length + chunk.length - from > this.#maxBytes
    this.#begun = tooLong ? nothing : Buffer.concat([this.#begun, chunk.subarray(from)])
    this.#tooLong = tooLong
    return more
  }
}

function understand(bytes: Buffer, next: number): Line {
  const end = bytes.length - 2
  if (end < 0 || bytes[end] !== CR) return { kind: 'bad', why: 'bare LF', next }
  const text = bytes.toString('latin1', 0, end)
  if (control.test(text)) return { kind: 'bad', why: 'control', next }
  if (!eightBit.test(text)) return { kind: 'line', text, next }
  if (!isUtf8(bytes.subarray(0, end))) return { kind: 'bad', why: 'not UTF-8', next }
  return { kind: 'line', text: bytes.toString('utf8', 0, end), next }
}
