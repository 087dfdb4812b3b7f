/** A small port over node:sqlite: typed values, cached statements, transactions. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type Migration, migrate } from './migrate.ts'

/**
 * What SQLite takes. QUIRK: node:sqlite reads a lone object as named parameters (a Date binds NULL) and throws at
 * undefined; neither passes this type. Rows come without a prototype.
 */
export type Value = string | number | bigint | null | Uint8Array
export type Row = Readonly<Record<string, Value>>

export type Db = {
  /** Number of rows changed. */
  run(sql: string, ...values: readonly Value[]): number
  get(sql: string, ...values: readonly Value[]): Row | undefined
  all(sql: string, ...values: readonly Value[]): readonly Row[]
  /** All or nothing; what `work` throws rolls back and goes on. Not nested. */
  transaction<T>(work: () => T): T
  /** False after a failure that undid the transaction by itself. */
  isInTransaction(): boolean
  close(): void
}

export type Opened = { readonly ok: true; readonly db: Db } | { readonly ok: false; readonly why: string }

export type OpenOptions = {
  readonly file: string
  readonly migrations: readonly Migration[]
  /** `full`: each commit is on disk when it returns. `normal`: a power cut may take the last ones, never more. */
  readonly synchronous: 'full' | 'normal'
  /** What is deleted can be given back to the disk (`giveSpaceBack`). Decided when the file is made. */
  readonly givesSpaceBack?: boolean
  /** Reads only; the file must be there with its newest schema. */
  readonly readOnly?: boolean
  /** How long a statement waits for another process, in ms; 5,000 when absent. */
  readonly busyMs?: number
}

/** Opens or creates the file, readable by its owner only, and brings its schema up to date. */
export function openDb(o: OpenOptions): Opened {
  let database: DatabaseSync | undefined
  try {
    if (o.readOnly !== true) createOwned(o.file)
    database = new DatabaseSync(o.file, { timeout: o.busyMs ?? 5000, readOnly: o.readOnly ?? false })
    if (o.readOnly !== true) prepareFile(database, o)
    const problem = migrate(database, o)
    if (problem === undefined) return { ok: true, db: port(database) }
    database.close()
    return { ok: false, why: problem }
  } catch (error) {
    if (database?.isOpen === true) database.close()
    return { ok: false, why: `cannot open ${o.file}: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** SQLite gives its -wal and -shm files the mode of the file itself. */
function createOwned(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
}

/** After a large transaction the -wal file is cut back to so much. */
const walBytes = 16 * 1024 * 1024

function prepareFile(database: DatabaseSync, o: OpenOptions): void {
  // Before WAL mode writes to the file. In a file that is not empty it would change nothing, but write, and fail on a full disk.
  if (o.givesSpaceBack === true && isEmpty(database)) database.exec('PRAGMA auto_vacuum = INCREMENTAL')
  useWal(database)
  database.exec(`PRAGMA synchronous = ${o.synchronous === 'full' ? 'FULL' : 'NORMAL'}`)
  database.exec('PRAGMA foreign_keys = ON')
  // Savepoints would otherwise write to files in /tmp, another disk that can be full.
  database.exec('PRAGMA temp_store = MEMORY')
  database.exec(`PRAGMA journal_size_limit = ${walBytes}`)
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('PRAGMA page_count').get()?.page_count === 0
}

const busy = 5 // SQLITE_BUSY
const walTries = 100

/** QUIRK: SQLite does not wait for the lock when two connections change the journal of a new file at once; we do. */
function useWal(database: DatabaseSync): void {
  for (let tries = 1; ; tries += 1) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      const isBusy = error instanceof Error && 'errcode' in error && error.errcode === busy
      if (!isBusy || tries === walTries) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

function port(database: DatabaseSync): Db {
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    run: (sql, ...values) => Number(prepared(sql).run(...values).changes),
    get: (sql, ...values) => prepared(sql).get(...values),
    all: (sql, ...values) => prepared(sql).all(...values),
    transaction: (work) => transaction(database, work),
    isInTransaction: () => database.isTransaction,
    close: () => {
      statements.clear()
      database.close()
    },
  }
}

function transaction<T>(database: DatabaseSync, work: () => T): T {
  // IMMEDIATE takes the write lock at once: a reader that becomes a writer later would fail without waiting.
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // A full disk may have rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
