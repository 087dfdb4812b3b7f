/** States of batches and mailboxes, in Exchange's own words (Get-MigrationBatch, Get-MigrationUser). */

export const batchStatuses = [
  'Created',
  'Waiting',
  'Starting',
  'Syncing',
  'Synced',
  'SyncedWithErrors',
  'IncrementalSyncing',
  'Completing',
  'Completed',
  'CompletedWithErrors',
  'Stopping',
  'Stopped',
  'Failed',
  'Removing',
  'Corrupted',
] as const
export type BatchStatus = (typeof batchStatuses)[number]

export const userStatuses = [
  'Validating',
  'Provisioning',
  'ProvisionUpdating',
  'Queued',
  'Starting',
  'Syncing',
  'Synced',
  'Failed',
  'IncrementalSyncing',
  'IncrementalSynced',
  'IncrementalFailed',
  'IncrementalStopped',
  'Completing',
  'CompletionSynced',
  'CompletionFailed',
  'Completed',
  'CompletedWithWarnings',
  'Stopping',
  'Stopped',
  'Removing',
  'Corrupted',
] as const
export type UserStatus = (typeof userStatuses)[number]

/** Get-MigrationUser -StatusSummary. */
export type StatusSummary = 'Active' | 'Completed' | 'Failed' | 'Stopped' | 'Synced'

const summaries: Readonly<Record<UserStatus, StatusSummary>> = {
  Validating: 'Active',
  Provisioning: 'Active',
  ProvisionUpdating: 'Active',
  Queued: 'Active',
  Starting: 'Active',
  Syncing: 'Active',
  Synced: 'Synced',
  Failed: 'Failed',
  IncrementalSyncing: 'Active',
  IncrementalSynced: 'Synced',
  IncrementalFailed: 'Failed',
  IncrementalStopped: 'Stopped',
  Completing: 'Active',
  CompletionSynced: 'Synced',
  CompletionFailed: 'Failed',
  Completed: 'Completed',
  CompletedWithWarnings: 'Completed',
  Stopping: 'Active',
  Stopped: 'Stopped',
  Removing: 'Active',
  Corrupted: 'Failed',
}

export const summaryOf = (status: UserStatus): StatusSummary => summaries[status]

export const statusesOf = (summary: StatusSummary): readonly UserStatus[] =>
  userStatuses.filter((status) => summaries[status] === summary)

export const isUserStatus = (text: string): text is UserStatus => userStatuses.some((status) => status === text)
export const isBatchStatus = (text: string): text is BatchStatus => batchStatuses.some((status) => status === text)

/** What an operator wants of a batch; its status follows from this and from its mailboxes. */
export const wishes = ['created', 'running', 'paused', 'stopped', 'completing', 'removing'] as const
export type Wish = (typeof wishes)[number]
export const isWish = (text: string): text is Wish => wishes.some((wish) => wish === text)

export type Counts = Readonly<Partial<Record<UserStatus, number>>>

const at = (counts: Counts, ...statuses: readonly UserStatus[]): number =>
  statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0)

const running = ['Starting', 'Syncing', 'IncrementalSyncing', 'Completing', 'Stopping'] as const
const failed = ['Failed', 'IncrementalFailed', 'CompletionFailed', 'Corrupted'] as const

/** `counts`: of the mailboxes that were chosen. `isWaiting`: the time to start has not come. */
export function batchStatusOf(wish: Wish, counts: Counts, isWaiting: boolean): BatchStatus {
  switch (wish) {
    case 'created':
      return 'Created'
    case 'removing':
      return 'Removing'
    case 'paused':
    case 'stopped':
      return at(counts, ...running) > 0 ? 'Stopping' : 'Stopped'
    case 'completing':
      return completingStatus(counts)
    case 'running':
      return isWaiting ? 'Waiting' : runningStatus(counts)
  }
}

function runningStatus(counts: Counts): BatchStatus {
  const synced = at(counts, 'Synced', 'IncrementalSynced', 'IncrementalSyncing', 'IncrementalFailed')
  if (at(counts, 'Syncing') > 0) return 'Syncing'
  if (at(counts, 'Queued', 'Starting') > 0) return synced > 0 || at(counts, 'Failed') > 0 ? 'Syncing' : 'Starting'
  if (at(counts, 'IncrementalSyncing') > 0) return 'IncrementalSyncing'
  if (at(counts, ...failed) === 0) return 'Synced'
  return synced > 0 ? 'SyncedWithErrors' : 'Failed'
}

function completingStatus(counts: Counts): BatchStatus {
  const open = at(counts, ...running, 'Queued', 'Synced', 'IncrementalSynced', 'CompletionSynced', 'IncrementalFailed')
  if (open > 0) return 'Completing'
  return at(counts, ...failed) > 0 ? 'CompletedWithErrors' : 'Completed'
}
