import type { Answer } from './dns.ts'

/** An answer with the seconds that it may be kept. */
export type Aged<T> = { readonly answer: Answer<T>; readonly ttlSeconds: number }

export type MemoryOptions = {
  readonly maxEntries: number
  /** Longest time that anything is kept, whatever its TTL: a cutover must be seen soon. */
  readonly maxKeepMs: number
  readonly now: () => number
}

type Kept = { readonly answer: Promise<Answer<unknown>>; until: number }

/**
 * Answers by question. The question under way is kept too, so that a hundred messages to one domain ask once.
 * What is unknown is forgotten as soon as it is known to be unknown.
 */
export class Memory {
  readonly #kept = new Map<string, Kept>()
  readonly #o: MemoryOptions

  constructor(o: MemoryOptions) {
    this.#o = o
  }

  /** The remembered answer to `question`, else that of `ask`. One question has answers of one type. */
  get<T>(question: string, ask: () => Promise<Aged<T>>): Promise<Answer<T>> {
    const known = this.#kept.get(question)
    if (known !== undefined && known.until > this.#o.now()) return known.answer as Promise<Answer<T>>
    const kept: Kept & { answer: Promise<Answer<T>> } = {
      until: Number.POSITIVE_INFINITY,
      answer: this.#ask(question, ask),
    }
    this.#kept.delete(question) // so that it moves to the end of the Map, which is the order of age
    this.#kept.set(question, kept)
    this.#dropOldest()
    return kept.answer
  }

  clear(): void {
    this.#kept.clear()
  }

  async #ask<T>(question: string, ask: () => Promise<Aged<T>>): Promise<Answer<T>> {
    const { answer, ttlSeconds } = await ask()
    const kept = this.#kept.get(question)
    if (answer.kind === 'unknown') this.#kept.delete(question)
    else if (kept !== undefined) kept.until = this.#o.now() + Math.min(ttlSeconds * 1000, this.#o.maxKeepMs)
    return answer
  }

  #dropOldest(): void {
    if (this.#kept.size <= this.#o.maxEntries) return
    const oldest = this.#kept.keys().next()
    if (!oldest.done) this.#kept.delete(oldest.value)
  }
}
