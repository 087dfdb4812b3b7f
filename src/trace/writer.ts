/** The thread that owns the trace database. Opens it when first needed, and again after it could not. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Db } from '../store/store.ts'
import type { TraceEvent } from './event.ts'
import { findEvents } from './find.ts'
import type { FromWriter, ToWriter, WriterOptions } from './messages.ts'
import { forgetMessages, insertEvents, openTraceDb } from './tables.ts'

const options: WriterOptions = workerData
const pruneEveryMs = 60 * 60 * 1000
/** Messages forgotten in one transaction: a few ms, between which batches get their turn. */
const pruneAtOnce = 200

let db: Db | undefined
let pruning: NodeJS.Timeout | undefined

function opened(): Db {
  if (db !== undefined) return db
  const attempt = openTraceDb(options.file)
  if (!attempt.ok) throw new Error(attempt.why)
  db = attempt.db
  pruning = setTimeout(prune, 0)
  return db
}

function prune(): void {
  let forgotten = 0
  try {
    const before = Date.now() - options.retentionDays * 24 * 60 * 60 * 1000
    forgotten = db === undefined ? 0 : forgetMessages(db, before, pruneAtOnce)
  } catch (error) {
    tell({ kind: 'trouble', why: `old trace events stay for now: ${reason(error)}` })
  }
  pruning = setTimeout(prune, forgotten === pruneAtOnce ? 10 : pruneEveryMs)
}

function answer(asked: ToWriter & { readonly kind: 'batch' | 'find' }): FromWriter {
  const { number } = asked
  try {
    if (asked.kind === 'find') return { kind: 'found', number, json: JSON.stringify(findEvents(opened(), asked.query)) }
    const events: readonly TraceEvent[] = JSON.parse(asked.json)
    const lost = store(opened(), events)
    return { kind: 'stored', number, lost }
  } catch (error) {
    return { kind: asked.kind === 'find' ? 'notFound' : 'failed', number, why: reason(error) }
  }
}

/** One event that no table takes must not hold up the others. Returns how many could not be stored. */
function store(into: Db, events: readonly TraceEvent[]): number {
  try {
    insertEvents(into, events)
    return 0
  } catch (error) {
    if (!isAboutTheEvents(error)) throw error
    if (events.length > 1) return events.reduce((lost, event) => lost + store(into, [event]), 0)
    tell({ kind: 'trouble', why: `a trace event could not be stored: ${reason(error)}` })
    return 1
  }
}

/** SQLite's TOOBIG, CONSTRAINT, MISMATCH and RANGE; everything else (full, busy, broken) is about the file. */
const eventErrors: ReadonlySet<number> = new Set([18, 19, 20, 25])

function isAboutTheEvents(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return 'errcode' in error ? eventErrors.has(Number(error.errcode) & 0xff) : true
}

function tell(message: FromWriter): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  parentPort?.postMessage(message)
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

parentPort?.on('message', (asked: ToWriter) => {
  if (asked.kind !== 'close') return tell(answer(asked))
  clearTimeout(pruning)
  db?.close()
  parentPort?.close()
})
