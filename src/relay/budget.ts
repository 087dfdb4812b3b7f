/**
 * Bytes of messages in hand: coming in, in an attempt, read back out of the queue. One count for all of them, for they share one memory
 * (docs/limits.md, "Bytes in hand").
 *
 * What was given back is garbage that lies outside of the collector's heap, where it looks late: only when there are 64 MB more of
 * it, and then in steps. So it is called when large messages have left a quarter of the bound behind them, or 64 MB. All of the heap
 * is looked at, for a large message is old by the time it is answered. Nobody is served meanwhile, the longer the more the heap holds
 * and the busier the machine is: so not for each message, and not for what is small.
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
    if (bytes >= largeBytes) this.#litter += bytes
    if (this.#litter < litterOf(this.bytes) || this.#isCalled) return
    this.#isCalled = true
    // When those who have just finished have let go.
    setImmediate(() => {
      this.#isCalled = false
      this.#litter = 0
      this.#collect()
    })
  }
}

const mebibyte = 1024 * 1024
/** What is smaller is collected in time by itself. */
const largeBytes = mebibyte

/** The less there is, the sooner. */
const litterOf = (bytes: number): number => Math.min(64 * mebibyte, Math.max(16 * mebibyte, bytes / 4))

/** There with `--expose-gc`, which bin/causeway says. */
function collectAll(): void {
  globalThis.gc?.()
}
