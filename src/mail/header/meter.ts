/**
 * Measures a header while it streams in, so that one without end is noticed before it is kept. Lines may end in CRLF, CR or LF:
 * whatever a reader makes of them later, it finds no more fields than were counted here.
 */

export type HeaderLimits = {
  /** All of it, with the empty line. */
  readonly headerBytes: number
  readonly headerFields: number
  /** One field with its folding. */
  readonly headerFieldBytes: number
  /** Each `@` counts as one: there are never more addresses than that. */
  readonly headerAddresses: number
}

const CR = 13
const LF = 10
const SPACE = 32
const TAB = 9
const AT = 64

/** What stands right before the next byte: the start of a line, a CR that its LF may follow, or text. */
const lineStart = 0
const afterCr = 1
const inLine = 2

export class HeaderMeter {
  bytes = 0
  fields = 0
  addresses = 0
  /** The empty line has come; what follows is body, and not looked at. */
  isDone = false
  #fieldBytes = 0
  #before = lineStart
  readonly #limits: HeaderLimits

  constructor(limits: HeaderLimits) {
    this.#limits = limits
  }

  /** Reads on in `chunk[from, to)`; says which limit was passed, if any. After that it must not be asked again. */
  push(chunk: Uint8Array, from: number, to: number): keyof HeaderLimits | undefined {
    // One byte more than the limit is enough to know, so the work is bounded whatever the size of the chunk.
    const stop = Math.min(to, from + this.#limits.headerBytes - this.bytes + 1)
    // Every message comes through this loop, byte by byte: its numbers stand on the stack.
    let { fields, addresses, isDone } = this
    let before = this.#before
    let fieldStart = from - this.#fieldBytes
    let longest = 0
    let at = from
    for (; at < stop && !isDone; at++) {
      const byte = chunk[at]
      if (byte === CR || byte === LF) {
        const isSecondHalf = byte === LF && before === afterCr
        isDone = before !== inLine && !isSecondHalf
        before = byte === CR ? afterCr : lineStart
        continue
      }
      if (byte === AT) addresses++
      if (before === inLine) continue
      before = inLine
      if (byte === SPACE || byte === TAB) continue
      fields++
      longest = Math.max(longest, at - fieldStart)
      fieldStart = at
    }
    this.fields = fields
    this.addresses = addresses
    this.isDone = isDone
    this.bytes += at - from
    this.#before = before
    this.#fieldBytes = at - fieldStart
    return this.#passed(Math.max(longest, this.#fieldBytes))
  }

  #passed(longestField: number): keyof HeaderLimits | undefined {
    const { headerBytes, headerFields, headerFieldBytes, headerAddresses } = this.#limits
    if (this.bytes > headerBytes) return 'headerBytes'
    if (this.fields > headerFields) return 'headerFields'
    if (longestField > headerFieldBytes) return 'headerFieldBytes'
    return this.addresses > headerAddresses ? 'headerAddresses' : undefined
  }
}
