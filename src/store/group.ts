/** Many operations in one commit, so that they share one sync of the disk. */
import type { Db } from './db.ts'
import { isAboutTheStatement } from './failure.ts'

export type Piece<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }

/**
 * Each work in a savepoint of its own: one that fails is undone and takes no other with it. Throws when all of it was undone,
 * because the file or its disk failed.
 */
export function inOneCommit<T>(db: Db, works: readonly (() => T)[]): readonly Piece<T>[] {
  return db.transaction(() => works.map((work) => piece(db, work)))
}

function piece<T>(db: Db, work: () => T): Piece<T> {
  db.run('SAVEPOINT piece')
  try {
    const value = work()
    db.run('RELEASE piece')
    return { ok: true, value }
  } catch (error) {
    // A disk that failed may have undone the whole transaction already; what came before this piece is not there either.
    if (!isAboutTheStatement(error) || !db.isInTransaction()) throw error
    db.run('ROLLBACK TO piece')
    db.run('RELEASE piece')
    return { ok: false, error }
  }
}
