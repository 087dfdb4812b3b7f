/**
 * Bytes of messages in hand: coming in, in an attempt, read back out of the queue. One count for all of them, for they share one memory
 * (docs/limits.md, "Bytes in hand").
 *
 * What was given back is garbage that lies outside of the collector's heap, where it looks late: only when there are 64 MB more of
 * it. So it is called whenever there may be 16 MB of it, which takes some 20 ms for each 16 MB of mail at most. A collection
 * of what is young does not help: a large message is old by the time it is answered.
 */
export class Budget {
  readonly bytes: number
  readonly #collect: () => void
  #taken = 0
  #litter = 0
  #isCalled = false

  constructor(bytes: number, collect: () => void = collectAll) {
    this.bytes = bytes
    this.#collect = collect
  }

  /** Never less than 0; what must be taken in any case may pass the bound. */
  get free(): number {
    return Math.max(0, this.bytes - this.#taken)
  }

  take(bytes: number): void {
    this.#taken += bytes
  }

  give(bytes: number): void {
    this.#taken -= bytes
    this.#litter += bytes
    if (this.#litter < litterBytes || this.#isCalled) return
    this.#isCalled = true
    // When those who have just finished have let go.
    setImmediate(() => {
      this.#isCalled = false
      this.#litter = 0
      this.#collect()
    })
  }
}

const litterBytes = 16 * 1024 * 1024

/** There with `--expose-gc`, which bin/causeway says. */
function collectAll(): void {
  globalThis.gc?.()
}
