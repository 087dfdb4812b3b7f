/** Opens migrate.db and answers what is asked of it. */
import { join } from 'node:path'
import { type Migration, openDb } from '../../store/store.ts'
import { ledgerMigrations, openLedger, type Skipped } from '../copy/copy.ts'
import { allBatches, batchNamed } from './batches.ts'
import { mailboxKey } from './csv.ts'
import type { Ground } from './ground.ts'
import { afterDeath, mailboxByKey, mailboxesOf, type UserQuery } from './mailboxes.ts'
import * as orders from './orders.ts'
import { makePostman } from './postman.ts'
import { type ReportFiles, reportFiles } from './report.ts'
import { Scheduler } from './scheduler.ts'
import type { Settings } from './settings.ts'
import { standBatch } from './stand.ts'
import { batchMigrations } from './tables.ts'
import { type BatchView, batchView, type UserDetail, type UserView, userDetail, userView } from './views.ts'

/** The ledger's come first. Once released, more are added at the end only. */
const migrations: readonly Migration[] = [...ledgerMigrations, ...batchMigrations]

export const migrateFile = (dir: string): string => join(dir, 'migrate.db')

export type BatchesOptions = Omit<Ground, 'db' | 'ledger'> & {
  readonly dir: string
  /** A thread of this process that ended by itself had the file before. */
  readonly isAfterDeath: boolean
}

export type Desk = {
  /** Keys that batches still need. */
  readonly keysInUse: () => readonly string[]
  readonly create: (o: orders.Create) => orders.Ordered
  readonly change: (name: string, settings: Settings) => orders.Ordered
  readonly check: (name: string, first: number | undefined) => orders.Ordered
  readonly start: (name: string, by: string, test: number | undefined) => orders.Ordered
  readonly pause: (name: string, by: string, untilAt: number | undefined) => Promise<orders.Ordered>
  readonly stop: (name: string, by: string) => Promise<orders.Ordered>
  readonly resume: (name: string, by: string) => orders.Ordered
  readonly complete: (name: string, by: string, lingerMs: number | undefined) => orders.Ordered
  readonly retry: (o: orders.Retry) => orders.Retried
  readonly remove: (name: string, by: string) => Promise<orders.Ordered>
  readonly sendReport: (name: string) => orders.Ordered
  readonly list: () => readonly BatchView[]
  readonly show: (name: string) => BatchView | undefined
  /** Addresses proposed for a first try. */
  readonly proposed: (name: string) => readonly string[]
  readonly users: (name: string, query: UserQuery) => readonly UserView[] | undefined
  readonly user: (name: string, email: string) => UserDetail | undefined
  readonly skipped: (name: string, email: string, after: number) => readonly Skipped[] | undefined
  readonly report: (name: string) => ReportFiles | undefined
  /** Batches in which something goes on. */
  readonly moving: () => readonly BatchView[]
  readonly close: () => Promise<void>
}

const proposedCount = 3

export function openBatches(
  o: BatchesOptions,
): { readonly ok: true; readonly desk: Desk } | { readonly ok: false; readonly why: string } {
  const opened = openDb({ file: migrateFile(o.dir), migrations, synchronous: 'full' })
  if (!opened.ok) return opened
  const { db } = opened
  const ground: Ground = { ...o, db, ledger: openLedger(db) }
  afterDeath(db, o.now(), o.isAfterDeath)
  const scheduler = new Scheduler(ground)
  const postman = makePostman(scheduler)
  for (const batch of allBatches(db)) {
    if (batch.wish === 'removing') void orders.remove(scheduler, batch.name, batch.wishBy)
    else standBatch(ground, batch.id)
  }
  scheduler.kick()
  return { ok: true, desk: deskOf(scheduler, postman) }
}

function deskOf(s: Scheduler, postman: ReturnType<typeof makePostman>): Desk {
  const { db, ledger } = s.ground
  const mailbox = (name: string, email: string) => {
    const batch = batchNamed(db, name)
    const row = batch === undefined ? undefined : mailboxByKey(db, batch.id, mailboxKey(email))
    return batch === undefined || row === undefined ? undefined : { batch, row }
  }
  return {
    keysInUse: () => allBatches(db).flatMap(({ status, keyId }) => (status === 'Completed' ? [] : [keyId])),
    create: (o) => orders.create(s, o),
    change: (name, settings) => orders.change(s, name, settings),
    check: (name, first) => orders.check(s, name, first),
    start: (name, by, test) => orders.start(s, name, by, test),
    pause: (name, by, untilAt) => orders.pause(s, name, by, untilAt),
    stop: (name, by) => orders.stop(s, name, by),
    resume: (name, by) => orders.resume(s, name, by),
    complete: (name, by, lingerMs) => orders.complete(s, name, by, lingerMs),
    retry: (o) => orders.retry(s, o),
    remove: (name, by) => orders.remove(s, name, by),
    sendReport: (name) => orders.orderReport(s, name),
    list: () => allBatches(db).map((batch) => batchView(s, batch)),
    show(name) {
      const batch = batchNamed(db, name)
      return batch === undefined ? undefined : batchView(s, batch)
    },
    proposed(name) {
      const batch = batchNamed(db, name)
      if (batch === undefined) return []
      const ids = JSON.stringify(orders.testBatch(s, batch.id, proposedCount))
      return db
        .all('SELECT email FROM mailbox WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id', ids)
        .map((row) => String(row['email']))
    },
    users(name, query) {
      const batch = batchNamed(db, name)
      return batch === undefined ? undefined : mailboxesOf(db, batch.id, query).map(userView)
    },
    user(name, email) {
      const found = mailbox(name, email)
      return found === undefined ? undefined : userDetail(s, found.batch, found.row)
    },
    skipped(name, email, after) {
      const found = mailbox(name, email)
      return found === undefined ? undefined : ledger.skipped(found.row.id, { after, limit: 1000 })
    },
    report(name) {
      const batch = batchNamed(db, name)
      return batch === undefined ? undefined : reportFiles(s, batch)
    },
    moving: () => allBatches(db).flatMap((batch) => (s.running(batch.id).length > 0 ? [batchView(s, batch)] : [])),
    async close() {
      await s.close()
      await postman.close()
      db.close()
    },
  }
}
