/** The end of the checking thread that the mail path holds: what is under way, how long, and how much of it at once. */
import { Worker } from 'node:worker_threads'
import type { RecordResolver } from '../../dns/dns.ts'
import type { FromThread, ToThread } from './messages.ts'
import { type Ask, makeQuestions } from './questions.ts'
import type { Authentication } from './result.ts'
import type { Subject } from './subject.ts'
import { unchecked } from './unchecked.ts'

export type ThreadOptions = {
  readonly resolver: RecordResolver
  /** Until then the DNS may answer. */
  readonly timeoutMs: number
  /** Beyond that time, until the thread itself must have finished; then it is taken for stuck. */
  readonly graceMs: number
  /** Bytes of messages with the thread at once; the others wait, within their time. */
  readonly maxBytes: number
}

type Open = {
  readonly subject: Subject
  /** Of its content. */
  readonly bytes: number
  readonly ask: Ask
  readonly answer: (authentication: Authentication) => void
  readonly timers: readonly NodeJS.Timeout[]
  isWithThread: boolean
}

export class CheckThread {
  readonly #o: ThreadOptions
  #worker: Worker | undefined
  readonly #open = new Map<number, Open>()
  #number = 0
  #bytes = 0
  #isClosed = false

  constructor(o: ThreadOptions) {
    this.#o = o
  }

  check(subject: Subject): Promise<Authentication> {
    if (this.#isClosed) return Promise.resolve(unchecked(subject, 'shutting down'))
    const number = ++this.#number
    return new Promise((answer) => {
      const { timeUp, timers } = this.#clock(number)
      const ask = makeQuestions(this.#o.resolver, timeUp)
      this.#open.set(number, { subject, bytes: subject.content.byteLength, ask, answer, timers, isWithThread: false })
      this.#handOver()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#end('shutting down')
  }

  #clock(number: number) {
    const { timeoutMs, graceMs } = this.#o
    const timers: NodeJS.Timeout[] = []
    const timeUp = new Promise<string>((resolve) => {
      const late = (): void => {
        resolve(`not answered within ${timeoutMs / 1000} s`)
        if (this.#open.get(number)?.isWithThread === false) this.#settle(number, undefined, 'too much to check at once')
      }
      timers.push(setTimeout(late, timeoutMs))
      timers.push(setTimeout(() => void this.#end('the check took too long'), timeoutMs + graceMs))
    })
    return { timeUp, timers }
  }

  /** As many as may be with the thread at once, in the order in which they came; one always. */
  #handOver(): void {
    for (const [number, open] of this.#open) {
      if (open.isWithThread) continue
      if (this.#bytes > 0 && this.#bytes + open.bytes > this.#o.maxBytes) return
      open.isWithThread = true
      this.#bytes += open.bytes
      const worker = (this.#worker ??= this.#start())
      worker.ref()
      // The thread has a copy of its own, which it gives back as soon as it has read it.
      const content = new Uint8Array(open.subject.content)
      tell(worker, { kind: 'check', number, subject: { ...open.subject, content } }, [content.buffer])
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./examiner.ts', import.meta.url))
    worker.on('message', (said: FromThread) => this.#hear(worker, said))
    worker.on('error', (error) => this.#fell(worker, error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => this.#fell(worker, 'the checking thread ended'))
    return worker
  }

  #hear(worker: Worker, said: FromThread): void {
    switch (said.kind) {
      case 'ask':
        void this.#look(worker, said)
        return
      case 'checked':
        this.#settle(said.number, said.authentication, '')
        return
      case 'broke':
        this.#settle(said.number, undefined, said.why)
    }
  }

  async #look(worker: Worker, { number, question, name, type }: FromThread & { kind: 'ask' }): Promise<void> {
    const asked = await this.#open.get(number)?.ask(name, type)
    if (asked !== undefined && worker === this.#worker) tell(worker, { kind: 'answer', question, asked })
  }

  #settle(number: number, authentication: Authentication | undefined, why: string): void {
    const open = this.#open.get(number)
    if (open === undefined) return
    this.#open.delete(number)
    for (const timer of open.timers) clearTimeout(timer)
    if (open.isWithThread) this.#bytes -= open.bytes
    open.answer(authentication ?? unchecked(open.subject, why))
    if (this.#open.size === 0) this.#worker?.unref()
    else this.#handOver()
  }

  /** Nobody is left without an answer. The next message gets a new thread. */
  #fell(worker: Worker, why: string): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    for (const [number, { isWithThread }] of this.#open) if (isWithThread) this.#settle(number, undefined, why)
  }

  async #end(why: string): Promise<void> {
    const worker = this.#worker
    if (worker !== undefined) this.#fell(worker, why)
    await worker?.terminate()
  }
}

function tell(worker: Worker, told: ToThread, given: readonly ArrayBuffer[] = []): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  worker.postMessage(told, given)
}
