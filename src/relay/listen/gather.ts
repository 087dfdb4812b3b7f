/**
 * Message bytes as they arrive, in one buffer that ends as the message itself.
 *
 * What came in one piece stays where it is: a view, no copy. Otherwise the buffer is sized by the SIZE that the client
 * declared, but only once two megabytes have really come: a thousand clients who declare 150 MB and send nothing reserve little.
 */

const trustBytes = 2_097_152
const nothing = Buffer.alloc(0)

export class Gather {
  /** More came than `maxBytes`: the bytes are gone, only the fact is kept. */
  overflowed = false
  #held: Buffer = nothing
  #length = 0
  readonly #declared: number
  readonly #maxBytes: number

  constructor(maxBytes: number, declared = 0) {
    this.#maxBytes = maxBytes
    // A little over the declared size: clients count roughly, and a copy at the very end would double the memory.
    this.#declared = Math.min(declared + Math.ceil(declared / 64) + 4096, maxBytes)
  }

  get length(): number {
    return this.#length
  }

  /** Takes `chunk[start, end)`. The chunk belongs to us from now on: a first piece is kept, not copied. */
  add(chunk: Buffer, start: number, end: number): void {
    if (this.overflowed || start === end) return
    const length = this.#length + end - start
    if (length > this.#maxBytes) return this.#overflow()
    if (this.#length === 0) this.#held = chunk.subarray(start, end)
    else {
      if (length > this.#held.length) this.#grow(length)
      chunk.copy(this.#held, this.#length, start, end)
    }
    this.#length = length
  }

  /** Forgets the last byte added. */
  dropLast(): void {
    if (!this.overflowed) this.#length--
  }

  /** The message. Nothing is kept. */
  take(): Buffer {
    const message = this.#held.subarray(0, this.#length)
    this.#release()
    return message
  }

  #overflow(): void {
    this.overflowed = true
    this.#release()
  }

  #release(): void {
    this.#held = nothing
    this.#length = 0
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#capacity(needed), this.#maxBytes))
    this.#held.copy(grown, 0, 0, this.#length)
    this.#held = grown
  }

  /** Doubles, so that the work stays linear, or goes straight to the declared size where that may be believed. */
  #capacity(needed: number): number {
    const believed = needed <= trustBytes ? Math.min(this.#declared, trustBytes) : this.#declared
    return believed >= needed ? believed : 2 * needed
  }
}
