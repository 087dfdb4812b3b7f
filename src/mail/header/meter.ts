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
    let longest = 0
    let fieldBytes = this.#fieldBytes
    let before = this.#before
    let at = from
    while (at < stop && !this.isDone) {
      const byte = chunk[at++]
      if (byte === LF || byte === CR) {
        const isSecondHalf = byte === LF && before === afterCr
        this.isDone = before !== inLine && !isSecondHalf
        before = byte === CR ? afterCr : lineStart
      } else {
        if (before !== inLine && byte !== SPACE && byte !== TAB) {
          this.fields++
          longest = Math.max(longest, fieldBytes)
          fieldBytes = 0
        }
        before = inLine
        if (byte === AT) this.addresses++
      }
      fieldBytes++
    }
    this.bytes += at - from
    this.#before = before
    this.#fieldBytes = fieldBytes
    return this.#passed(Math.max(longest, fieldBytes))
  }

  #passed(longestField: number): keyof HeaderLimits | undefined {
    const { headerBytes, headerFields, headerFieldBytes, headerAddresses } = this.#limits
    if (this.bytes > headerBytes) return 'headerBytes'
    if (this.fields > headerFields) return 'headerFields'
    if (longestField > headerFieldBytes) return 'headerFieldBytes'
    return this.addresses > headerAddresses ? 'headerAddresses' : undefined
  }
}
