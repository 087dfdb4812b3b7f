/** Space that rows left behind, given back to the disk. */
import type { Db } from './db.ts'

/** Of 4 KiB each. */
export function freePages(db: Db): number {
  return Number(db.get('PRAGMA freelist_count')?.freelist_count ?? 0)
}

/** From 1: SQLite takes less for "all of them". A thousand take a few ms. */
export function giveSpaceBack(db: Db, pages: number): void {
  // `all`: the pragma frees one page at each step of the statement.
  db.all(`PRAGMA incremental_vacuum(${Math.max(1, pages)})`)
}
