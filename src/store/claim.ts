/** One process for each data folder. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export type Claimed = { readonly ok: true; release(): void } | { readonly ok: false; readonly why: string }

/**
 * Takes the folder for this process until `release`, or until the process ends in whatever way: the lock is the one that
 * SQLite holds on a file, which the system gives back.
 */
export function claimFolder(dataDir: string): Claimed {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'in-use')
  closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return { ok: true, release: () => database.close() }
  } catch {
    database.close()
    return { ok: false, why: `another gateway works in ${dataDir}; give this one a data folder of its own` }
  }
}
