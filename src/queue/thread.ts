/** This side of the thread that owns queue.db: asks, hears, and starts another one should it ever stop. */
import { Worker } from 'node:worker_threads'
import type { Figures } from './figures.ts'
import type { Answered, Answers, Ask, AskFor, FromThread, ThreadOptions, ToThread } from './messages.ts'

export type ThreadSettings = Pick<ThreadOptions, 'dir' | 'leaseMs'> & {
  readonly now: () => number
  readonly onFigures: (figures: Figures) => void
  readonly onTrouble: (why: string) => void
}

/** Why an operation was not done. */
export class NotDone extends Error {
  readonly isFull: boolean

  constructor(why: string, isFull = false) {
    super(why)
    this.isFull = isFull
  }
}

/** The one who asked knows the type of its answer. */
type Question = { readonly resolve: (value: never) => void; readonly reject: (why: NotDone) => void }

const retryMs = 1000

export class Thread {
  readonly #settings: ThreadSettings
  #worker: Worker | undefined
  readonly #questions = new Map<number, Question>()
  #asked = 0
  #retry: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined

  constructor(settings: ThreadSettings) {
    this.#settings = settings
  }

  /** undefined when it works; otherwise why the file cannot be opened, and the thread is gone. */
  open(isFirst = true): Promise<string | undefined> {
    const { dir, leaseMs, now } = this.#settings
    const workerData: ThreadOptions = { dir, leaseMs, at: now(), isFirst }
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
    return new Promise((resolve) => {
      worker.on('message', (message: FromThread<never>) => {
        if (message.kind === 'answered') return this.#hear(message.answers, message.figures)
        if (message.kind === 'notOpened') return resolve(message.why)
        this.#settings.onFigures(message.figures)
        if (this.#closed === undefined) this.#worker = worker
        else this.#tell(worker, { kind: 'close' })
        resolve(undefined)
      })
      worker.on('error', (error) => this.#settings.onTrouble(`the thread of the queue stopped: ${error.message}`))
      worker.on('exit', () => {
        resolve('the thread of the queue stopped')
        if (this.#worker === worker) this.#stopped()
      })
    })
  }

  /** Rejects with NotDone. */
  ask<K extends keyof Answers>(ask: AskFor<K>, transfer: readonly ArrayBuffer[] = []): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(new NotDone('the queue is closed'))
      if (this.#worker === undefined) return reject(new NotDone('the thread of the queue is being started again'))
      this.#asked += 1
      this.#questions.set(this.#asked, { resolve, reject })
      this.#tell(
        this.#worker,
        { kind: 'ask', number: this.#asked, at: this.#settings.now(), ask: asAsk(ask) },
        transfer,
      )
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    clearTimeout(this.#retry)
    const worker = this.#worker
    if (worker === undefined) return
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    this.#tell(worker, { kind: 'close' })
    await exited
  }

  #tell(worker: Worker, message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    worker.postMessage(message, transfer)
  }

  #hear(answers: readonly Answered<never>[], figures: Figures | undefined): void {
    if (figures !== undefined) this.#settings.onFigures(figures)
    for (const answer of answers) {
      const question = this.#questions.get(answer.number)
      this.#questions.delete(answer.number)
      if (answer.ok) question?.resolve(answer.value)
      else question?.reject(new NotDone(answer.why, answer.isFull))
    }
  }

  /** For want of memory, or by a mistake of ours. Whether what was in its hands has been done, nobody knows. */
  #stopped(): void {
    this.#worker = undefined
    for (const question of this.#questions.values()) question.reject(new NotDone('the thread of the queue stopped'))
    this.#questions.clear()
    if (this.#closed === undefined) this.#startAgain()
  }

  #startAgain(): void {
    this.#retry = setTimeout(() => void this.#openAgain(), retryMs)
  }

  async #openAgain(): Promise<void> {
    const why = await this.open(false)
    if (why === undefined) return
    this.#settings.onTrouble(why)
    if (this.#closed === undefined) this.#startAgain()
  }
}

function asAsk<K extends keyof Answers>(ask: AskFor<K>): Ask {
  return ask
}
