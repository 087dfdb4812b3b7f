/** Moves all mailboxes of a batch at once, each with its line of history. */
import { setWish } from './batches.ts'
import type { Ground } from './ground.ts'
import type { UserStatus } from './status.ts'
import type { Batch } from './tables.ts'

type Move = {
  readonly from: readonly UserStatus[]
  readonly to: UserStatus
  readonly why: string
  readonly at: number
  /** SQL for the time at which it is due; absent: as it is. */
  readonly nextAt?: 'now' | 'none' | 'kept or now'
  readonly emails?: readonly string[]
}

const due = { now: '?1', none: 'NULL', 'kept or now': 'COALESCE(next_at, ?1)' } as const

/** How many were moved. */
export function moveStates({ db }: Pick<Ground, 'db'>, batch: number, move: Move): number {
  const { from, to, why, at, nextAt, emails } = move
  const those = `batch = ?2 AND is_chosen = 1 AND status IN (${from.map((status) => `'${status}'`).join(', ')})
    AND (?3 = '' OR email_key IN (SELECT value FROM json_each(?3)))`
  const keys = emails === undefined ? '' : JSON.stringify(emails)
  return db.transaction(() => {
    db.run(`INSERT INTO mailbox_change SELECT id, ?1, ?4, ?5 FROM mailbox WHERE ${those}`, at, batch, keys, to, why)
    const set = nextAt === undefined ? '' : `, next_at = ${due[nextAt]}`
    return db.run(
      `UPDATE mailbox SET status = ?4, status_at = ?1, status_why = ?5${set} WHERE ${those}`,
      at,
      batch,
      keys,
      to,
      why,
    )
  })
}

export const failedStatuses: readonly UserStatus[] = ['Failed', 'IncrementalFailed', 'CompletionFailed', 'Corrupted']

/** A batch that stood still goes on, to where it was going. */
export function resumeBatch(ground: Ground, batch: Batch, by: string, at: number): void {
  const isCompleting = batch.wishBefore === 'completing'
  setWish(ground.db, batch.id, isCompleting ? 'completing' : 'running', by, at)
  if (isCompleting) dueAtEnd(ground, batch.id, at)
  else resumeMailboxes(ground, batch.id, at, `resumed by ${by}`)
}

export function resumeMailboxes(ground: Ground, batch: number, at: number, why: string): void {
  moveStates(ground, batch, { from: ['Stopped'], to: 'Queued', why, at, nextAt: 'now' })
  moveStates(ground, batch, { from: ['IncrementalStopped'], to: 'Synced', why, at, nextAt: 'kept or now' })
}

export function stopMailboxes(ground: Ground, batch: number, at: number, why: string): void {
  const { db } = ground
  db.run('UPDATE mailbox SET is_to_check = 0 WHERE batch = ?', batch)
  const waiting: readonly UserStatus[] = ['Queued', 'Validating', 'Starting', 'Syncing']
  // What waits for a second pass, or for the next try, has been in step before.
  db.run(
    "UPDATE mailbox SET status = 'IncrementalSynced' WHERE batch = ? AND status = 'Queued' AND first_synced_at IS NOT NULL",
    batch,
  )
  moveStates(ground, batch, { from: waiting, to: 'Stopped', why, at })
  const synced: readonly UserStatus[] = [
    'Synced',
    'IncrementalSynced',
    'IncrementalSyncing',
    'CompletionSynced',
    'Completing',
  ]
  moveStates(ground, batch, { from: synced, to: 'IncrementalStopped', why, at })
}

/** Each has one more pass before it. Those that failed at their first pass have nothing to complete. */
export function dueAtEnd(ground: Ground, batch: number, at: number): void {
  const why = 'the final pass comes'
  const from: readonly UserStatus[] = [
    'Synced',
    'IncrementalSynced',
    'IncrementalFailed',
    'IncrementalStopped',
    'Stopped',
    'Queued',
    'CompletionSynced',
  ]
  ground.db.run('UPDATE mailbox SET failures = 0 WHERE batch = ?', batch)
  moveStates(ground, batch, { from, to: 'Queued', why, at, nextAt: 'now' })
}
