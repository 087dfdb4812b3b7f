/**
 * What happened to each message, and why: written by every step, found again by id, Message-ID, sender or recipient.
 *
 * Promises: `write` costs the mail path a push onto an array; SQLite is worked by a thread of its own, many events to a
 *   transaction; while the disk cannot keep up, memory stays bounded and every event dropped is counted.
 * Never: an exception out of `write`, a wait in it, an event lost in silence.
 * On failure: a batch that could not be stored is tried again; `onTrouble` hears why; `find` rejects with the reason.
 */
export { escapeText } from './escape-text.ts'
export type { EventKind, TraceEvent } from './event.ts'
export type { TraceQuery } from './find.ts'
export { guardCell } from './guard-cell.ts'
export { type OpenedReader, openTraceReader, type TraceReader } from './reader.ts'
export { openTrace, type Trace, type TraceOptions, type TraceStats } from './recorder.ts'
export { spanText } from './span-text.ts'
export { trackingLog } from './tracking-log.ts'
