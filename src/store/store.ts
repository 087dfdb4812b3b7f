/**
 * SQLite files: opening, migrating, asking. What differs between databases stays in this room.
 *
 * Promises: what a `full` file committed survives a power cut; a file is migrated by one process though several start.
 * Never: a value bound by accident (the types let only SQLite's own values in), a newer schema written to.
 * On failure: opening answers with a sentence for the operator; a statement that fails on an open file throws.
 */
export { type Audit, type AuditEntry, type AuditRecord, makeAudit, type Verdict } from './audit.ts'
export { type Claimed, claimFolder, isClaimed } from './claim.ts'
export { type Db, type Opened, openDb, type Row, type Value } from './db.ts'
export { addChange, appliedFile, changesSince, type DirectoryRow } from './directory-changes.ts'
export { type Failure, failureOf, isAboutTheStatement } from './failure.ts'
export type { Piece } from './group.ts'
export type { Migration } from './migrate.ts'
export {
  type AppliedFile,
  latestProject,
  openStore,
  type ProjectRevision,
  projectHistory,
  projectRevision,
  type RevisionSummary,
  saveProject,
  storeFile,
} from './project-history.ts'
export { type Committed, type OpenedSealed, openSealed, type SealedDb } from './sealed.ts'
export { type SealedSecret, type SealedSecrets, sealedSecrets } from './sealed-secrets.ts'
export { freePages, giveSpaceBack } from './space.ts'
export { type TokenDigest, tokenDigest } from './token-digest.ts'
