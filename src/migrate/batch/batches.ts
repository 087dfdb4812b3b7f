/** Batches as they are kept. Each change is on disk when it returns. */
import type { Db } from '../../store/store.ts'
import type { Settings } from './settings.ts'
import type { BatchStatus, Counts, UserStatus, Wish } from './status.ts'
import { isUserStatus } from './status.ts'
import { type Batch, batchOf } from './tables.ts'

export type NewBatch = {
  readonly name: string
  readonly keyId: string
  readonly settings: Settings
  readonly by: string
  readonly at: number
}

export function addBatch(db: Db, { name, keyId, settings, by, at }: NewBatch): number {
  db.run(
    `INSERT INTO batch (name, key_id, settings, wish, wish_at, wish_by, status, status_at, status_why, created_at, created_by)
     VALUES (?, ?, ?, 'created', ?, ?, 'Created', ?, 'created and not started', ?, ?)`,
    name,
    keyId,
    JSON.stringify(settings),
    at,
    by,
    at,
    at,
    by,
  )
  return Number(db.get('SELECT last_insert_rowid() AS id')?.['id'])
}

export const allBatches = (db: Db): readonly Batch[] => db.all('SELECT * FROM batch ORDER BY id').map(batchOf)

export function batchNamed(db: Db, name: string): Batch | undefined {
  const row = db.get('SELECT * FROM batch WHERE name = ?', name)
  return row === undefined ? undefined : batchOf(row)
}

export function batchById(db: Db, id: number): Batch | undefined {
  const row = db.get('SELECT * FROM batch WHERE id = ?', id)
  return row === undefined ? undefined : batchOf(row)
}

export const removeBatch = (db: Db, id: number): void => void db.run('DELETE FROM batch WHERE id = ?', id)

export function setWish(db: Db, id: number, wish: Wish, by: string, at: number): void {
  // Paused twice, it is still what it was before the first time.
  db.run(
    `UPDATE batch SET wish = ?1, wish_at = ?2, wish_by = ?3, paused_until = NULL,
            wish_before = CASE WHEN wish IN ('paused', 'stopped') THEN wish_before ELSE wish END WHERE id = ?4`,
    wish,
    at,
    by,
    id,
  )
}

export function setStatus(db: Db, id: number, status: BatchStatus, why: string, at: number): void {
  db.run('UPDATE batch SET status = ?, status_why = ?, status_at = ? WHERE id = ?', status, why, at, id)
}

export function setSettings(db: Db, id: number, settings: Settings): void {
  db.run('UPDATE batch SET settings = ? WHERE id = ?', JSON.stringify(settings), id)
}

export function setKey(db: Db, id: number, keyId: string): void {
  db.run('UPDATE batch SET key_id = ? WHERE id = ?', keyId, id)
}

const moments = {
  startedAt: 'started_at',
  firstDoneAt: 'first_done_at',
  completedAt: 'completed_at',
  pausedUntil: 'paused_until',
  lingerUntil: 'linger_until',
  reportedAt: 'reported_at',
} as const

export function setMoment(db: Db, id: number, what: keyof typeof moments, at: number | undefined): void {
  db.run(`UPDATE batch SET ${moments[what]} = ? WHERE id = ?`, at ?? null, id)
}

/** A report that is due and not yet handed on; it survives a restart. */
export function setReportDue(db: Db, id: number, occasion: string | undefined): void {
  db.run('UPDATE batch SET report_due = ? WHERE id = ?', occasion ?? null, id)
}

/** Of the mailboxes that take part. */
export function countsOf(db: Db, id: number): Counts {
  const counts: Partial<Record<UserStatus, number>> = {}
  const rows = db.all('SELECT status, COUNT(*) AS n FROM mailbox WHERE batch = ? AND is_chosen = 1 GROUP BY status', id)
  for (const { status, n } of rows) if (typeof status === 'string' && isUserStatus(status)) counts[status] = Number(n)
  return counts
}

export type Sums = {
  readonly mailboxes: number
  readonly chosen: number
  readonly messages: number
  readonly bytes: number
  /** Of those whose size is known. */
  readonly allMessages: number
  readonly allBytes: number
  readonly sized: number
  /** Bytes and messages at the target of those whose size is known. */
  readonly doneMessages: number
  readonly doneBytes: number
  readonly skipped: number
  readonly score: string
}

/** Chosen ones only, but for the number of all. */
export function sumsOf(db: Db, id: number): Sums {
  const row = db.get(
    `SELECT COUNT(*) AS chosen, SUM(messages) AS messages, SUM(bytes) AS bytes, SUM(skipped) AS skipped,
            SUM(all_messages) AS all_messages, SUM(all_bytes) AS all_bytes, COUNT(all_bytes) AS sized,
            SUM(CASE WHEN all_bytes IS NULL THEN 0 ELSE MIN(messages, all_messages) END) AS done_messages,
            SUM(CASE WHEN all_bytes IS NULL THEN 0 ELSE MIN(bytes, all_bytes) END) AS done_bytes,
            MAX(CASE score WHEN 'Poor' THEN 4 WHEN 'Investigate' THEN 3 WHEN 'Good' THEN 2 WHEN 'Perfect' THEN 1 ELSE 0 END) AS worst
     FROM mailbox WHERE batch = ? AND is_chosen = 1`,
    id,
  )
  const all = db.get('SELECT COUNT(*) AS n FROM mailbox WHERE batch = ?', id)
  const number = (name: string): number => Number(row?.[name] ?? 0)
  return {
    mailboxes: Number(all?.['n'] ?? 0),
    chosen: number('chosen'),
    messages: number('messages'),
    bytes: number('bytes'),
    allMessages: number('all_messages'),
    allBytes: number('all_bytes'),
    sized: number('sized'),
    doneMessages: number('done_messages'),
    doneBytes: number('done_bytes'),
    skipped: number('skipped'),
    // As Exchange has it: a batch is as good as its worst mailbox.
    score: ['', 'Perfect', 'Good', 'Investigate', 'Poor'][number('worst')] ?? '',
  }
}
