/** The table of the vault: secrets as they were sealed elsewhere. Nothing here can read one. */
import type { Db, Row } from './db.ts'

export const sealedSecretsMigration = `CREATE TABLE sealed_secret (
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     version INTEGER NOT NULL,
     key_id TEXT NOT NULL,
     wrapped_key BLOB NOT NULL,
     sealed BLOB NOT NULL,
     at INTEGER NOT NULL,
     who TEXT NOT NULL,
     PRIMARY KEY (kind, id)
   ) STRICT`

export type SealedSecret = {
  readonly kind: string
  readonly id: string
  readonly version: number
  readonly keyId: string
  readonly wrappedKey: Uint8Array
  readonly sealed: Uint8Array
  /** ms since 1970. */
  readonly at: number
  readonly by: string
}

export type SealedSecrets = {
  all(): readonly SealedSecret[]
  get(kind: string, id: string): SealedSecret | undefined
  put(secret: SealedSecret): void
  remove(kind: string, id: string): boolean
  rewrite(secrets: readonly SealedSecret[]): void
}

export function sealedSecrets(db: Db): SealedSecrets {
  // What is overwritten or removed is gone from the file too, not only from its index (SQLite, PRAGMA secure_delete).
  const forgetting = <T>(work: () => T): T => {
    db.get('PRAGMA secure_delete = ON')
    const result = db.transaction(work)
    db.get('PRAGMA secure_delete = OFF')
    db.get('PRAGMA wal_checkpoint(TRUNCATE)')
    return result
  }
  return {
    all: () => db.all('SELECT * FROM sealed_secret ORDER BY kind, id').map(secretOf),
    get(kind, id) {
      const row = db.get('SELECT * FROM sealed_secret WHERE kind = ? AND id = ?', kind, id)
      return row === undefined ? undefined : secretOf(row)
    },
    put: (secret) => forgetting(() => put(db, secret)),
    remove: (kind, id) => forgetting(() => db.run('DELETE FROM sealed_secret WHERE kind = ? AND id = ?', kind, id) > 0),
    rewrite: (secrets) =>
      forgetting(() => {
        for (const secret of secrets) put(db, secret)
      }),
  }
}

function put(db: Db, s: SealedSecret): void {
  db.run(
    'INSERT OR REPLACE INTO sealed_secret (kind, id, version, key_id, wrapped_key, sealed, at, who) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    s.kind,
    s.id,
    s.version,
    s.keyId,
    s.wrappedKey,
    s.sealed,
    s.at,
    s.by,
  )
}

function secretOf(row: Row): SealedSecret {
  const bytes = (value: Row[string] | undefined): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array())
  return {
    kind: String(row.kind),
    id: String(row.id),
    version: Number(row.version),
    keyId: String(row.key_id),
    wrappedKey: bytes(row.wrapped_key),
    sealed: bytes(row.sealed),
    at: Number(row.at),
    by: String(row.who),
  }
}
