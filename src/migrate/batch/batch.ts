/**
 * Batches of mailboxes: the CSV file, the log-ins, who is copied when, how fast, and what is told of it.
 *
 * Promises: every state is on disk before it is told; a mailbox holds up no other; an account is tried a few times at most; after a
 *   restart, or a death of the thread, everything goes on where it was.
 * Never: shows a password, keeps one longer than it is needed, sends one to another server than was named.
 * On failure: states with time, reason, and what to do, in Exchange's words (`status.ts`).
 */

export type { CsvProblem } from './csv.ts'
export type { Engine, Letter, SecretAnswer, Sent } from './ground.ts'
export { composeLetter } from './letter.ts'
export type { UserQuery } from './mailboxes.ts'
export { type BatchesOptions, type Desk, migrateFile, openBatches } from './open.ts'
export type { Ordered, Refused } from './orders.ts'
export { some } from './plural.ts'
export type { ReportFiles } from './report.ts'
export { batchKeyBytes } from './seal.ts'
export { type Settings, settingsSchema } from './settings.ts'
export { batchStatuses, type StatusSummary, type UserStatus, userStatuses } from './status.ts'
export type { Active, BatchView, UserDetail, UserView } from './views.ts'
