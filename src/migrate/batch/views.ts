/** Batches and mailboxes as they are shown. Times are ms since 1970. */
import type { Skipped } from '../copy/copy.ts'
import { countsOf, type Sums } from './batches.ts'
import type { Live } from './ground.ts'
import { historyOf, leftToCheck, type StateChange } from './mailboxes.ts'
import { type Rate, secondsFor } from './rates.ts'
import type { Scheduler } from './scheduler.ts'
import { type Settings, serverName } from './settings.ts'
import { type Counts, type StatusSummary, summaryOf, userStatuses } from './status.ts'
import type { Batch, MailboxRow } from './tables.ts'

export type Active = {
  readonly email: string
  readonly kind: Live['kind']
  readonly since: number
  readonly folder: string
  readonly messages: number
  readonly messagesDone: number
  readonly bytes: number
  readonly bytesDone: number
  readonly waiting: string
  readonly waitingUntil?: number
}

export type BatchView = Omit<Batch, 'settings' | 'keyId' | 'id' | 'reportDue' | 'wishBefore'> & {
  readonly settings?: Settings
  readonly counts: Counts
  readonly summary: Readonly<Record<StatusSummary, number>>
  readonly sums: Sums
  /** 0 to 100, by bytes of those whose size is known. */
  readonly percent: number
  readonly now: Rate
  /** Over the last ten minutes. */
  readonly lately: Rate
  /** For the rest; absent: it cannot be told. */
  readonly secondsLeft?: number
  readonly toCheck: number
  readonly active: readonly Active[]
  /** Mailboxes at once that each server is given at this moment. */
  readonly places: { readonly source: number; readonly target: number }
}

const mostActive = 50

export function batchView(s: Scheduler, batch: Batch): BatchView {
  const { db } = s.ground
  const { settings, keyId: _key, id, reportDue: _due, wishBefore: _before, ...rest } = batch
  const counts = countsOf(db, id)
  const sums = s.sums(id)
  const meter = s.meter(id)
  const lately = meter.over(600)
  const running = s.running(id)
  const isMoving = batch.wish === 'running' || batch.wish === 'completing'
  const left = isMoving && counts.Syncing !== undefined ? secondsLeft(sums, lately) : undefined
  return {
    ...rest,
    ...(settings === undefined ? {} : { settings }),
    counts,
    summary: summaries(counts),
    sums,
    percent: percentOf(sums),
    now: meter.over(5),
    lately,
    ...(left === undefined ? {} : { secondsLeft: left }),
    toCheck: leftToCheck(db, id),
    active: running.slice(0, mostActive).map(activeOf),
    places:
      settings === undefined
        ? { source: 0, target: 0 }
        : { source: s.servers.gate(settings.source).limit, target: s.servers.gate(settings.target).limit },
  }
}

function summaries(counts: Counts): Readonly<Record<StatusSummary, number>> {
  const sums = { Active: 0, Completed: 0, Failed: 0, Stopped: 0, Synced: 0 }
  for (const status of userStatuses) sums[summaryOf(status)] += counts[status] ?? 0
  return sums
}

function percentOf({ allBytes, doneBytes, allMessages, doneMessages, sized, chosen }: Sums): number {
  if (sized === 0) return 0
  const part = allBytes > 0 ? doneBytes / allBytes : allMessages > 0 ? doneMessages / allMessages : 1
  // Those whose size nobody knows yet are supposed to be like the others.
  return Math.floor(1000 * Math.min(1, part) * (sized / Math.max(chosen, 1))) / 10
}

/** Mailboxes that nobody has looked at yet are supposed to be as large as the others are in the mean. */
function secondsLeft(sums: Sums, rate: Rate): number | undefined {
  const { allBytes, allMessages, doneBytes, doneMessages, sized, chosen } = sums
  if (sized === 0) return undefined
  const factor = chosen / sized
  const messages = Math.max(0, allMessages * factor - doneMessages)
  return secondsFor({ messages, bytes: Math.max(0, allBytes * factor - doneBytes) }, rate)
}

function activeOf({ email, kind, since, progress }: Live): Active {
  const until = progress?.waiting?.until
  return {
    email,
    kind,
    since,
    folder: progress?.folder ?? '',
    messages: progress?.messages ?? 0,
    messagesDone: progress?.messagesDone ?? 0,
    bytes: progress?.bytes ?? 0,
    bytesDone: progress?.bytesDone ?? 0,
    waiting: progress?.waiting?.why ?? '',
    ...(until === undefined ? {} : { waitingUntil: until }),
  }
}

export type UserView = Omit<MailboxRow, 'secret' | 'batch' | 'key'> & { readonly hasPassword: boolean }

export function userView({ secret, batch: _batch, key: _key, ...row }: MailboxRow): UserView {
  return { ...row, hasPassword: secret !== undefined }
}

export type UserDetail = {
  readonly user: UserView
  readonly history: readonly StateChange[]
  readonly skipped: readonly Skipped[]
  readonly moreSkipped: number
  readonly active?: Active
  readonly servers: { readonly source: string; readonly target: string }
}

const skippedShown = 200

export function userDetail(s: Scheduler, batch: Batch, row: MailboxRow): UserDetail {
  const { db, ledger } = s.ground
  const skipped = ledger.skipped(row.id, { limit: skippedShown })
  const { skipped: left, repaired } = ledger.counts(row.id)
  const live = s.running(batch.id).find(({ mailbox }) => mailbox === row.id)
  const { settings } = batch
  return {
    user: userView(row),
    history: historyOf(db, row.id),
    skipped,
    moreSkipped: Math.max(0, left + repaired - skipped.length),
    ...(live === undefined ? {} : { active: activeOf(live) }),
    servers: {
      source: settings === undefined ? '' : serverName(settings.source),
      target: settings === undefined ? '' : serverName(settings.target),
    },
  }
}
