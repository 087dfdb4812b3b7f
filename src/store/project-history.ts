/** Every revision of the project that was ever applied: who, when, and the document itself. */
import { join } from 'node:path'
import { auditMigration } from './audit.ts'
import { type Db, type Opened, openDb, type Row } from './db.ts'
import { rememberFile } from './directory-changes.ts'
import type { Migration } from './migrate.ts'
import { sealedSecretsMigration } from './sealed-secrets.ts'
import { tokenDigestMigration } from './token-digest.ts'

export type RevisionSummary = {
  readonly id: number
  /** ms since 1970. */
  readonly at: number
  readonly by: string
  readonly hash: string
}

/** The file that it comes from, and what it says. */
export type AppliedFile = { readonly file: string; readonly hash: string }

export type ProjectRevision = RevisionSummary & {
  /** The document as it was applied. */
  readonly text: string
  /** Folder that its relative paths start from. */
  readonly base: string
}

const migrations: readonly Migration[] = [
  `CREATE TABLE project (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     at INTEGER NOT NULL,
     who TEXT NOT NULL,
     text TEXT NOT NULL,
     base TEXT NOT NULL,
     hash TEXT NOT NULL
   ) STRICT`,
  `CREATE TABLE directory_change (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     revision INTEGER NOT NULL REFERENCES project (id),
     at INTEGER NOT NULL,
     who TEXT NOT NULL,
     change TEXT NOT NULL
   ) STRICT;
   CREATE INDEX directory_change_of ON directory_change (revision, id);
   CREATE TABLE applied_file (
     file TEXT PRIMARY KEY,
     hash TEXT NOT NULL
   ) STRICT`,
  auditMigration,
  sealedSecretsMigration,
  tokenDigestMigration,
]

/** The database of this installation, in the data folder. `readOnly`: it must be there, and the gateway may be running. */
export function openStore(dataDir: string, o: { readonly readOnly?: boolean } = {}): Opened {
  return openDb({ file: storeFile(dataDir), migrations, synchronous: 'full', ...o })
}

export const storeFile = (dataDir: string): string => join(dataDir, 'causeway.db')

/** Adds a revision and gives its id. The newest one saved again is not a new revision, unless the directory changed since. */
export function saveProject(db: Db, revision: Omit<ProjectRevision, 'id'>, applied?: AppliedFile): number {
  return db.transaction(() => {
    if (applied !== undefined) rememberFile(db, applied.file, applied.hash)
    const last = latestProject(db)
    if (last !== undefined && isSame(last, revision) && !isChanged(db, last.id)) return last.id
    const { at, by, text, base, hash } = revision
    const row = db.get(
      'INSERT INTO project (at, who, text, base, hash) VALUES (?, ?, ?, ?, ?) RETURNING id',
      at,
      by,
      text,
      base,
      hash,
    )
    return Number(row?.id)
  })
}

export function latestProject(db: Db): ProjectRevision | undefined {
  return revisionOf(db.get('SELECT * FROM project ORDER BY id DESC LIMIT 1'))
}

export function projectRevision(db: Db, id: number): ProjectRevision | undefined {
  return revisionOf(db.get('SELECT * FROM project WHERE id = ?', id))
}

/** Newest first, without the documents. */
export function projectHistory(db: Db, limit = 100): readonly RevisionSummary[] {
  return db.all('SELECT id, at, who, hash FROM project ORDER BY id DESC LIMIT ?', limit).map(summaryOf)
}

/** Those changes would be done again at the next start. */
function isChanged(db: Db, revision: number): boolean {
  return db.get('SELECT 1 FROM directory_change WHERE revision = ? LIMIT 1', revision) !== undefined
}

function isSame(last: ProjectRevision, revision: Omit<ProjectRevision, 'id'>): boolean {
  return last.hash === revision.hash && last.text === revision.text && last.base === revision.base
}

function revisionOf(row: Row | undefined): ProjectRevision | undefined {
  if (row === undefined) return undefined
  return { ...summaryOf(row), text: String(row.text), base: String(row.base) }
}

function summaryOf(row: Row): RevisionSummary {
  return { id: Number(row.id), at: Number(row.at), by: String(row.who), hash: String(row.hash) }
}
