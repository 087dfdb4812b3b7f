import type { Patience } from './imap.ts'

/** What is looked at. */
export type Watched = {
  /** Bytes that have left. */
  readonly bytesOut: () => number
  /** Nothing is read, because we do not want to. */
  readonly isHeld: () => boolean
  readonly waitsFor: () => 'nothing' | 'an answer' | 'anything'
  readonly stalled: (why: string) => void
  /** Nothing was said for long. */
  readonly rested: () => void
}

/** The time of one connection, looked at now and then: a timer for each command would cost more than the command. */
export class Watch {
  readonly #patience: Patience
  readonly #watched: Watched
  readonly #timer: NodeJS.Timeout
  #heardAt = performance.now()
  #firstSince = performance.now()
  #bytesOut = 0

  constructor(patience: Patience, watched: Watched) {
    this.#patience = patience
    this.#watched = watched
    this.#timer = setInterval(() => this.#look(), Math.max(10, Math.min(patience.silentMs, patience.restMs) / 8))
  }

  /** Something came, or is waited for from now on. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /** Another command is first in line. */
  nextInLine(): void {
    this.#firstSince = performance.now()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    const out = this.#watched.bytesOut()
    const isHeld = this.#watched.isHeld()
    if (out !== this.#bytesOut || isHeld) this.#heardAt = now
    if (isHeld) this.#firstSince = now
    this.#bytesOut = out
    const waitsFor = this.#watched.waitsFor()
    if (waitsFor === 'nothing') this.#rest(now)
    else if (waitsFor === 'an answer') this.#wait(now)
  }

  #wait(now: number): void {
    const { silentMs, commandMs } = this.#patience
    if (now - this.#heardAt > silentMs) this.#watched.stalled(`nothing for ${silentMs / 1000} s`)
    else if (now - this.#firstSince > commandMs) this.#watched.stalled(`no end of an answer in ${commandMs / 1000} s`)
  }

  #rest(now: number): void {
    if (now - this.#heardAt >= this.#patience.restMs) this.#watched.rested()
  }
}
