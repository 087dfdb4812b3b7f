/** This side of the thread of the mailbox move: asks, answers what it asks, and starts another one should it ever stop. */
import { Worker } from 'node:worker_threads'
import type { BatchView, Letter, SecretAnswer, Sent } from './batch/batch.ts'
import type { Answer, Arguments, FromThread, ThreadOptions, ToThread, Verb } from './messages.ts'

export type ThreadSettings = {
  readonly dir: string
  /** Keys of batches as the vault has them now. */
  readonly keys: () => ThreadOptions['keys']
  readonly keepKeys: (inUse: readonly string[]) => void
  readonly forgetKey: (keyId: string) => void
  readonly secret: (name: string) => SecretAnswer
  readonly sendReport: (letter: Letter) => Promise<Sent>
  readonly onProgress: (batches: readonly BatchView[]) => void
  readonly onTrouble: (why: string) => void
  readonly heapMb: number
}

/** Why something was not done. */
export class MoveNotDone extends Error {
  readonly isFull: boolean

  constructor(why: string, isFull = false) {
    super(why)
    this.isFull = isFull
  }
}

/** The one who asked knows the type of its answer. */
type Question = { readonly resolve: (value: never) => void; readonly reject: (why: MoveNotDone) => void }

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
  open(isAfterDeath = false): Promise<string | undefined> {
    const { dir, keys, heapMb } = this.#settings
    const workerData: ThreadOptions = { dir, isAfterDeath, keys: keys() }
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    })
    return new Promise((resolve) => {
      worker.on('message', (message: FromThread<never>) => {
        if (message.kind === 'notOpened') return resolve(message.why)
        if (message.kind !== 'opened') return this.#hear(worker, message)
        this.#settings.keepKeys(message.keysInUse)
        if (this.#closed === undefined) this.#worker = worker
        else this.#tell(worker, { kind: 'close' })
        resolve(undefined)
      })
      worker.on('error', (error) =>
        this.#settings.onTrouble(`the thread of the mailbox move stopped: ${error.message}`),
      )
      worker.on('exit', () => {
        resolve('the thread of the mailbox move stopped')
        if (this.#worker === worker) this.#stopped()
      })
    })
  }

  /** Rejects with MoveNotDone. `key`: of a batch that is being made. */
  ask<K extends Verb>(verb: K, args: Arguments<K>, key?: readonly [id: string, key: Uint8Array]): Promise<Answer<K>> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(new MoveNotDone('the mailbox move is closed'))
      if (this.#worker === undefined)
        return reject(new MoveNotDone('the thread of the mailbox move is being started again'))
      this.#asked += 1
      this.#questions.set(this.#asked, { resolve, reject })
      const ask = { kind: 'ask', number: this.#asked, verb, with: args, ...(key === undefined ? {} : { key }) } as const
      this.#tell(this.#worker, ask)
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
    // A server that does not let go holds nobody up for long: what was copied is on disk.
    const late = setTimeout(() => void worker.terminate(), closeMs)
    await exited
    clearTimeout(late)
  }

  #tell(worker: Worker, message: ToThread): void {
    worker.postMessage(message, [])
  }

  #hear(worker: Worker, message: Exclude<FromThread<never>, { readonly kind: 'opened' | 'notOpened' }>): void {
    switch (message.kind) {
      case 'answered':
        return this.#take(message.number)?.resolve(message.value)
      case 'failed':
        return this.#take(message.number)?.reject(new MoveNotDone(message.why, message.isFull))
      case 'secretWanted': {
        const answer = this.#settings.secret(message.name)
        return this.#tell(worker, { kind: 'secret', number: message.number, answer })
      }
      case 'letter':
        return void this.#post(worker, message.number, message.letter)
      case 'keyForgotten':
        return this.#settings.forgetKey(message.keyId)
      case 'trouble':
        return this.#settings.onTrouble(message.why)
      case 'progress':
        return this.#settings.onProgress(message.batches)
    }
  }

  #take(number: number): Question | undefined {
    const question = this.#questions.get(number)
    this.#questions.delete(number)
    return question
  }

  async #post(worker: Worker, number: number, letter: Letter): Promise<void> {
    const answer = await this.#settings.sendReport(letter).catch((error: unknown) => ({
      ok: false as const,
      why: error instanceof Error ? error.message : String(error),
    }))
    this.#tell(worker, { kind: 'sent', number, answer })
  }

  /** For want of memory, or by a mistake of ours. The ledger knows where it was. */
  #stopped(): void {
    this.#worker = undefined
    for (const question of this.#questions.values())
      question.reject(new MoveNotDone('the thread of the mailbox move stopped'))
    this.#questions.clear()
    if (this.#closed === undefined) this.#startAgain()
  }

  #startAgain(): void {
    this.#retry = setTimeout(() => void this.#openAgain(), retryMs)
  }

  async #openAgain(): Promise<void> {
    const why = await this.open(true)
    if (why === undefined) return
    this.#settings.onTrouble(why)
    if (this.#closed === undefined) this.#startAgain()
  }
}

const closeMs = 10_000
