/** Changes of the directory since a revision of the project, and the files that were applied. */
import type { Db } from './db.ts'

export type DirectoryRow = {
  /** The revision that it changes. */
  readonly revision: number
  /** ms since 1970. */
  readonly at: number
  readonly by: string
  /** JSON. */
  readonly change: string
}

export function addChange(db: Db, { revision, at, by, change }: DirectoryRow): void {
  db.run('INSERT INTO directory_change (revision, at, who, change) VALUES (?, ?, ?, ?)', revision, at, by, change)
}

/** In the order in which they were made. */
export function changesSince(db: Db, revision: number): readonly DirectoryRow[] {
  const rows = db.all('SELECT * FROM directory_change WHERE revision = ? ORDER BY id', revision)
  return rows.map((row) => ({ revision, at: Number(row.at), by: String(row.who), change: String(row.change) }))
}

/** Digest of what this file said when it was applied last; undefined when it never was. */
export function appliedFile(db: Db, file: string): string | undefined {
  const row = db.get('SELECT hash FROM applied_file WHERE file = ?', file)
  return row === undefined ? undefined : String(row.hash)
}

export function rememberFile(db: Db, file: string, hash: string): void {
  db.run(
    'INSERT INTO applied_file (file, hash) VALUES (?, ?) ON CONFLICT (file) DO UPDATE SET hash = excluded.hash',
    file,
    hash,
  )
}
