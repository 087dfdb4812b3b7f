/**
 * Copies one mailbox into another, again and again, until nothing is left behind.
 *
 * Promises: each message of the source stands at the target exactly once, true duplicates as often as they were; killed at
 *   any byte, the next pass goes on; what was not copied, or not as it was, is listed with its reason.
 * Never: removes at the target what it did not put or adopt there; holds a whole mailbox in memory.
 * On failure: a pass ends with an outcome, never by throwing; what is wrong with one message or folder ends neither the others nor the pass.
 */
export {
  type CompareJob,
  type Comparison,
  compareMailboxes,
  type Difference,
  type DifferenceKind,
  type ManifestEntry,
  type SideTotals,
} from './compare.ts'
export {
  type CopyJob,
  type CopyOptions,
  defaultOptions,
  type Pace,
  type PassOutcome,
  type Progress,
  type Skipped,
  type SkippedKind,
  type Tuning,
} from './contract.ts'
export { type Counts, type Ledger, ledgerMigrations, openLedger, type Score } from './ledger.ts'
export { backingOff, unpaced } from './pace.ts'
export { copyPass } from './pass.ts'
export { type Survey, type SurveyedFolder, type SurveyJob, surveyMailbox } from './survey.ts'
