/** What a pass that has ended makes of its mailbox: the state, its reason, and when it is due again. */

import { spanText } from '../../trace/trace.ts'
import type { PassOutcome } from '../copy/copy.ts'
import type { NewState } from './mailboxes.ts'
import { some } from './plural.ts'
import type { UserStatus } from './status.ts'
import type { Batch, MailboxRow, Trouble } from './tables.ts'

export type Ended = {
  readonly batch: Batch
  readonly mailbox: MailboxRow
  /** When the pass began. */
  readonly beganAt: number
  readonly now: number
  /** So long the servers want to be left in peace. */
  readonly waitMs: number
}

export type Conclusion = NewState & { readonly failures: number; readonly isSynced: boolean }

const minuteMs = 60_000
/** With an interval of 0, where nothing tells of changes. */
const nearRealTimeMs = minuteMs

export function intervalMs({ settings }: Batch): number {
  const minutes = settings?.intervalMinutes ?? 1440
  return minutes === 0 ? nearRealTimeMs : minutes * minuteMs
}

export function concludeDone(
  ended: Ended,
  outcome: Extract<PassOutcome, { kind: 'done' }>,
  skipped: number,
  differs: string | undefined,
): Conclusion {
  const { batch, mailbox, beganAt, now } = ended
  const base = { at: now, trouble: null, failures: 0, isSynced: true } as const
  const why = doneText(outcome, skipped)
  if (batch.wish !== 'completing') {
    const status = mailbox.firstSyncedAt === undefined ? 'Synced' : 'IncrementalSynced'
    return { ...base, status, why, nextAt: now + intervalMs(batch) }
  }
  // What came while it was being copied is fetched once more.
  if (beganAt < batch.wishAt) return { ...base, status: 'Queued', why: `${why}; the final pass comes`, nextAt: now }
  if (batch.lingerUntil !== undefined && batch.lingerUntil > now) {
    const nextAt = Math.min(now + intervalMs(batch), batch.lingerUntil)
    return { ...base, status: 'CompletionSynced', why: `${why}; followed until the end that was set`, nextAt }
  }
  const isClean = skipped === 0 && differs === undefined
  const status = isClean ? 'Completed' : 'CompletedWithWarnings'
  return { ...base, status, why: differs === undefined ? why : `${why}; ${differs}`, nextAt: null }
}

function doneText(outcome: Extract<PassOutcome, { kind: 'done' }>, skipped: number): string {
  const { copied, adopted, flags, removed, heldBack } = outcome
  const parts = [
    `${some(copied, 'message')} copied`,
    ...(adopted > 0 ? [`${some(adopted, 'message')} found there already`] : []),
    ...(flags > 0 ? [`flags of ${flags.toLocaleString('en-US')} changed`] : []),
    ...(removed > 0 ? [`${removed.toLocaleString('en-US')} removed`] : []),
    ...(heldBack > 0
      ? [`${heldBack.toLocaleString('en-US')} not removed before they are looked at again or allowed`]
      : []),
    ...(skipped > 0 ? [`${skipped.toLocaleString('en-US')} left out in all`] : []),
  ]
  return parts.join(', ')
}

export function concludeStopped({ batch, mailbox, now }: Ended): Conclusion {
  const isPaused = batch.wish === 'paused'
  const status: UserStatus = mailbox.firstSyncedAt === undefined ? 'Stopped' : 'IncrementalStopped'
  const why = `${isPaused ? 'paused' : 'stopped'} by ${batch.wishBy}; what was copied is kept`
  return { at: now, status, why, nextAt: now, failures: mailbox.failures, isSynced: false }
}

const backOffMinutes = [1, 2, 5, 15, 30, 60] as const
/** Passes that fail in a row before the mailbox counts as failed; it is tried on all the same. */
const patience = 5
/** At the final pass somebody waits for the end. */
const lastPatience = 10
/** A log-in that has worked before may fail for a moment; more tries could lock the account. */
const loginTries = 2
const loginPauseMs = 30 * minuteMs

export function concludeFailed(ended: Ended, trouble: Trouble, text: string, mayPass: boolean): Conclusion {
  const { batch, mailbox, now, waitMs } = ended
  const isCrowd = trouble.kind === 'throttled' || trouble.kind === 'busy'
  // Being asked to wait is no failure.
  const failures = isCrowd ? mailbox.failures : mailbox.failures + 1
  const base = { at: now, trouble, failures, isSynced: false } as const
  const again = againAfter(mailbox, trouble, failures, waitMs, mayPass)
  const isFinal = batch.wish === 'completing'
  if (again === undefined || (isFinal && failures >= lastPatience))
    return { ...base, status: failedStatus(batch, mailbox), why: text, nextAt: null }
  const why = `tried again in ${spanText(again)}: ${text}`
  const status = isCrowd || failures < patience || isFinal ? 'Queued' : failedStatus(batch, mailbox)
  return { ...base, status, why, nextAt: now + again }
}

function againAfter(
  { firstSyncedAt }: MailboxRow,
  { kind }: Trouble,
  failures: number,
  waitMs: number,
  mayPass: boolean,
): number | undefined {
  if (kind === 'login') return firstSyncedAt !== undefined && failures <= loginTries ? loginPauseMs : undefined
  if (!mayPass) return undefined
  if (kind === 'throttled' || kind === 'busy') return Math.max(waitMs, 10_000)
  const step = backOffMinutes[Math.min(Math.max(failures, 1), backOffMinutes.length) - 1] ?? 60
  return Math.max(step * minuteMs, waitMs)
}

function failedStatus({ wish }: Batch, { firstSyncedAt }: MailboxRow): UserStatus {
  if (firstSyncedAt === undefined) return 'Failed'
  return wish === 'completing' ? 'CompletionFailed' : 'IncrementalFailed'
}
