import type { RecordAnswer } from './dns.ts'

/** An answer with the seconds that it may be kept. */
export type Aged<T> = { readonly answer: RecordAnswer<T>; readonly ttlSeconds: number }

export type MemoryOptions = {
  readonly maxEntries: number
  /** Longest time that anything is kept, whatever its TTL: a cutover must be seen soon. */
  readonly maxKeepMs: number
  readonly now: () => number
}

type Kept<T> = { readonly answer: Promise<RecordAnswer<T>>; until: number }

/**
 * Answers by name. The question under way is kept too, so that a hundred messages to one domain ask once.
 * What is unknown is forgotten as soon as it is known to be unknown.
 */
export class Memory<T> {
  readonly #kept = new Map<string, Kept<T>>()
  readonly #o: MemoryOptions

  constructor(o: MemoryOptions) {
    this.#o = o
  }

  /** The remembered answer for `name`, else that of `ask`. */
  get(name: string, ask: () => Promise<Aged<T>>): Promise<RecordAnswer<T>> {
    const known = this.#kept.get(name)
    if (known !== undefined && known.until > this.#o.now()) return known.answer
    const asked = ask()
    const kept: Kept<T> = { answer: asked.then(({ answer }) => answer), until: Number.POSITIVE_INFINITY }
    void asked.then((aged) => this.#age(name, kept, aged))
    this.#kept.delete(name) // so that it moves to the end of the Map, which is the order of age
    this.#kept.set(name, kept)
    this.#dropOldest()
    return kept.answer
  }

  clear(): void {
    this.#kept.clear()
  }

  #age(name: string, kept: Kept<T>, { answer, ttlSeconds }: Aged<T>): void {
    if (answer.kind === 'unknown' && this.#kept.get(name) === kept) this.#kept.delete(name)
    kept.until = this.#o.now() + Math.min(ttlSeconds * 1000, this.#o.maxKeepMs)
  }

  #dropOldest(): void {
    if (this.#kept.size <= this.#o.maxEntries) return
    const oldest = this.#kept.keys().next()
    if (!oldest.done) this.#kept.delete(oldest.value)
  }
}
