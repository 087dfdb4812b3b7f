/**
 * What we have promised: messages that were accepted and are not yet with their next hop.
 *
 * Promises: what `put` answered with ok is on disk, synced, and stays there until somebody who holds its lease finishes it or a
 *   person drops it. The totals add up after every commit. SQLite is worked by a thread of its own, many operations to a commit.
 * Never: one recipient in two leases, a result from anybody but the holder, a second copy of a large message in memory.
 * On failure: a commit that failed is undone for good before its callers hear of it; put says why, all others reject.
 */
export { backOffMs, longestBackOffMs } from './back-off.ts'
export type {
  Attempted,
  AttemptRow,
  Domains,
  EndedOrder,
  Filter,
  HeldRecipient,
  NewReleaseOrder,
  Page,
  Paged,
  ProbeNo,
  Queue,
  ReleaseOrder,
  ReleaseStep,
  Tell,
  Touched,
} from './contract.ts'
export { type DiskWatch, type DiskWatchOptions, watchDisk } from './disk-watch.ts'
export type { Figures, LaneFigures, Totals } from './figures.ts'
export type {
  HoldCause,
  KeptMessage,
  KeptRecipient,
  Listed,
  NewMessage,
  NewRecipient,
  RecipientState,
  Trouble,
} from './message.ts'
export { type OpenedQueue, openQueue, type QueueOptions } from './open-queue.ts'
export { cameToText, orderText } from './order-text.ts'
export { givenUpFrom, waitsSince } from './patience.ts'
export { NotDone } from './thread.ts'
export type { ClaimQuery, FinishMore, Late, Lease, Put, Result, Work } from './work.ts'
