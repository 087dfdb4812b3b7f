/** The mailboxes of batches as they are kept. Each change is on disk when it returns. */
import type { Db, Value } from '../../store/store.ts'
import type { CsvRow } from './csv.ts'
import type { Proven } from './login-forms.ts'
import { type StatusSummary, statusesOf, type UserStatus } from './status.ts'
import { type MailboxRow, mailboxOf, type SurveyNote, type Trouble } from './tables.ts'

/** Changes of state that are remembered of each mailbox. */
const maxChanges = 100

export function addMailbox(db: Db, batch: number, row: CsvRow, secret: Uint8Array, at: number): void {
  db.run(
    `INSERT INTO mailbox (batch, line, email, email_key, user_name, user_root, target_user, target_root, secret, is_chosen, status, status_at, status_why)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'Stopped', ?, 'not started yet')`,
    batch,
    row.row,
    row.email,
    row.key,
    row.userName,
    row.userRoot,
    row.targetUserName,
    row.targetRoot,
    secret,
    at,
  )
}

/** New credentials; what is known of the mailbox stays, but for the log-in form. */
export function renewMailbox(db: Db, id: number, row: CsvRow, secret: Uint8Array): void {
  db.run(
    `UPDATE mailbox SET line = ?, email = ?, user_name = ?, user_root = ?, target_user = ?, target_root = ?, secret = ?,
            source_form = '', target_form = '' WHERE id = ?`,
    row.row,
    row.email,
    row.userName,
    row.userRoot,
    row.targetUserName,
    row.targetRoot,
    secret,
    id,
  )
}

export function mailboxById(db: Db, id: number): MailboxRow | undefined {
  const row = db.get('SELECT * FROM mailbox WHERE id = ?', id)
  return row === undefined ? undefined : mailboxOf(row)
}

export function mailboxByKey(db: Db, batch: number, key: string): MailboxRow | undefined {
  const row = db.get('SELECT * FROM mailbox WHERE batch = ? AND email_key = ?', batch, key)
  return row === undefined ? undefined : mailboxOf(row)
}

export type UserQuery = {
  readonly status?: UserStatus
  readonly summary?: StatusSummary
  /** Part of the address. */
  readonly like?: string
  /** The id of the last one that was seen. */
  readonly after?: number
  readonly limit: number
}

export function mailboxesOf(db: Db, batch: number, { status, summary, like, after = 0, limit }: UserQuery) {
  const wanted = status !== undefined ? [status] : summary !== undefined ? statusesOf(summary) : undefined
  const values: Value[] = [batch, after]
  let where = 'batch = ? AND id > ?'
  if (wanted !== undefined) {
    where += ` AND status IN (${wanted.map(() => '?').join(', ')})`
    values.push(...wanted)
  }
  if (like !== undefined) {
    where += ' AND instr(email_key, ?) > 0'
    values.push(like.toLowerCase())
  }
  return db.all(`SELECT * FROM mailbox WHERE ${where} ORDER BY id LIMIT ?`, ...values, limit).map(mailboxOf)
}

export type DueQuery = { readonly now: number; readonly isFirst: boolean; readonly limit: number }

/** What is due in a batch, the longest waiting first: those in their first pass, or those that are followed. */
export function dueMailboxes(db: Db, batch: number, { now, isFirst, limit }: DueQuery): readonly MailboxRow[] {
  return db
    .all(
      `SELECT * FROM mailbox
       WHERE batch = ? AND next_at <= ? AND is_chosen = 1 AND (first_synced_at IS NULL) = ?
       ORDER BY next_at, id LIMIT ?`,
      batch,
      now,
      isFirst ? 1 : 0,
      limit,
    )
    .map(mailboxOf)
}

/** When the next one comes that is not due yet. */
export function nextDue(db: Db, batch: number, now: number): number | undefined {
  const row = db.get(
    'SELECT next_at FROM mailbox WHERE batch = ? AND next_at > ? AND is_chosen = 1 ORDER BY next_at LIMIT 1',
    batch,
    now,
  )
  return row === undefined ? undefined : Number(row['next_at'])
}

/** Those whose log-ins an operator wants tried. */
export function toCheck(db: Db, batch: number, limit: number): readonly MailboxRow[] {
  return db
    .all('SELECT * FROM mailbox WHERE batch = ? AND is_to_check = 1 ORDER BY id LIMIT ?', batch, limit)
    .map(mailboxOf)
}

export const leftToCheck = (db: Db, batch: number): number =>
  Number(db.get('SELECT COUNT(*) AS n FROM mailbox WHERE batch = ? AND is_to_check = 1', batch)?.['n'] ?? 0)

export type NewState = {
  readonly status: UserStatus
  readonly why: string
  readonly at: number
  /** null: nothing comes by itself. */
  readonly nextAt?: number | null
  /** null: there is none any more. */
  readonly trouble?: Trouble | null
}

/** A state with its time and reason, and a line of its history. */
export function setState(db: Db, id: number, { status, why, at, nextAt, trouble }: NewState): void {
  const values: Value[] = [status, at, why]
  let set = 'status = ?, status_at = ?, status_why = ?'
  if (nextAt !== undefined) {
    set += ', next_at = ?'
    values.push(nextAt)
  }
  if (trouble !== undefined) {
    set += ', trouble = ?'
    values.push(trouble === null ? null : JSON.stringify(trouble))
  }
  db.run(`UPDATE mailbox SET ${set} WHERE id = ?`, ...values, id)
  note(db, id, at, status, why)
}

export function note(db: Db, id: number, at: number, status: string, why: string): void {
  db.run('INSERT INTO mailbox_change VALUES (?, ?, ?, ?)', id, at, status, why)
  db.run(
    `DELETE FROM mailbox_change WHERE mailbox = ? AND rowid <=
       (SELECT rowid FROM mailbox_change WHERE mailbox = ? ORDER BY rowid DESC LIMIT 1 OFFSET ${maxChanges})`,
    id,
    id,
  )
}

export type StateChange = { readonly at: number; readonly status: string; readonly why: string }

export function historyOf(db: Db, id: number): readonly StateChange[] {
  return db
    .all('SELECT at, status, why FROM mailbox_change WHERE mailbox = ? ORDER BY rowid', id)
    .map(({ at, status, why }) => ({ at: Number(at), status: String(status), why: String(why) }))
}

export const setNextAt = (db: Db, id: number, nextAt: number | null): void =>
  void db.run('UPDATE mailbox SET next_at = ? WHERE id = ?', nextAt, id)

export type Tally = {
  readonly messages: number
  readonly bytes: number
  readonly skipped: number
  readonly score: string
  readonly allMessages?: number
  readonly allBytes?: number
}

/** What has arrived by now. */
export function setTally(db: Db, id: number, t: Tally): void {
  db.run(
    `UPDATE mailbox SET messages = ?, bytes = ?, skipped = ?, score = ?,
            all_messages = COALESCE(?, all_messages), all_bytes = COALESCE(?, all_bytes) WHERE id = ?`,
    t.messages,
    t.bytes,
    t.skipped,
    t.score,
    t.allMessages ?? null,
    t.allBytes ?? null,
    id,
  )
}

export function beginPass(db: Db, id: number, at: number): void {
  db.run('UPDATE mailbox SET pass_started_at = ? WHERE id = ?', at, id)
}

export function endPass(db: Db, id: number, o: { readonly failures: number; readonly ms: number }): void {
  db.run(
    'UPDATE mailbox SET failures = ?, active_ms = active_ms + ?, pass_started_at = NULL WHERE id = ?',
    o.failures,
    Math.round(o.ms),
    id,
  )
}

export function setSynced(db: Db, id: number, at: number): void {
  db.run(
    `UPDATE mailbox SET last_synced_at = ?, first_synced_at = COALESCE(first_synced_at, ?), passes = passes + 1, crashes = 0
     WHERE id = ?`,
    at,
    at,
    id,
  )
}

export function setForm(db: Db, m: MailboxRow, side: 'source' | 'target', form: string): void {
  db.run(`UPDATE mailbox SET ${side}_form = ? WHERE id = ?`, form, m.id)
  db.run(
    `INSERT INTO login_form VALUES (?, ?, ?, 1) ON CONFLICT (batch, side, form) DO UPDATE SET worked = worked + 1`,
    m.batch,
    side,
    form,
  )
}

/** Forms that worked for mailboxes of this batch, the most successful first. */
export const provenForms = (db: Db, batch: number, side: 'source' | 'target'): readonly Proven[] =>
  db
    .all('SELECT form, worked FROM login_form WHERE batch = ? AND side = ? ORDER BY worked DESC', batch, side)
    .map(({ form, worked }) => ({ form: String(form), worked: Number(worked) }))

export function setSurvey(db: Db, id: number, survey: SurveyNote | undefined): void {
  db.run('UPDATE mailbox SET survey = ? WHERE id = ?', survey === undefined ? null : JSON.stringify(survey), id)
}

export function setComparison(db: Db, id: number, comparison: string): void {
  db.run('UPDATE mailbox SET comparison = ? WHERE id = ?', comparison, id)
}

export const setToCheck = (db: Db, id: number, isToCheck: boolean): void =>
  void db.run('UPDATE mailbox SET is_to_check = ? WHERE id = ?', isToCheck ? 1 : 0, id)

export const forgetSecrets = (db: Db, batch: number): void =>
  void db.run('UPDATE mailbox SET secret = NULL WHERE batch = ? AND secret IS NOT NULL', batch)

/** Those that the thread was at work on when it ended. `byItself`: not because the process was told to, or killed. */
export function afterDeath(db: Db, now: number, byItself: boolean): void {
  if (byItself) db.run('UPDATE mailbox SET crashes = crashes + 1 WHERE pass_started_at IS NOT NULL')
  db.run('UPDATE mailbox SET next_at = ?, pass_started_at = NULL WHERE pass_started_at IS NOT NULL', now)
}
