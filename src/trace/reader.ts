/** Reading the trace from a second process while the first one writes it. */
import type { TraceEvent } from './event.ts'
import { findEvents, type TraceQuery } from './find.ts'
import { openTraceDb } from './tables.ts'

export type TraceReader = { find(query: TraceQuery): readonly TraceEvent[]; close(): void }
export type OpenedReader =
  | { readonly ok: true; readonly reader: TraceReader }
  | { readonly ok: false; readonly why: string }

/** Opens `file` for reading only; it never creates or migrates it. */
export function openTraceReader(file: string): OpenedReader {
  const opened = openTraceDb(file, true)
  if (!opened.ok) return opened
  const { db } = opened
  return { ok: true, reader: { find: (query) => findEvents(db, query), close: () => db.close() } }
}
