import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchStatusOf, type Counts, statusesOf, summaryOf, userStatuses, type Wish } from './status.ts'

test('the status of a batch follows from what is wanted and from its mailboxes', () => {
  const cases: readonly (readonly [Wish, Counts, string])[] = [
    ['created', { Stopped: 3 }, 'Created'],
    ['running', { Queued: 3 }, 'Starting'],
    ['running', { Queued: 2, Starting: 1 }, 'Starting'],
    ['running', { Queued: 2, Syncing: 1 }, 'Syncing'],
    ['running', { Queued: 1, Synced: 2 }, 'Syncing'],
    ['running', { Synced: 3 }, 'Synced'],
    ['running', { Synced: 2, Failed: 1 }, 'SyncedWithErrors'],
    ['running', { Failed: 3 }, 'Failed'],
    ['running', { Synced: 1, IncrementalSyncing: 2 }, 'IncrementalSyncing'],
    ['running', { IncrementalSynced: 2, IncrementalFailed: 1 }, 'SyncedWithErrors'],
    ['paused', { Syncing: 1, Queued: 2 }, 'Stopping'],
    ['stopped', { Stopped: 2, IncrementalStopped: 1 }, 'Stopped'],
    ['completing', { Completing: 1, Completed: 2 }, 'Completing'],
    ['completing', { CompletionSynced: 1, Completed: 2 }, 'Completing'],
    ['completing', { Completed: 2, CompletedWithWarnings: 1 }, 'Completed'],
    ['completing', { Completed: 2, Failed: 1 }, 'CompletedWithErrors'],
    ['removing', {}, 'Removing'],
  ]
  for (const [wish, counts, status] of cases)
    assert.equal(batchStatusOf(wish, counts, false), status, `${wish} ${JSON.stringify(counts)}`)
  assert.equal(batchStatusOf('running', { Queued: 1 }, true), 'Waiting')
})

test('each status belongs to one summary', () => {
  for (const status of userStatuses) assert.ok(statusesOf(summaryOf(status)).includes(status))
  assert.deepEqual(statusesOf('Completed'), ['Completed', 'CompletedWithWarnings'])
})
