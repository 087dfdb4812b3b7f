/** A bound on what is on its way to the thread: many large messages at once wait their turn instead of filling memory. */
export class Room {
  #free: number
  readonly #size: number
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = []

  constructor(bytes: number) {
    this.#size = bytes
    this.#free = bytes
  }

  /** In the order in which they came. What is larger than the room enters when nobody else is in it. */
  async within<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(bytes, this.#size)
    await this.#enter(taken)
    try {
      return await work()
    } finally {
      this.#free += taken
      this.#letIn()
    }
  }

  #enter(bytes: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ bytes, enter })
      this.#letIn()
    })
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.bytes
      next.enter()
    }
  }
}
