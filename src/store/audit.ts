/**
 * Who changed what, in an order that cannot be changed afterwards without it showing: each record carries a hash over
 * itself and over the hash of the record before it.
 *
 * What the chain cannot show is that its newest records are gone as if they had never been; the hash of every record
 * stands in the log too, which is kept elsewhere (docs/operating.md).
 */
import { createHash } from 'node:crypto'
import type { Db, Row } from './db.ts'

export type AuditEntry = {
  /** Who it was: what proved itself, and in brackets who that says it is for. */
  readonly by: string
  /** Address that the request came from. */
  readonly from: string
  /** What was done: `queue.release`. */
  readonly what: string
  /** To what: a domain, a person, a filter. */
  readonly object: string
  readonly before: string
  readonly after: string
}
export type AuditRecord = AuditEntry & {
  readonly id: number
  /** ms since 1970, by the clock of this machine. */
  readonly at: number
  /** SHA-256, hex. */
  readonly hash: string
}

export type AuditQuery = { readonly since?: number; readonly before?: number; readonly limit: number }

export type Verdict =
  | { readonly ok: true; readonly count: number; readonly head: string }
  | { readonly ok: false; readonly id: number; readonly why: string }

export type Audit = {
  /** On disk when it returns. Throws where the disk fails. */
  add(entry: AuditEntry): AuditRecord
  /** The newest first. */
  find(query: AuditQuery): readonly AuditRecord[]
  /** Reads every record; gives way to other work in between. */
  verify(): Promise<Verdict>
}

/** Nobody changes a record by mistake; who does so on purpose is found by the chain. */
export const auditMigration = `CREATE TABLE audit (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     at INTEGER NOT NULL,
     who TEXT NOT NULL,
     address TEXT NOT NULL,
     what TEXT NOT NULL,
     object TEXT NOT NULL,
     before TEXT NOT NULL,
     after TEXT NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;
   CREATE INDEX audit_at ON audit (at);
   CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
   CREATE TRIGGER audit_is_not_erased BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END`

/** A long list of people is a number and its beginning; the project's own history has it all. */
const longestText = 16_384

export function makeAudit(db: Db, now: () => number): Audit {
  return {
    add: (entry) => db.transaction(() => append(db, shortened(entry), now())),
    find: ({ since = 0, before = Number.MAX_SAFE_INTEGER, limit }) =>
      db
        .all('SELECT * FROM audit WHERE at >= ? AND id < ? ORDER BY id DESC LIMIT ?', since, before, limit)
        .map(recordOf),
    verify: () => verify(db),
  }
}

function append(db: Db, entry: AuditEntry, at: number): AuditRecord {
  const last = db.get('SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1')
  const next = { ...entry, id: Math.max(lastIdEver(db), Number(last?.id ?? 0)) + 1, at }
  const record = { ...next, hash: hashOf(next, String(last?.hash ?? '')) }
  const { id, by, from, what, object, before, after, hash } = record
  db.run('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', id, at, by, from, what, object, before, after, hash)
  return record
}

/** AUTOINCREMENT never gives a number twice, not even that of a record which is gone. */
function lastIdEver(db: Db): number {
  return Number(db.get("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")?.seq ?? 0)
}

const pageSize = 1000

async function verify(db: Db): Promise<Verdict> {
  let last = { id: 0, hash: '' }
  for (;;) {
    const page = db.all('SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?', last.id, pageSize).map(recordOf)
    for (const record of page) {
      const why = flaw(record, last)
      if (why !== undefined) return { ok: false, id: record.id, why }
      last = record
    }
    if (page.length < pageSize) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  const given = lastIdEver(db)
  if (given > last.id) return { ok: false, id: given, why: missing(last.id + 1, given) }
  return { ok: true, count: last.id, head: last.hash }
}

function flaw(record: AuditRecord, last: { readonly id: number; readonly hash: string }): string | undefined {
  if (record.id !== last.id + 1) return missing(last.id + 1, record.id - 1)
  if (record.hash === hashOf(record, last.hash)) return undefined
  return `record ${record.id} is not as it was written, or the one before it is not`
}

function missing(from: number, to: number): string {
  return from === to ? `record ${from} is missing` : `records ${from} to ${to} are missing`
}

/** JSON keeps the fields apart: no text can pass for the end of one and the beginning of the next. */
function hashOf({ id, at, by, from, what, object, before, after }: Omit<AuditRecord, 'hash'>, last: string): string {
  const text = JSON.stringify([last, id, at, by, from, what, object, before, after])
  return createHash('sha256').update(text).digest('hex')
}

function shortened(entry: AuditEntry): AuditEntry {
  const cut = (text: string): string => {
    const short = text.length <= longestText ? text : `${text.slice(0, longestText)}... (${text.length} characters)`
    return short.toWellFormed() // half a pair would come back from SQLite as something else
  }
  const { by, from, what, object, before, after } = entry
  return {
    by: cut(by),
    from: cut(from),
    what: cut(what),
    object: cut(object),
    before: cut(before),
    after: cut(after),
  }
}

function recordOf(row: Row): AuditRecord {
  return {
    id: Number(row.id),
    at: Number(row.at),
    by: String(row.who),
    from: String(row.address),
    what: String(row.what),
    object: String(row.object),
    before: String(row.before),
    after: String(row.after),
    hash: String(row.hash),
  }
}
