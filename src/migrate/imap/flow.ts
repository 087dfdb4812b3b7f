/**
 * Things that arrive when they want and are taken when somebody wants. What is thrown in after the taker has gone is forgotten.
 * An async iterator written by hand, because a generator that waits cannot be told to end.
 */
export class Flow<T> implements AsyncIterableIterator<T, undefined> {
  #items: T[] = []
  #taken = 0
  #end: { readonly error?: Error } | undefined
  #wake: (() => void) | undefined
  readonly #onTaken: (item: T) => void
  readonly #onGone: () => void

  /** `onTaken`: there is room again. `onGone`: nobody takes anything any more. */
  constructor(onTaken: (item: T) => void = () => {}, onGone: () => void = () => {}) {
    this.#onTaken = onTaken
    this.#onGone = onGone
  }

  get length(): number {
    return this.#items.length - this.#taken
  }

  /** The last one, while it still lies here. */
  get last(): T | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1)
  }

  push(item: T): void {
    if (this.#end !== undefined) return
    this.#items.push(item)
    this.#wake?.()
  }

  /** What lies here is still taken; then it is over, well or not. */
  end(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#wake?.()
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.length === 0) {
      if (this.#end?.error !== undefined) throw this.#end.error
      if (this.#end !== undefined) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return { done: false, value: this.#shift() }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#items = []
    this.#taken = 0
    this.end()
    this.#onGone()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Without moving what is behind it each time. */
  #shift(): T {
    const item = this.#items[this.#taken]
    this.#taken += 1
    if (this.#taken === this.#items.length || this.#taken > 1000) {
      this.#items = this.#items.slice(this.#taken)
      this.#taken = 0
    }
    if (item === undefined) throw new Error('nothing was there to be taken')
    this.#onTaken(item)
    return item
  }
}
