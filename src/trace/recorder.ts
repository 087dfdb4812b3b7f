/** The end of the trace that the mail path holds. */
import { Worker } from 'node:worker_threads'
import type { TraceEvent } from './event.ts'
import type { TraceQuery } from './find.ts'
import type { FromWriter, ToWriter, WriterOptions } from './messages.ts'
import { type Batch, Outbox } from './outbox.ts'

export type TraceStats = { readonly stored: number; readonly dropped: number; readonly waiting: number }

export type Trace = {
  /** Never waits, never throws. The events are the trace's from now on: do not change them. */
  write(events: readonly TraceEvent[]): void
  /** Finds what was written before, too. Rejects when the database cannot be read. */
  find(query: TraceQuery): Promise<readonly TraceEvent[]>
  /** Resolves when all that was written before is in the database, or counted as dropped. */
  flush(): Promise<void>
  /** Stores what waits, for at most five seconds; what is left then is counted as dropped. */
  close(): Promise<void>
  stats(): TraceStats
}

export type TraceOptions = {
  readonly file: string
  /** Messages of which nothing happened for so long are forgotten; 90 when absent, as in Exchange Online. */
  readonly retentionDays?: number
  /** Events kept in memory while the disk cannot keep up; 100,000 when absent. */
  readonly maxEvents?: number
  /** Hears sentences for the log: what could not be stored, and why; not the same one again and again. */
  readonly onTrouble?: (why: string) => void
}

const batchEvents = 500
const batchMs = 50
const retryMs = 1000
const closeMs = 5000
const maxChars = 64 * 1024 * 1024

export function openTrace(o: TraceOptions): Trace {
  return new Recorder(o)
}

type Question = { readonly resolve: (events: readonly TraceEvent[]) => void; readonly reject: (why: Error) => void }
type Waiter = { readonly through: number; readonly resolve: () => void }

class Recorder implements Trace {
  readonly #options: TraceOptions
  readonly #outbox: Outbox
  #worker: Worker
  /** With the writer; one at a time, so that what waits can still be dropped. */
  #inHand: Batch | undefined
  #timer: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #stored = 0
  #lost = 0
  #questions = new Map<number, Question>()
  #asked = 0
  #waiters: Waiter[] = []
  #lastTrouble = ''
  #toldDropped = 0
  #closed: Promise<void> | undefined

  constructor(o: TraceOptions) {
    this.#options = o
    this.#outbox = new Outbox({ batch: batchEvents, maxEvents: o.maxEvents ?? 100_000, maxChars })
    this.#worker = this.#startWorker()
  }

  write(events: readonly TraceEvent[]): void {
    if (this.#closed !== undefined) {
      this.#lost += events.length
      return
    }
    this.#outbox.add(events)
    this.#timer ??= setTimeout(() => this.#sealAndSend(), batchMs)
    if (this.#outbox.waiting >= batchEvents) this.#send()
  }

  async find(query: TraceQuery): Promise<readonly TraceEvent[]> {
    if (this.#closed !== undefined) throw new Error('the trace is closed')
    await within(retryMs, this.flush())
    this.#asked += 1
    const number = this.#asked
    return new Promise((resolve, reject) => {
      this.#questions.set(number, { resolve, reject })
      this.#tell({ kind: 'find', number, query })
    })
  }

  flush(): Promise<void> {
    this.#sealAndSend()
    const through = this.#outbox.lastNumber
    return new Promise((resolve) => {
      this.#waiters.push({ through, resolve })
      this.#wakeWaiters()
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  stats(): TraceStats {
    const inHand = this.#inHand?.count ?? 0
    return {
      stored: this.#stored,
      dropped: this.#outbox.dropped + this.#lost,
      waiting: this.#outbox.waiting + inHand,
    }
  }

  async #end(): Promise<void> {
    await within(closeMs, this.flush())
    clearTimeout(this.#timer)
    clearTimeout(this.#retry)
    if (this.#inHand !== undefined) this.#outbox.drop(this.#inHand)
    this.#inHand = undefined
    this.#outbox.dropAll()
    this.#tellDropped()
    this.#wakeWaiters()
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    this.#tell({ kind: 'close' })
    await within(closeMs, exited)
    await this.#worker.terminate()
  }

  #startWorker(): Worker {
    const { file, retentionDays = 90 } = this.#options
    const workerData: WriterOptions = { file, retentionDays }
    const worker = new Worker(new URL('./writer.ts', import.meta.url), { workerData })
    worker.on('message', (message: FromWriter) => this.#hear(message))
    worker.on('error', (error) => this.#trouble(`the trace writer stopped: ${error.message}`))
    worker.on('exit', () => this.#workerEnded())
    return worker
  }

  /** It may end for want of memory only; a new one takes over, beginning with the batch that this one had. */
  #workerEnded(): void {
    for (const question of this.#questions.values()) question.reject(new Error('the trace writer stopped'))
    this.#questions.clear()
    if (this.#closed !== undefined) return
    this.#retry = setTimeout(() => {
      this.#worker = this.#startWorker()
      this.#sendInHand()
    }, retryMs)
  }

  #tell(message: ToWriter): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    this.#worker.postMessage(message)
  }

  #sealAndSend(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#outbox.seal()
    this.#send()
  }

  #send(): void {
    this.#tellDropped()
    if (this.#inHand !== undefined) return
    this.#inHand = this.#outbox.take()
    this.#sendInHand()
  }

  #sendInHand(): void {
    if (this.#inHand === undefined) return
    this.#tell({ kind: 'batch', number: this.#inHand.number, json: this.#inHand.json })
  }

  #hear(message: FromWriter): void {
    switch (message.kind) {
      case 'stored':
        return this.#batchStored(message.number, message.lost)
      case 'failed':
        return this.#batchFailed(message.why)
      case 'found':
        return this.#question(message.number)?.resolve(JSON.parse(message.json))
      case 'notFound':
        return this.#question(message.number)?.reject(new Error(message.why))
      case 'trouble':
        return this.#trouble(message.why)
    }
  }

  #batchStored(number: number, lost: number): void {
    if (this.#inHand?.number !== number) return
    this.#stored += this.#inHand.count - lost
    this.#lost += lost
    this.#inHand = undefined
    if (lost === 0) this.#lastTrouble = ''
    this.#send()
    this.#wakeWaiters()
  }

  /** A full disk or a lock held too long: the batch is tried again until it is in, while later ones wait. */
  #batchFailed(why: string): void {
    this.#trouble(`trace events cannot be stored now: ${why}`)
    clearTimeout(this.#retry)
    if (this.#inHand !== undefined) this.#retry = setTimeout(() => this.#sendInHand(), retryMs)
  }

  #question(number: number): Question | undefined {
    const question = this.#questions.get(number)
    this.#questions.delete(number)
    return question
  }

  #wakeWaiters(): void {
    const oldest = this.#inHand?.number ?? this.#outbox.firstNumber
    const due = this.#waiters.filter((waiter) => waiter.through < oldest)
    this.#waiters = this.#waiters.filter((waiter) => waiter.through >= oldest)
    for (const waiter of due) waiter.resolve()
  }

  #tellDropped(): void {
    const dropped = this.#outbox.dropped
    // The first, then at every doubling: a line for each would be a flood of its own.
    if (dropped === 0 || dropped < this.#toldDropped * 2) return
    this.#toldDropped = dropped
    this.#trouble(`${dropped} trace events dropped so far: the disk cannot keep up`)
  }

  #trouble(why: string): void {
    if (why === this.#lastTrouble) return
    this.#lastTrouble = why
    this.#options.onTrouble?.(why)
  }
}

/** Waits for the work, but no longer than so. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, over])
  clearTimeout(timer)
}
