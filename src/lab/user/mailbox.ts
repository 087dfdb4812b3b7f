/** Keeps what arrives, and lets others wait for it. */
export class Mailbox<T> {
  readonly #arrived: T[] = []
  readonly #waiting = new Set<(message: T) => void>()

  get messages(): readonly T[] {
    return this.#arrived
  }

  deliver(message: T): void {
    this.#arrived.push(message)
    for (const tell of this.#waiting) tell(message)
  }

  /** The first message that is like that, already there or within the time; undefined: none came. */
  waitFor(isWanted: (message: T) => boolean, ms: number): Promise<T | undefined> {
    const there = this.#arrived.find(isWanted)
    if (there !== undefined) return Promise.resolve(there)
    return new Promise((resolve) => {
      const tell = (message: T | undefined): void => {
        if (message !== undefined && !isWanted(message)) return
        clearTimeout(timer)
        this.#waiting.delete(tell)
        resolve(message)
      }
      const timer = setTimeout(tell, ms, undefined)
      this.#waiting.add(tell)
    })
  }
}
