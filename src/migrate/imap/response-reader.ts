import type { ImapLimits } from './imap.ts'

/** A literal that was counted and dropped, because keeping it would have cost too much. */
export type Skipped = { readonly skippedBytes: number }
/** Text (latin1, without line end and literal marker), or the literal that stood behind the text before it. */
export type Part = string | Buffer | Skipped
/** One response: text, literal, text ... It begins and ends with text. */
export type Frame = readonly [string, ...Part[]]

/** Complete responses, and what was wrong with the bytes after them. */
export type Heard = { readonly frames: readonly Frame[]; readonly fault?: string }

type Budget = Pick<ImapLimits, 'maxLineBytes' | 'maxKeptBytes' | 'maxLiteralBytes'>

/** Status texts are for people and hold no literals, whatever they end with (RFC 9051 section 9, resp-text). */
const isStatus = /^\* (?:OK|NO|BAD|BYE|PREAUTH)(?: |$)/i

/**
 * Cuts what a server sends into responses, in one walk: no byte is looked at twice, however the network cuts.
 * A literal that lies within one chunk is a view of it, any other is copied once.
 * QUIRK: a bare LF ends a line too; small servers and proxies send it.
 */
export class ResponseReader {
  readonly #budget: Budget
  #parts: Part[] = []
  #rest = ''
  #textBytes = 0
  #keptBytes = 0
  /** The literal that is being read: where it goes (nowhere when it is skipped), its size, and how much of it is missing. */
  #literal: Buffer | undefined
  #size = 0
  #missing = 0

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** Nothing of an unfinished response is held. */
  get isEmpty(): boolean {
    return this.#parts.length === 0 && this.#rest === ''
  }

  read(chunk: Buffer): Heard {
    const frames: Frame[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#missing > 0) {
        at = this.#readLiteral(chunk, at)
        continue
      }
      const end = chunk.indexOf(10, at)
      this.#rest += chunk.toString('latin1', at, end === -1 ? chunk.length : end)
      if (this.#textBytes + this.#rest.length > this.#budget.maxLineBytes)
        return { frames, fault: 'a line does not end' }
      if (end === -1) break
      at = end + 1
      const fault = this.#line(frames, chunk.length - at)
      if (fault !== undefined) return { frames, fault }
    }
    return { frames }
  }

  #line(frames: Frame[], available: number): string | undefined {
    const line = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest
    this.#rest = ''
    this.#textBytes += line.length
    const size = line.endsWith('}') ? this.#literalSize(line) : undefined
    if (size === undefined) {
      this.#parts.push(line)
      frames.push(this.#frame())
      return undefined
    }
    if (!(size <= this.#budget.maxLiteralBytes)) return 'it announced more than anything may be'
    this.#parts.push(line.slice(0, line.lastIndexOf('{')).replace(/~$/, ''))
    this.#begin(size, available)
    return undefined
  }

  /** `{123}`, or `{123+}` where a server does as clients do; RFC 3516 puts a `~` before it. */
  #literalSize(line: string): number | undefined {
    const digits = /^\{(\d+)\+?\}$/.exec(line.slice(Math.max(0, line.lastIndexOf('{'))))?.[1]
    if (digits === undefined) return undefined
    const [first] = this.#parts
    const start = typeof first === 'string' ? first : line
    return start.startsWith('* ') && !isStatus.test(start) ? Number(digits) : undefined
  }

  #begin(size: number, available: number): void {
    this.#size = size
    this.#missing = size
    if (size === 0) this.#parts.push(Buffer.alloc(0))
    const isKept = this.#keptBytes + size <= this.#budget.maxKeptBytes
    // What lies in the chunk already needs no room of its own.
    this.#literal = isKept && size > available ? Buffer.allocUnsafeSlow(size) : undefined
    this.#keptBytes += isKept ? size : 0
    this.#isSkipping = !isKept
  }
  #isSkipping = false

  #readLiteral(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing)
    const filled = this.#size - this.#missing
    this.#missing -= end - at
    if (this.#isSkipping) {
      if (this.#missing === 0) this.#parts.push({ skippedBytes: this.#size })
    } else if (this.#literal === undefined) {
      this.#parts.push(chunk.subarray(at, end))
    } else {
      chunk.copy(this.#literal, filled, at, end)
      if (this.#missing === 0) this.#parts.push(this.#literal)
    }
    return end
  }

  #frame(): Frame {
    const [first, ...rest] = this.#parts
    this.#parts = []
    this.#textBytes = 0
    this.#keptBytes = 0
    this.#literal = undefined
    return [typeof first === 'string' ? first : '', ...rest]
  }
}
