/** What an operator may ask for. Everything is on disk when it answers. */
import { addBatch, batchNamed, removeBatch, setKey, setMoment, setReportDue, setSettings, setWish } from './batches.ts'
import { type CsvProblem, type CsvRow, mailboxKey, readBatchCsv } from './csv.ts'
import { addMailbox, mailboxByKey, renewMailbox } from './mailboxes.ts'
import { dueAtEnd, failedStatuses, moveStates, resumeBatch, resumeMailboxes, stopMailboxes } from './move-states.ts'
import { some } from './plural.ts'
import type { Scheduler } from './scheduler.ts'
import { sealRow } from './seal.ts'
import { type Settings, settingsProblem, settingsSchema } from './settings.ts'
import { standBatch } from './stand.ts'
import type { Batch } from './tables.ts'

export type Refused =
  | { readonly ok: false; readonly kind: 'absent' | 'conflict'; readonly why: string; readonly remedy: string }
  | {
      readonly ok: false
      readonly kind: 'bad'
      readonly why: string
      readonly remedy: string
      readonly problems: readonly CsvProblem[]
      readonly more: number
    }
export type Done = { readonly ok: true; readonly text: string; readonly warnings: readonly CsvProblem[] }
export type Ordered = Done | Refused

const refuse = (kind: 'absent' | 'conflict', why: string, remedy: string): Refused => ({ ok: false, kind, why, remedy })
const done = (text: string, warnings: readonly CsvProblem[] = []): Done => ({ ok: true, text, warnings })

export const notThere = (name: string): Refused =>
  refuse('absent', `there is no batch ${name}`, 'causeway migrate list names those that there are')

const bad = (why: string, problems: readonly CsvProblem[], more: number): Refused => ({
  ok: false,
  kind: 'bad',
  why,
  remedy: 'nothing was taken; correct the file and give it again',
  problems,
  more,
})

export type Create = {
  readonly name: string
  readonly csv: Uint8Array
  readonly settings: Settings
  readonly by: string
  /** The key of the new batch, in the vault by now. */
  readonly key: Uint8Array
  readonly keyId: string
  readonly isTrial: boolean
}

export function create(s: Scheduler, o: Create): Ordered {
  const { db, now } = s.ground
  const parsed = settingsSchema.safeParse(o.settings)
  if (!parsed.success) return refuse('conflict', 'the settings do not fit', parsed.error.issues[0]?.message ?? '')
  const wrong = settingsProblem(parsed.data)
  if (wrong !== undefined) return refuse('conflict', wrong, 'nothing was taken')
  if (batchNamed(db, o.name) !== undefined)
    return refuse(
      'conflict',
      `there is a batch ${o.name} already`,
      `causeway migrate show ${o.name}; another one needs another name`,
    )
  const read = readBatchCsv(Buffer.from(o.csv), parsed.data)
  if (read.problems.length > 0) return bad(rowsText(read.problems.length + read.more), read.problems, read.more)
  const text = `${some(read.rows.length, 'mailbox')} in the file`
  if (o.isTrial) return done(text, read.warnings)
  db.transaction(() => {
    const at = now()
    const id = addBatch(db, { name: o.name, keyId: o.keyId, settings: parsed.data, by: o.by, at })
    for (const row of read.rows) addMailbox(db, id, row, sealed(o.key, o.keyId, row), at)
  })
  return done(text, read.warnings)
}

const rowsText = (count: number): string => `the file has ${some(count, 'mistake')}`

const sealed = (key: Uint8Array, keyId: string, row: CsvRow): Uint8Array =>
  sealRow(key, keyId, row.key, { password: row.password, targetPassword: row.targetPassword })

/** The settings of a batch that has not begun; of one that has, those that may change meanwhile. */
export function change(s: Scheduler, name: string, settings: Settings): Ordered {
  const batch = batchNamed(s.ground.db, name)
  if (batch === undefined) return notThere(name)
  const wrong = settingsProblem(settings)
  if (wrong !== undefined) return refuse('conflict', wrong, 'nothing was changed')
  const { db } = s.ground
  db.transaction(() => {
    setSettings(db, batch.id, settings)
    // Who is in step does not wait for the end of a longer interval.
    db.run(
      `UPDATE mailbox SET next_at = MIN(next_at, last_synced_at + ?)
       WHERE batch = ? AND status IN ('Synced', 'IncrementalSynced') AND next_at IS NOT NULL`,
      Math.max(settings.intervalMinutes, 1) * 60_000,
      batch.id,
    )
  })
  s.reach.forgive(batch.id)
  standBatch(s.ground, batch.id)
  s.kick()
  return done('changed')
}

/** Log-ins at both ends, of all or of the first so many that were not looked at yet. */
export function check(s: Scheduler, name: string, first: number | undefined): Ordered {
  const { db } = s.ground
  const batch = batchNamed(db, name)
  if (batch === undefined) return notThere(name)
  if (batch.wish !== 'created' && batch.wish !== 'paused' && batch.wish !== 'stopped')
    return refuse('conflict', `${batch.name} is ${batch.status}`, `causeway migrate pause ${batch.name} comes first`)
  const lost = lostKey(s, batch)
  if (lost !== undefined) return lost
  s.reach.forgive(batch.id)
  const limit = first ?? -1
  const count = db.run(
    `UPDATE mailbox SET is_to_check = 1, crashes = 0 WHERE id IN
       (SELECT id FROM mailbox WHERE batch = ? AND status IN ('Stopped', 'Failed', 'IncrementalStopped', 'IncrementalFailed')
        ORDER BY id LIMIT ?)`,
    batch.id,
    limit,
  )
  s.kick()
  return done(`${some(count, 'mailbox')} to look at`)
}

function lostKey(s: Scheduler, batch: Batch): Refused | undefined {
  if (s.ground.batchKey(batch.keyId) !== undefined) return undefined
  return refuse(
    'conflict',
    `the passwords of ${batch.name} are forgotten`,
    `causeway migrate retry ${batch.name} --csv FILE gives them anew`,
  )
}

/** `test`: so many first, of different sizes; the others wait. */
export function start(s: Scheduler, name: string, by: string, test: number | undefined): Ordered {
  const { db, now } = s.ground
  const batch = batchNamed(db, name)
  if (batch === undefined) return notThere(name)
  if (batch.wish === 'completing')
    return refuse('conflict', `${batch.name} is ${batch.status}`, 'what is completed is begun again as another batch')
  const lost = lostKey(s, batch)
  if (lost !== undefined) return lost
  const at = now()
  db.transaction(() => choose(s, batch.id, test))
  setWish(db, batch.id, 'running', by, at)
  if (batch.startedAt === undefined) setMoment(db, batch.id, 'startedAt', at)
  setMoment(db, batch.id, 'firstDoneAt', undefined)
  const startAt = batch.settings?.startAfter === undefined ? at : Math.max(at, Date.parse(batch.settings.startAfter))
  resumeMailboxes(s.ground, batch.id, at, 'waits for a free place')
  db.run("UPDATE mailbox SET next_at = MAX(next_at, ?) WHERE batch = ? AND status = 'Queued'", startAt, batch.id)
  standBatch(s.ground, batch.id)
  s.kick()
  return done(startedText(s, batch.id))
}

function choose(s: Scheduler, batch: number, test: number | undefined): void {
  const { db } = s.ground
  if (test === undefined) return void db.run('UPDATE mailbox SET is_chosen = 1 WHERE batch = ?', batch)
  const begun = 'passes > 0 OR messages > 0'
  db.run(`UPDATE mailbox SET is_chosen = (${begun}) WHERE batch = ?`, batch)
  for (const id of testBatch(s, batch, test)) db.run('UPDATE mailbox SET is_chosen = 1 WHERE id = ?', id)
}

/** The smallest, the largest and some between them, where sizes are known; those that failed the check teach nothing new. */
export function testBatch(s: Scheduler, batch: number, count: number): readonly number[] {
  const ids = s.ground.db
    .all(
      `SELECT id FROM mailbox WHERE batch = ? AND status IN ('Stopped', 'Queued')
       ORDER BY all_bytes IS NULL, all_bytes, id`,
      batch,
    )
    .map((row) => Number(row['id']))
  if (ids.length <= count) return ids
  const step = count === 1 ? 0 : (ids.length - 1) / (count - 1)
  return [...new Set(Array.from({ length: count }, (_, i) => ids[Math.round(i * step)] ?? 0))]
}

function startedText(s: Scheduler, batch: number): string {
  const row = s.ground.db.get(
    `SELECT COUNT(*) AS n, SUM(is_chosen) AS chosen, SUM(is_chosen = 1 AND status = 'Failed') AS failed FROM mailbox WHERE batch = ?`,
    batch,
  )
  const [all, chosen, failed] = [Number(row?.['n']), Number(row?.['chosen']), Number(row?.['failed'])]
  const left = failed > 0 ? `; left alone, because they failed before: ${failed} (causeway migrate retry)` : ''
  const many = chosen < all ? `${chosen - failed} of ${some(all, 'mailbox')}` : some(chosen - failed, 'mailbox')
  return `${many} started${left}`
}

export async function pause(s: Scheduler, name: string, by: string, untilAt: number | undefined): Promise<Ordered> {
  return halt(s, name, by, 'paused', untilAt)
}

export async function stop(s: Scheduler, name: string, by: string): Promise<Ordered> {
  return halt(s, name, by, 'stopped', undefined)
}

async function halt(
  s: Scheduler,
  name: string,
  by: string,
  wish: 'paused' | 'stopped',
  untilAt: number | undefined,
): Promise<Ordered> {
  const { db, now } = s.ground
  const batch = batchNamed(db, name)
  if (batch === undefined) return notThere(name)
  if (batch.status === 'Completed') return refuse('conflict', `${batch.name} is completed`, 'there is nothing to stop')
  if (batch.wish === 'created') return haltCheck(s, batch)
  setWish(db, batch.id, wish, by, now())
  if (untilAt !== undefined) setMoment(db, batch.id, 'pausedUntil', untilAt)
  standBatch(s.ground, batch.id)
  await s.halt(batch.id)
  stopMailboxes(s.ground, batch.id, now(), `${wish} by ${by}; what was copied is kept`)
  standBatch(s.ground, batch.id)
  return done(
    wish === 'paused' ? 'paused; everything that was copied is kept' : 'stopped; everything that was copied is kept',
  )
}

/** What has not begun stays so: there is no more than a check to break off. */
async function haltCheck(s: Scheduler, batch: Batch): Promise<Ordered> {
  s.ground.db.run('UPDATE mailbox SET is_to_check = 0 WHERE batch = ?', batch.id)
  await s.halt(batch.id)
  return done('it had not begun; no more log-ins are tried')
}

export function resume(s: Scheduler, name: string, by: string): Ordered {
  const { db, now } = s.ground
  const batch = batchNamed(db, name)
  if (batch === undefined) return notThere(name)
  if (batch.wish !== 'paused' && batch.wish !== 'stopped')
    return refuse('conflict', `${batch.name} is ${batch.status}, not paused`, `causeway migrate show ${batch.name}`)
  const lost = lostKey(s, batch)
  if (lost !== undefined) return lost
  resumeBatch(s.ground, batch, by, now())
  standBatch(s.ground, batch.id)
  s.kick()
  return done('it goes on where it was')
}

/** A last pass for each, then nobody follows any more. `lingerMs`: followed so long after it, for what stale MX records still bring. */
export function complete(s: Scheduler, name: string, by: string, lingerMs: number | undefined): Ordered {
  const { db, now } = s.ground
  const batch = batchNamed(db, name)
  if (batch === undefined) return notThere(name)
  if (batch.wish === 'created')
    return refuse('conflict', `${batch.name} was not started`, `causeway migrate start ${batch.name}`)
  if (batch.wish === 'completing' && batch.completedAt !== undefined)
    return refuse('conflict', `${batch.name} is ${batch.status}`, `causeway migrate show ${batch.name}`)
  const lost = lostKey(s, batch)
  if (lost !== undefined) return lost
  const at = now()
  setWish(db, batch.id, 'completing', by, at)
  setMoment(db, batch.id, 'lingerUntil', lingerMs === undefined ? undefined : at + lingerMs)
  dueAtEnd(s.ground, batch.id, at)
  standBatch(s.ground, batch.id)
  s.kick()
  return done('a final pass begins for each mailbox')
}

export type Retry = {
  readonly name: string
  readonly by: string
  readonly emails?: readonly string[]
  /** New credentials, and rows that the batch did not have. */
  readonly csv?: Uint8Array
  /** For a batch whose key was forgotten. */
  readonly key: Uint8Array
  readonly keyId: string
  /** What was skipped is tried again, too. */
  readonly skipped: boolean
}

/** `keyTaken`: the new key is the batch's from now on. */
export type Retried = (Done & { readonly keyTaken: boolean }) | Refused

export function retry(s: Scheduler, o: Retry): Retried {
  const { db, now } = s.ground
  const batch = batchNamed(db, o.name)
  if (batch === undefined) return notThere(o.name)
  const hasKey = s.ground.batchKey(batch.keyId) !== undefined
  if (!hasKey && o.csv === undefined) return lostKey(s, batch) ?? notThere(o.name)
  if (batch.completedAt !== undefined && !hasWork(s, batch, o))
    return refuse(
      'conflict',
      `${batch.name} is ${batch.status}, and nobody in it failed`,
      'what is completed is begun again as another batch',
    )
  const renewed = o.csv === undefined ? undefined : renew(s, batch, o, hasKey)
  if (renewed !== undefined && !renewed.ok) return renewed
  s.reach.forgive(batch.id)
  const keys = o.emails?.map(mailboxKey)
  if (o.skipped) retrySkipped(s, batch.id, keys)
  const waits = batch.wish === 'running' || batch.wish === 'completing'
  const only = keys === undefined ? {} : { emails: keys }
  const why = `tried again for ${o.by}`
  db.run('UPDATE mailbox SET crashes = 0, failures = 0 WHERE batch = ?', batch.id)
  const to = waits ? 'Queued' : 'Stopped'
  const count = moveStates(s.ground, batch.id, { from: failedStatuses, to, why, at: now(), nextAt: 'now', ...only })
  if (waits) moveStates(s.ground, batch.id, { from: ['Stopped'], to: 'Queued', why, at: now(), nextAt: 'now', ...only })
  if (batch.completedAt !== undefined) setMoment(db, batch.id, 'completedAt', undefined)
  standBatch(s.ground, batch.id)
  s.kick()
  const text = `${some(count, 'mailbox')} that failed: ${waits ? 'begun anew' : 'to be begun anew at the next start'}`
  const more = renewed === undefined ? '' : `${renewed.text}; `
  return { ...done(`${more}${text}`, renewed?.warnings ?? []), keyTaken: o.csv !== undefined && !hasKey }
}

/** Passwords of a batch that is over are not taken to lie there for ever. */
function hasWork({ ground: { db } }: Scheduler, batch: Batch, { emails, csv }: Retry): boolean {
  const keys = emails?.map((email) => email.toLowerCase())
  const failed = db
    .all(
      `SELECT email_key FROM mailbox WHERE batch = ? AND status IN (${failedStatuses.map(() => '?').join(', ')})`,
      batch.id,
      ...failedStatuses,
    )
    .map((row) => String(row['email_key']))
  if (failed.some((key) => keys?.includes(key) ?? true)) return true
  if (csv === undefined || batch.settings === undefined) return false
  const { rows, problems } = readBatchCsv(Buffer.from(csv), batch.settings)
  return problems.length > 0 || rows.some(({ key }) => mailboxByKey(db, batch.id, key) === undefined)
}

function renew(s: Scheduler, batch: Batch, o: Retry, hasKey: boolean): Ordered {
  const { db, now } = s.ground
  if (o.csv === undefined || batch.settings === undefined) return notThere(batch.name)
  const read = readBatchCsv(Buffer.from(o.csv), batch.settings)
  if (read.problems.length > 0) return bad(rowsText(read.problems.length + read.more), read.problems, read.more)
  const [key, keyId] = hasKey ? [s.ground.batchKey(batch.keyId) ?? o.key, batch.keyId] : [o.key, o.keyId]
  let added = 0
  db.transaction(() => {
    if (!hasKey) setKey(db, batch.id, keyId)
    for (const row of read.rows) {
      const known = mailboxByKey(db, batch.id, row.key)
      if (known === undefined) {
        added += 1
        addMailbox(db, batch.id, row, sealed(key, keyId, row), now())
      } else renewMailbox(db, known.id, row, sealed(key, keyId, row))
    }
  })
  return done(
    `${some(read.rows.length - added, 'mailbox')} with new credentials, ${some(added, 'mailbox')} added`,
    read.warnings,
  )
}

function retrySkipped(s: Scheduler, batch: number, emails: readonly string[] | undefined): void {
  const { db, ledger, now } = s.ground
  for (const row of db.all('SELECT id, email_key FROM mailbox WHERE batch = ? AND skipped > 0', batch)) {
    if (emails !== undefined && !emails.includes(String(row['email_key']))) continue
    ledger.retrySkipped(Number(row['id']))
    db.run('UPDATE mailbox SET next_at = ? WHERE id = ? AND next_at IS NOT NULL', now(), Number(row['id']))
  }
}

/** The batch and its ledger; what was copied stays where it is. */
export async function remove(s: Scheduler, name: string, by: string): Promise<Ordered> {
  const { db, ledger, now } = s.ground
  const batch = batchNamed(db, name)
  if (batch === undefined) return notThere(name)
  setWish(db, batch.id, 'removing', by, now())
  standBatch(s.ground, batch.id)
  await s.halt(batch.id)
  for (const row of db.all('SELECT id FROM mailbox WHERE batch = ?', batch.id)) ledger.forget(Number(row['id']))
  removeBatch(db, batch.id)
  s.ground.forgetKey(batch.keyId)
  return done('removed; what was copied stays at the target')
}

/** A report now, whatever the time. */
export function orderReport(s: Scheduler, name: string): Ordered {
  const batch = batchNamed(s.ground.db, name)
  if (batch === undefined) return notThere(name)
  if (batch.settings === undefined || batch.settings.notify.length === 0)
    return refuse('conflict', `${batch.name} has nobody to be told`, 'name them with --notify when the batch is made')
  setReportDue(s.ground.db, batch.id, 'asked')
  s.kick()
  return done('the report is being sent')
}
