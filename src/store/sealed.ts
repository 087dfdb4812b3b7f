/** A database of which a failed commit can never come back. */
import { type Db, type Opened, type OpenOptions, openDb } from './db.ts'
import { type Failure, failureOf } from './failure.ts'
import { inOneCommit, type Piece } from './group.ts'

export type Committed<T> =
  | { readonly ok: true; readonly pieces: readonly Piece<T>[] }
  | ({ readonly ok: false } & Failure)

export type SealedDb = {
  /** For reading. After a failed commit it is another one: do not keep it. */
  db(): Db
  /** On disk, synced, when it answers ok; undone for good otherwise, once the disk takes writes again. */
  commit<T>(works: readonly (() => T)[]): Committed<T>
  close(): void
}

export type OpenedSealed = { readonly ok: true; readonly sealed: SealedDb } | Extract<Opened, { readonly ok: false }>

/**
 * `seal`: a statement that changes some row.
 *
 * When the sync of a commit fails, SQLite undoes it in memory, but its frames may stand in the -wal file, whole, with the mark of
 * a commit; whoever opens the file after a crash would find them and take them for committed. So the next thing written
 * is a small transaction: it overwrites the first of these frames, and because each frame's checksum covers the one before,
 * those behind it are void. It runs on a connection of its own making, with file descriptors that never saw the error:
 * after a failed fsync, Linux reports the next one on the same descriptor as good although the data is lost.
 *
 * The keeper is a connection that does nothing. While it is open, the one that failed is never the last to be closed, and the
 * new one never the first: the first would read the -wal file anew, and find the frames that must not come back.
 */
export function openSealed(o: OpenOptions, seal: string): OpenedSealed {
  const opened = openDb(o)
  if (!opened.ok) return opened
  const keeper = openDb(o)
  if (keeper.ok) return { ok: true, sealed: sealedOver(opened.db, keeper.db, o, seal) }
  opened.db.close()
  return keeper
}

function sealedOver(first: Db, keeper: Db, o: OpenOptions, seal: string): SealedDb {
  let db = first
  let isSound = true

  const mend = (): void => {
    const opened = openDb(o)
    if (!opened.ok) throw new Error(opened.why)
    closeQuietly(db)
    db = opened.db
    db.transaction(() => db.run(seal))
    isSound = true
  }

  const commit = <T>(works: readonly (() => T)[]): Committed<T> => {
    try {
      if (!isSound) mend()
      return { ok: true, pieces: inOneCommit(db, works) }
    } catch (error) {
      const failure = failureOf(error, o.file)
      isSound = false
      tryTo(mend)
      return { ok: false, ...failure }
    }
  }

  const close = (): void => {
    closeQuietly(db)
    closeQuietly(keeper)
  }
  return { db: () => db, commit, close }
}

function closeQuietly(db: Db): void {
  tryTo(() => db.close())
}

function tryTo(work: () => void): void {
  try {
    work()
  } catch {
    // The next commit tries again, and says why when it cannot.
  }
}
