/** Something that is told once its moment has passed. */
export type Due = {
  /** Milliseconds of the clock; Infinity = never. */
  dueAt: number
  overdue(): void
  /** Ends it. */
  lose(why: string): void
}

/**
 * One coarse timer for all connections: looking at each of them now and then is far cheaper than arming and disarming
 * a timer at every command. Runs only while there is something to watch.
 */
export class Clock {
  readonly now: () => number
  readonly #everyMs: number
  readonly #watched = new Set<Due>()
  #timer: NodeJS.Timeout | undefined
  #whenEmpty: (() => void) | undefined

  constructor(now: () => number, everyMs: number) {
    this.now = now
    this.#everyMs = everyMs
  }

  watch(due: Due): void {
    this.#watched.add(due)
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs)
  }

  forget(due: Due): void {
    this.#watched.delete(due)
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#whenEmpty?.()
  }

  /** Resolves once nothing is watched any more; what is left after `graceMs` is ended. */
  async empty(graceMs: number, why: string): Promise<void> {
    if (this.#watched.size === 0) return
    const grace = setTimeout(() => {
      for (const due of this.#watched) due.lose(why)
    }, graceMs)
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    clearTimeout(grace)
  }

  #look(): void {
    const now = this.now()
    for (const due of this.#watched) if (due.dueAt <= now) due.overdue()
  }
}
