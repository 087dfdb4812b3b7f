/** What tests of the engine share: a ledger in a folder of its own, jobs, and a comparison that knows nothing of the engine. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Db, openDb } from '../../store/store.ts'
import { type MemoryServer, type StoredMessage } from '../in-memory/in-memory.ts'
import { instantOf } from '../mailbox/mailbox.ts'
import {
  type CopyJob,
  type CopyOptions,
  copyPass,
  defaultOptions,
  ledgerMigrations,
  openLedger,
  type PassOutcome,
  unpaced,
} from './copy.ts'

export function openTestDb(t: Pick<TestContext, 'after'>): Db {
  const dir = mkdtempSync(join(tmpdir(), 'copy-'))
  const opened = openDb({ file: join(dir, 'migrate.db'), migrations: ledgerMigrations, synchronous: 'normal' })
  if (!opened.ok) throw new Error(opened.why)
  t.after(() => {
    opened.db.close()
    rmSync(dir, { recursive: true })
  })
  return opened.db
}

export type TestJob = Partial<Omit<CopyJob, 'options' | 'source' | 'target'>> & {
  readonly options?: Partial<CopyOptions>
}

export function jobFor(db: Db, source: MemoryServer, target: MemoryServer, more: TestJob = {}): CopyJob {
  return {
    mailbox: 1,
    ledger: openLedger(db),
    source: source.connect,
    target: target.connect,
    pace: unpaced,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...more,
    options: { ...defaultOptions, ...more.options },
    tuning: { settleMs: 0, ...more.tuning },
  }
}

export async function pass(db: Db, source: MemoryServer, target: MemoryServer, more?: TestJob): Promise<PassOutcome> {
  return await copyPass(jobFor(db, source, target, more))
}

/** Everything that must be the same, as lines: folders, and in them each message, as often as it is there. */
export function contents(server: MemoryServer): readonly string[] {
  return [...server.folders.values()]
    .filter((folder) => folder.holdsMessages)
    .flatMap((folder) => {
      const name = folder.path.join('/')
      return [`${name}${folder.isSubscribed ? ' *' : ''}`, ...folder.messages.map((m) => `${name}: ${line(m)}`)]
    })
    .toSorted()
}

function line({ flags, internalDate, content }: StoredMessage): string {
  return `${instantOf(internalDate)} ${flags.join(',')} ${content.toString('latin1')}`
}

/** What a process that was killed had committed stays; it commits nothing more. */
export function killable(db: Db): { readonly db: Db; kill(): void } {
  let isDead = false
  const alive = <T>(work: () => T): T => {
    if (isDead) throw new Error('this process was killed')
    return work()
  }
  return {
    db: {
      ...db,
      run: (sql, ...values) => alive(() => db.run(sql, ...values)),
      get: (sql, ...values) => alive(() => db.get(sql, ...values)),
      all: (sql, ...values) => alive(() => db.all(sql, ...values)),
      transaction: (work) => alive(() => db.transaction(work)),
    },
    kill: () => {
      isDead = true
    },
  }
}
