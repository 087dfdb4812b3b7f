/** What is known of each message that was copied, so that none is lost and none is copied twice. */
import type { Db, Row } from '../../store/store.ts'
import { type Book, openBook } from './book.ts'
import type { Skipped, SkippedKind } from './contract.ts'
import { type Score, scoreOf } from './score.ts'

export { ledgerMigrations } from './ledger-schema.ts'
export type { Score } from './score.ts'

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
  /** By folder and UID; a page behind the first `after`, of `limit`; all when absent. */
  skipped(mailbox: number, page?: { readonly after?: number; readonly limit?: number }): readonly Skipped[]
  counts(mailbox: number): Counts
  /** What was skipped is tried again by the next pass. */
  retrySkipped(mailbox: number): void
  /** What became of which folder, by the servers' own names: for `compareMailboxes`. */
  folderNames(mailbox: number): ReadonlyMap<string, string>
  /** The engine's own. */
  book(mailbox: number): Book
}

export function openLedger(db: Db): Ledger {
  return {
    forget: (mailbox) => db.transaction(() => forget(db, mailbox)),
    skipped: (mailbox, page) => skipped(db, mailbox, page),
    counts: (mailbox) => counts(db, mailbox),
    retrySkipped: (mailbox) => db.transaction(() => retrySkipped(db, mailbox)),
    folderNames: (mailbox) =>
      new Map(
        openBook(db, mailbox)
          .pairs()
          .map((pair) => [pair.source, pair.target]),
      ),
    book: (mailbox) => openBook(db, mailbox),
  }
}

function forget(db: Db, mailbox: number): void {
  db.run('DELETE FROM copy_message WHERE folder IN (SELECT id FROM copy_folder WHERE mailbox = ?)', mailbox)
  db.run('DELETE FROM copy_folder WHERE mailbox = ?', mailbox)
  db.run('DELETE FROM copy_skipped WHERE mailbox = ?', mailbox)
}

function skipped(
  db: Db,
  mailbox: number,
  page: { readonly after?: number; readonly limit?: number } = {},
): readonly Skipped[] {
  const rows = db.all(
    `SELECT folder, uid, date, subject, bytes, kind, why FROM copy_skipped
     WHERE mailbox = ? ORDER BY folder, uid LIMIT ? OFFSET ?`,
    mailbox,
    page.limit ?? -1,
    page.after ?? 0,
  )
  return rows.map(readSkipped)
}

const skippedKinds: readonly SkippedKind[] = ['tooLarge', 'unreadable', 'refused', 'folder', 'repaired', 'heldBack']

function readSkipped(row: Row): Skipped {
  return {
    folder: String(row.folder),
    uid: Number(row.uid),
    date: String(row.date),
    subject: String(row.subject),
    bytes: Number(row.bytes),
    kind: skippedKinds.find((kind) => kind === row.kind) ?? 'refused',
    why: String(row.why),
  }
}

function counts(db: Db, mailbox: number): Counts {
  const sums = db.get(
    'SELECT total(messages) AS messages, total(bytes) AS bytes FROM copy_folder WHERE mailbox = ?',
    mailbox,
  )
  const kinds = db.get(
    `SELECT count(*) FILTER (WHERE kind = 'repaired') AS repaired,
       count(*) FILTER (WHERE kind <> 'repaired') AS skipped,
       count(*) FILTER (WHERE kind = 'folder') AS folders
     FROM copy_skipped WHERE mailbox = ?`,
    mailbox,
  )
  const found = {
    messages: Number(sums?.messages ?? 0),
    bytes: Number(sums?.bytes ?? 0),
    skipped: Number(kinds?.skipped ?? 0),
    repaired: Number(kinds?.repaired ?? 0),
  }
  return { ...found, score: scoreOf({ ...found, folders: Number(kinds?.folders ?? 0) }) }
}

/** A folder that was worked through with other settings is listed anew, and what has no row in it is new. */
function retrySkipped(db: Db, mailbox: number): void {
  db.run(
    'DELETE FROM copy_message WHERE state = 2 AND folder IN (SELECT id FROM copy_folder WHERE mailbox = ?)',
    mailbox,
  )
  db.run("UPDATE copy_folder SET settings = '' WHERE mailbox = ?", mailbox)
  db.run("DELETE FROM copy_skipped WHERE mailbox = ? AND kind <> 'repaired'", mailbox)
}
