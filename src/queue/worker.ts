/**
 * The thread that owns queue.db. What arrives while one commit is being synced gathers and shares the next, so that a busy queue
 * syncs once for many and an idle one at once.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { spend } from '../mail/message/message.ts'
import { failureOf, type SealedDb } from '../store/store.ts'
import type { Change } from './change.ts'
import type { Figures } from './figures.ts'
import {
  type Answer,
  type Answered,
  type FromThread,
  isRead,
  type Read,
  type ThreadOptions,
  type ToThread,
  type Write,
} from './messages.ts'
import { performRead, performWrite } from './perform.ts'
import { openQueueDb, queueFile } from './schema.ts'
import { takeFigures } from './take-figures.ts'
import { Tally } from './tally.ts'
import { recover } from './tidy.ts'

const { dir, leaseMs, at: openedAt, isFirst }: ThreadOptions = workerData
/** Of writes in one commit: some ms of work, so that the first of them does not wait long for the last. */
const mostAtOnce = 200

type Asked<A> = { readonly number: number; readonly at: number; readonly ask: A }

const writes: Asked<Write>[] = []
const reads: Asked<Read>[] = []
let isRoundDue = false
let isClosing = false

start()

function start(): void {
  const opened = openQueueDb(dir)
  if (!opened.ok) return refuse(opened.why)
  const recovered = isFirst ? opened.sealed.commit([() => changing(opened.sealed, openedAt, recover)]) : undefined
  if (recovered?.ok === false) return refuse(recovered.why)
  tell({ kind: 'opened', figures: takeFigures(opened.sealed.db()) })
  parentPort?.on('message', (message: ToThread) => hear(opened.sealed, message))
}

function refuse(why: string): void {
  tell({ kind: 'notOpened', why })
  parentPort?.close()
}

function hear(sealed: SealedDb, message: ToThread): void {
  if (message.kind === 'close') isClosing = true
  else sort(message)
  if (isRoundDue) return
  isRoundDue = true
  // After everything that has arrived by now has been heard.
  setImmediate(() => round(sealed))
}

function sort({ number, at, ask }: Extract<ToThread, { readonly kind: 'ask' }>): void {
  if (isRead(ask)) reads.push({ number, at, ask })
  else writes.push({ number, at, ask })
}

function round(sealed: SealedDb): void {
  isRoundDue = false
  writeSome(sealed, writes.splice(0, mostAtOnce))
  readAll(sealed, reads.splice(0))
  if (writes.length > 0) {
    isRoundDue = true
    setImmediate(() => round(sealed))
  } else if (isClosing) {
    sealed.close()
    parentPort?.close()
  }
}

function writeSome(sealed: SealedDb, asked: readonly Asked<Write>[]): void {
  if (asked.length === 0) return
  const done = sealed.commit(
    asked.map(
      ({ at, ask }) =>
        () =>
          changing(sealed, at, (c) => performWrite(c, ask)),
    ),
  )
  if (!done.ok) {
    const { why, isFull } = done
    return tell({ kind: 'answered', answers: asked.map(({ number }) => ({ number, ok: false, why, isFull })) })
  }
  const answers = asked.map(({ number }, i): Answered<Answer> => {
    const piece = done.pieces[i]
    return piece?.ok === true ? { number, ok: true, value: piece.value } : failed(number, piece?.error)
  })
  for (const { ask } of asked) if (ask.do === 'part') spend(ask.bytes)
  const figures = figuresNow(sealed)
  tell({ kind: 'answered', answers, ...(figures && { figures }) })
}

/** What was committed is committed, even if nothing can be read at this moment. */
function figuresNow(sealed: SealedDb): Figures | undefined {
  try {
    return takeFigures(sealed.db())
  } catch {
    return undefined
  }
}

/** With its counts, so that both are there or neither. */
function changing<T>(sealed: SealedDb, at: number, work: (c: Change) => T): T {
  const c: Change = { db: sealed.db(), at, tally: new Tally(), leaseMs }
  const value = work(c)
  c.tally.write(c.db)
  return value
}

function readAll(sealed: SealedDb, asked: readonly Asked<Read>[]): void {
  for (const { number, at, ask } of asked) {
    try {
      const value = performRead(sealed.db(), ask, at)
      tellAnswer({ number, ok: true, value }, contentOf(value))
    } catch (error) {
      tellAnswer(failed(number, error))
    }
  }
}

function contentOf(value: Answer): readonly Uint8Array[] {
  return typeof value === 'object' && 'parts' in value ? value.parts : []
}

/** Content crosses without a copy. */
function tellAnswer(answer: Answered<Answer>, content: readonly Uint8Array[] = []): void {
  tell({ kind: 'answered', answers: [answer] }, content)
}

function failed(number: number, error: unknown): Answered<Answer> {
  return { number, ok: false, ...failureOf(error, queueFile(dir)) }
}

function tell(message: FromThread<Answer>, content: readonly Uint8Array[] = []): void {
  parentPort?.postMessage(
    message,
    content.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer),
  )
}
