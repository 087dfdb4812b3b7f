/** Counts the octets of one BDAT chunk; every byte is content (RFC 3030 section 2). */
import type { Gather } from './gather.ts'

export class ChunkReader {
  #left: number
  readonly #into: Gather | undefined

  /** Without `into` the octets are only passed over. */
  constructor(bytes: number, into: Gather | undefined) {
    this.#left = bytes
    this.#into = into
  }

  /** As `DotReader.push`. */
  push(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#left)
    this.#into?.add(chunk, from, end)
    this.#left -= end - from
    return this.#left === 0 ? end : -1
  }
}
