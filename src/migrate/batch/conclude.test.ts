import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PassOutcome } from '../copy/copy.ts'
import { concludeDone, concludeFailed, concludeStopped, type Ended } from './conclude.ts'
import { settingsSchema } from './settings.ts'
import type { Batch, MailboxRow, Trouble } from './tables.ts'

const now = 10_000_000
const batch: Batch = {
  id: 1,
  name: 'one',
  keyId: 'k',
  settings: settingsSchema.parse({ source: { host: 'old.example' }, target: { host: 'new.example' } }),
  wish: 'running',
  wishAt: 0,
  wishBy: 'ann',
  wishBefore: '',
  status: 'Syncing',
  statusAt: 0,
  statusWhy: '',
  createdAt: 0,
  createdBy: 'ann',
}
const mailbox = { failures: 0 } as MailboxRow
const ended = (
  more: { batch?: Partial<Batch>; mailbox?: Partial<MailboxRow> } & Partial<Omit<Ended, 'batch' | 'mailbox'>> = {},
): Ended => ({
  beganAt: now - 1000,
  now,
  waitMs: 0,
  ...more,
  batch: { ...batch, ...more.batch },
  mailbox: { ...mailbox, ...more.mailbox },
})
const done: Extract<PassOutcome, { kind: 'done' }> = {
  kind: 'done',
  copied: 12,
  bytes: 1,
  flags: 0,
  removed: 0,
  adopted: 0,
  skipped: 0,
  heldBack: 0,
}
const trouble = (kind: string): Trouble => ({ kind, side: 'source', server: 's', what: 'w', words: '', remedy: 'r' })
const day = 24 * 60 * 60_000

test('a pass that went through makes it Synced, then IncrementalSynced, due in a day', () => {
  const first = concludeDone(ended(), done, 0, undefined)
  assert.deepEqual([first.status, first.nextAt, first.why], ['Synced', now + day, '12 messages copied'])
  const next = concludeDone(ended({ mailbox: { firstSyncedAt: 1 } }), { ...done, adopted: 1, removed: 2 }, 3, undefined)
  assert.equal(next.status, 'IncrementalSynced')
  assert.equal(next.why, '12 messages copied, 1 message found there already, 2 removed, 3 left out in all')
})

test('a final pass is one that began after it was asked for', () => {
  const completing = { wish: 'completing', wishAt: now - 500 } as const
  const early = concludeDone(ended({ batch: completing }), done, 0, undefined)
  assert.deepEqual([early.status, early.nextAt], ['Queued', now])
  const late = ended({ batch: completing, beganAt: now - 100 })
  assert.deepEqual(
    [concludeDone(late, done, 0, undefined).status, concludeDone(late, done, 0, undefined).nextAt],
    ['Completed', null],
  )
  assert.equal(concludeDone(late, done, 2, undefined).status, 'CompletedWithWarnings')
  const differs = concludeDone(late, done, 0, 'both sides differ in 1 place')
  assert.deepEqual(
    [differs.status, differs.why],
    ['CompletedWithWarnings', '12 messages copied; both sides differ in 1 place'],
  )
})

test('after the final pass it is followed until the end that was set', () => {
  const following = { wish: 'completing', wishAt: 0, lingerUntil: now + day / 2 } as const
  const found = concludeDone(ended({ batch: following }), done, 0, undefined)
  assert.deepEqual([found.status, found.nextAt], ['CompletionSynced', now + day / 2])
  assert.equal(
    concludeDone(ended({ batch: { ...following, lingerUntil: now } }), done, 0, undefined).status,
    'Completed',
  )
})

test('what may pass is tried again, later each time, and counts as failed after a while; it never ends by itself', () => {
  const at = (failures: number, more: Partial<Batch> = {}) =>
    concludeFailed(ended({ mailbox: { failures }, batch: more }), trouble('unreachable'), 'no answer', true)
  assert.deepEqual([at(0).status, at(0).nextAt, at(0).why], ['Queued', now + 60_000, 'tried again in 1m: no answer'])
  assert.equal(at(2).nextAt, now + 5 * 60_000)
  assert.equal(at(4).status, 'Failed')
  assert.equal(at(50).nextAt, now + 60 * 60_000)
  const final = at(9, { wish: 'completing' })
  assert.deepEqual([final.status, final.nextAt], ['Failed', null])
})

test('being asked to wait is no failure', () => {
  const found = concludeFailed(ended({ waitMs: 299_961, mailbox: { failures: 4 } }), trouble('throttled'), 'wait', true)
  assert.deepEqual([found.status, found.failures, found.nextAt], ['Queued', 4, now + 299_961])
})

test('a log-in that never worked is not tried again; one that did, twice', () => {
  const never = concludeFailed(ended(), trouble('login'), 'refused', false)
  assert.deepEqual([never.status, never.nextAt], ['Failed', null])
  const once = (failures: number) =>
    concludeFailed(ended({ mailbox: { failures, firstSyncedAt: 1 } }), trouble('login'), 'refused', false)
  assert.deepEqual([once(0).status, once(0).nextAt], ['Queued', now + 30 * 60_000])
  assert.deepEqual([once(2).status, once(2).nextAt], ['IncrementalFailed', null])
})

test('what was broken off goes on where it was', () => {
  const paused = concludeStopped(ended({ batch: { wish: 'paused' } }))
  assert.deepEqual([paused.status, paused.nextAt], ['Stopped', now])
  assert.match(paused.why, /^paused by ann/)
  assert.equal(
    concludeStopped(ended({ batch: { wish: 'stopped' }, mailbox: { firstSyncedAt: 1 } })).status,
    'IncrementalStopped',
  )
})
