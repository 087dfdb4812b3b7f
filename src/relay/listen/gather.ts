/**
 * Message bytes as they arrive, in one buffer that ends as the message itself.
 *
 * What came in one piece stays where it is: a view, no copy. Otherwise the buffer is sized by the SIZE that the client
 * declared, but only once two megabytes have really come: a thousand clients who declare 150 MB and send nothing reserve little.
 */

import type { LimitName } from './limits.ts'

/** Looks at bytes before they are kept; says which limit they pass. */
export type Guard = (chunk: Buffer, start: number, end: number) => LimitName | undefined

const trustBytes = 2_097_152
const nothing = Buffer.alloc(0)

export class Gather {
  /** The limit that the message has passed: the bytes are gone, only this is kept. */
  passed: LimitName | undefined
  #held: Buffer = nothing
  #length = 0
  readonly #declared: number
  readonly #maxBytes: number
  readonly #guard: Guard

  constructor(maxBytes: number, declared = 0, guard: Guard = () => undefined) {
    this.#maxBytes = maxBytes
    this.#guard = guard
    // A little over the declared size: clients count roughly, and a copy at the very end would double the memory.
    this.#declared = Math.min(declared + Math.ceil(declared / 64) + 4096, maxBytes)
  }

  get length(): number {
    return this.#length
  }

  /** Takes `chunk[start, end)`. The chunk belongs to us from now on: a first piece is kept, not copied. */
  add(chunk: Buffer, start: number, end: number): void {
    if (this.passed !== undefined || start === end) return
    const length = this.#length + end - start
    const passed = length > this.#maxBytes ? 'messageBytes' : this.#guard(chunk, start, end)
    if (passed !== undefined) return this.#overflow(passed)
    if (this.#length === 0) this.#held = chunk.subarray(start, end)
    else {
      if (length > this.#held.length) this.#grow(length)
      chunk.copy(this.#held, this.#length, start, end)
    }
    this.#length = length
  }

  /** Forgets the last byte added. */
  dropLast(): void {
    if (this.passed === undefined) this.#length--
  }

  /** The message. Nothing is kept. */
  take(): Buffer {
    const message = this.#held.subarray(0, this.#length)
    this.#release()
    return message
  }

  #overflow(passed: LimitName): void {
    this.passed = passed
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
