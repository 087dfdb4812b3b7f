/** The digest of the API's token: one row. Read at each request, so that another process can exchange it. */
import type { Db } from './db.ts'

export const tokenDigestMigration = `CREATE TABLE api_token (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     digest BLOB NOT NULL
   ) STRICT`

export type TokenDigest = {
  get(): Uint8Array | undefined
  set(digest: Uint8Array): void
}

export function tokenDigest(db: Db): TokenDigest {
  return {
    get() {
      const digest = db.get('SELECT digest FROM api_token')?.digest
      return digest instanceof Uint8Array ? digest : undefined
    },
    set: (digest) => void db.run('INSERT OR REPLACE INTO api_token (id, digest) VALUES (1, ?)', digest),
  }
}
