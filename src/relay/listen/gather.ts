/**
 * Message bytes as they arrive, in one buffer that ends as the message itself.
 *
 * What came in one piece stays where it is: a view, no copy. Otherwise the buffer is sized by the SIZE that the client
 * declared, but only once two megabytes have really come: a thousand clients who declare 150 MB and send nothing reserve little.
 */

import { spend } from '../../mail/message/message.ts'
import type { LimitName } from './limits.ts'

/** Looks at bytes before they are kept; says which limit they pass. */
export type Guard = (chunk: Buffer, start: number, end: number) => LimitName | undefined

/** Is told before the message takes so many bytes of memory in all; says which limit they pass. */
export type Room = (bytes: number) => LimitName | undefined

const trustBytes = 2_097_152
const nothing = Buffer.alloc(0)

export class Gather {
  /** The limit that the message has passed: the bytes are gone, only this is kept. */
  passed: LimitName | undefined
  #held: Buffer = nothing
  #length = 0
  /** Made here; the first chunk is not. */
  #isOurs = false
  readonly #declared: number
  readonly #maxBytes: number
  readonly #guard: Guard
  readonly #room: Room

  constructor(maxBytes: number, declared = 0, guard: Guard = () => undefined, room: Room = () => undefined) {
    this.#maxBytes = maxBytes
    this.#guard = guard
    this.#room = room
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
    const passed = length > this.#maxBytes ? 'messageBytes' : (this.#guard(chunk, start, end) ?? this.#makeRoom(length))
    if (passed !== undefined) return this.#overflow(passed)
    if (this.#length === 0) this.#held = chunk.subarray(start, end)
    else chunk.copy(this.#held, this.#length, start, end)
    this.#length = length
  }

  /** The first chunk, while it is all that has come. */
  keeps(chunk: Buffer): boolean {
    return this.#held.buffer === chunk.buffer
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
    this.#room(0)
    this.#spendHeld()
    this.#release()
  }

  #release(): void {
    this.#held = nothing
    this.#length = 0
    this.#isOurs = false
  }

  #makeRoom(needed: number): LimitName | undefined {
    if (this.#length === 0) return this.#room(needed)
    if (needed <= this.#held.length) return undefined
    const capacity = Math.min(this.#capacity(needed), this.#maxBytes)
    const passed = this.#room(capacity)
    if (passed === undefined) this.#grow(capacity)
    return passed
  }

  #grow(capacity: number): void {
    const grown = Buffer.allocUnsafeSlow(capacity)
    this.#held.copy(grown, 0, 0, this.#length)
    this.#spendHeld()
    this.#held = grown
    this.#isOurs = true
  }

  #spendHeld(): void {
    if (this.#isOurs) spend(this.#held)
  }

  /** Doubles, so that the work stays linear, or goes straight to the declared size where that may be believed. */
  #capacity(needed: number): number {
    const believed = needed <= trustBytes ? Math.min(this.#declared, trustBytes) : this.#declared
    return believed >= needed ? believed : 2 * needed
  }
}
