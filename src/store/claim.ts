/** One process for each data folder. */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
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
  // Long enough for somebody who only looks.
  const database = new DatabaseSync(file, { timeout: 200 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return { ok: true, release: () => database.close() }
  } catch {
    database.close()
    return { ok: false, why: `another gateway works in ${dataDir}; give this one a data folder of its own` }
  }
}

/** Does a process work in this folder? Unsure where it may not be seen. */
export function isClaimed(dataDir: string): boolean | undefined {
  const file = join(dataDir, 'in-use')
  if (!existsSync(file)) return false
  try {
    using database = new DatabaseSync(file, { readOnly: true, timeout: 0 })
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    const isBusy = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
    return isBusy ? true : undefined
  }
}

const SQLITE_BUSY = 5
