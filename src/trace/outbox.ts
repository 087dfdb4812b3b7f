/** Events on their way to the writer: cut into batches, bounded, the oldest dropped and counted when it is full. */
import type { TraceEvent } from './event.ts'

/** `json` is an array of events: one string crosses to the thread at less cost than a clone of its objects. */
export type Batch = { readonly number: number; readonly count: number; readonly json: string }

export type OutboxLimits = {
  /** Events in one batch, and so in one transaction. */
  readonly batch: number
  readonly maxEvents: number
  /** Characters of JSON. */
  readonly maxChars: number
}

export class Outbox {
  readonly #limits: OutboxLimits
  #open: TraceEvent[] = []
  readonly #sealed: Batch[] = []
  #sealedEvents = 0
  #sealedChars = 0
  #sealedBatches = 0
  #dropped = 0

  constructor(limits: OutboxLimits) {
    this.#limits = limits
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Events that no batch handed out has taken along. */
  get waiting(): number {
    return this.#open.length + this.#sealedEvents
  }

  /** Number of the batch sealed last. */
  get lastNumber(): number {
    return this.#sealedBatches
  }

  /** Number of the oldest batch that waits. */
  get firstNumber(): number {
    return this.#sealed[0]?.number ?? Number.POSITIVE_INFINITY
  }

  add(events: readonly TraceEvent[]): void {
    for (const event of events) {
      this.#open.push(event)
      if (this.#open.length >= this.#limits.batch) this.seal()
    }
  }

  /** Makes a batch of what is open. */
  seal(): void {
    const events = this.#open
    if (events.length === 0) return
    this.#open = []
    const json = jsonOf(events)
    if (json === undefined) {
      this.#dropped += events.length
      return
    }
    this.#sealedBatches += 1
    this.#enqueue({ number: this.#sealedBatches, count: events.length, json })
  }

  /** The oldest batch; it is the caller's now. */
  take(): Batch | undefined {
    const batch = this.#sealed.shift()
    if (batch !== undefined) this.#forget(batch)
    return batch
  }

  /** What `take` gave and nobody could store. */
  drop(batch: Batch): void {
    this.#dropped += batch.count
  }

  /** Gives up all that waits. */
  dropAll(): void {
    this.#dropped += this.waiting
    this.#open = []
    this.#sealed.length = 0
    this.#sealedEvents = 0
    this.#sealedChars = 0
  }

  #enqueue(batch: Batch): void {
    this.#sealed.push(batch)
    this.#sealedEvents += batch.count
    this.#sealedChars += batch.json.length
    while (this.#sealedEvents > this.#limits.maxEvents || this.#sealedChars > this.#limits.maxChars) {
      const oldest = this.take()
      if (oldest === undefined) return
      this.drop(oldest)
    }
  }

  #forget(batch: Batch): void {
    this.#sealedEvents -= batch.count
    this.#sealedChars -= batch.json.length
  }
}

/** undefined for events that are not JSON, which their type forbids; `write` never throws. */
function jsonOf(events: readonly TraceEvent[]): string | undefined {
  try {
    return JSON.stringify(events)
  } catch {
    return undefined
  }
}
