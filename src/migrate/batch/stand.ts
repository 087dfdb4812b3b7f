/** Where a batch stands, after what happened to its mailboxes and as time passes. */
import {
  allBatches,
  batchById,
  countsOf,
  type Sums,
  setMoment,
  setReportDue,
  setStatus,
  setWish,
  sumsOf,
} from './batches.ts'
import type { Ground } from './ground.ts'
import { forgetSecrets } from './mailboxes.ts'
import { dueAtEnd, resumeBatch } from './move-states.ts'
import { some } from './plural.ts'
import { type BatchStatus, batchStatusOf, type Counts } from './status.ts'
import type { Batch } from './tables.ts'

/** Brings the status of a batch in line with its mailboxes, and does what comes with it. */
export function standBatch(ground: Ground, id: number): void {
  const { db, now } = ground
  const batch = batchById(db, id)
  if (batch === undefined) return
  const counts = countsOf(db, id)
  const status = batchStatusOf(batch.wish, counts, isWaiting(batch, now()))
  if (isFirstDone(batch, counts)) firstDone(ground, batch)
  if (status === batch.status) return
  setStatus(db, id, status, reasonOf(batch, status, counts, sumsOf(db, id)), now())
  if (status === 'Completed' || status === 'CompletedWithErrors') completed(ground, batch, status)
}

function isWaiting({ settings }: Batch, now: number): boolean {
  return settings?.startAfter !== undefined && Date.parse(settings.startAfter) > now
}

const firstPass = ['Queued', 'Starting', 'Syncing', 'Provisioning', 'Validating'] as const

function isFirstDone(batch: Batch, counts: Counts): boolean {
  if (batch.firstDoneAt !== undefined || (batch.wish !== 'running' && batch.wish !== 'completing')) return false
  return firstPass.every((status) => (counts[status] ?? 0) === 0) && Object.keys(counts).length > 0
}

function firstDone({ db, now }: Ground, batch: Batch): void {
  setMoment(db, batch.id, 'firstDoneAt', now())
  if (batch.settings !== undefined && batch.settings.notify.length > 0) setReportDue(db, batch.id, 'first')
}

/** Nobody logs in any more: what could is forgotten. Where some failed, theirs are kept until they are done, too. */
function completed(ground: Ground, batch: Batch, status: BatchStatus): void {
  const { db, now } = ground
  setMoment(db, batch.id, 'completedAt', now())
  if (batch.settings !== undefined && batch.settings.notify.length > 0) setReportDue(db, batch.id, 'completed')
  if (status === 'Completed') {
    forgetSecrets(db, batch.id)
    ground.forgetKey(batch.keyId)
  } else db.run("UPDATE mailbox SET secret = NULL WHERE batch = ? AND status LIKE 'Completed%'", batch.id)
}

function reasonOf(batch: Batch, status: BatchStatus, counts: Counts, sums: Sums): string {
  const failed = (counts.Failed ?? 0) + (counts.IncrementalFailed ?? 0) + (counts.CompletionFailed ?? 0)
  const part = sums.chosen < sums.mailboxes ? ` (${sums.chosen} of ${some(sums.mailboxes, 'mailbox')} take part)` : ''
  switch (status) {
    case 'Created':
      return 'created and not started'
    case 'Waiting':
      return `starts at ${batch.settings?.startAfter ?? ''}`
    case 'Starting':
    case 'Syncing':
      return `first passes go on${part}`
    case 'IncrementalSyncing':
      return `what changed since is fetched${part}`
    case 'Synced':
      return `all are in step${part}`
    case 'SyncedWithErrors':
      return `${some(failed, 'mailbox')} failed${part}`
    case 'Completing':
      return `final passes go on, asked for by ${batch.wishBy}`
    case 'Completed':
      return 'all final passes are done; the passwords are forgotten'
    case 'CompletedWithErrors':
      return `${some(failed, 'mailbox')} failed`
    case 'Stopping':
    case 'Stopped':
      return `${batch.wish === 'paused' ? 'paused' : 'stopped'} by ${batch.wishBy}`
    case 'Failed':
      return `${some(failed, 'mailbox')} failed, and none is in step`
    case 'Removing':
      return `removed by ${batch.wishBy}`
    case 'Corrupted':
      return 'its settings cannot be read'
  }
}

/** What comes by the clock: the end of a pause, the time to start or complete, the next report. */
export function tendBatches(ground: Ground): void {
  const { db, now } = ground
  const at = now()
  for (const batch of allBatches(db)) {
    if (batch.wish === 'paused' && batch.pausedUntil !== undefined && batch.pausedUntil <= at) {
      resumeBatch(ground, batch, 'the end of the pause', at)
      standBatch(ground, batch.id)
    }
    const { settings } = batch
    if (settings === undefined || batch.wish !== 'running') continue
    if (batch.status === 'Waiting' && !isWaiting(batch, at)) standBatch(ground, batch.id)
    if (settings.completeAfter !== undefined && Date.parse(settings.completeAfter) <= at) {
      setWish(db, batch.id, 'completing', 'the time that was set', at)
      dueAtEnd(ground, batch.id, at)
      standBatch(ground, batch.id)
    }
    const every = settings.reportHours * 60 * 60_000
    const last = batch.reportedAt ?? batch.startedAt ?? at
    if (every > 0 && settings.notify.length > 0 && batch.reportDue === undefined && at - last >= every)
      setReportDue(db, batch.id, 'interval')
  }
}
