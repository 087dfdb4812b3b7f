/** What is known of each message that was copied, so that none is lost and none is copied twice. */
import type { Db, Migration } from '../../store/store.ts'
import type { Skipped } from './contract.ts'

export const ledgerMigrations: readonly Migration[] = []

/** As Exchange names them. */
export type Score = 'Perfect' | 'Good' | 'Investigate' | 'Poor'

export type Counts = {
  readonly messages: number
  readonly bytes: number
  /** Repaired ones not among them. */
  readonly skipped: number
  readonly repaired: number
  readonly score: Score
}

export type Ledger = {
  /** All that is known of a mailbox. */
  forget(mailbox: number): void
  /** In the order of folders and UIDs; a page behind `after` (a count), `limit` of them. */
  skipped(mailbox: number, page?: { readonly after?: number; readonly limit?: number }): readonly Skipped[]
  counts(mailbox: number): Counts
  /** What was skipped is tried again by the next pass. */
  retrySkipped(mailbox: number): void
}

export function openLedger(_db: Db): Ledger {
  throw new Error('not there yet')
}
