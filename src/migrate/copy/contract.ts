/** What a pass is asked for, what it tells on the way, and how it ends. */
import type { Connect, MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Ledger } from './ledger.ts'

export type CopyOptions = {
  readonly newestFirst: boolean
  /** ms since 1970, by internal date. */
  readonly since?: number
  readonly before?: number
  readonly maxBytes?: number
  /** Exchange's forms: `Name`, `Name/*`, `#Inbox#`, `#Inbox#/*`, `\#literal`; case is ignored. */
  readonly excludeFolders: readonly string[]
  /** Source path (joined by /) to target path, before the built-in mapping; what lies below goes along. */
  readonly folderMap: Readonly<Record<string, string>>
  readonly targetRoot?: string
  readonly followFlags: boolean
  readonly followDeletions: boolean
  /** Of the messages known to both sides, how many one pass may remove; what would be more is held back. A tenth, at least 100, when absent. */
  readonly removeAtMost?: number
  /** On each side. */
  readonly connections: number
}

/** Cumulative for this pass; plain numbers, cheap to post between threads. */
export type Progress = {
  /** In which something is to be done. */
  readonly folders: number
  readonly foldersDone: number
  /** To copy in this pass, as far as known, and done. */
  readonly messages: number
  readonly messagesDone: number
  readonly bytes: number
  readonly bytesDone: number
  readonly skipped: number
  /** Being worked on, for people. */
  readonly folder?: string
  readonly waiting?: { readonly why: string; readonly until?: number }
}

export type SkippedKind =
  /** Larger than the option or the target allows. */
  | 'tooLarge'
  /** The source could not give it. */
  | 'unreadable'
  /** The target did not take it. */
  | 'refused'
  /** A whole folder; uid is 0. */
  | 'folder'
  /** Copied, changed as the target demanded. */
  | 'repaired'
  /** Gone from the source, kept at the target: more than a pass may remove. uid is 0. */
  | 'heldBack'

/** `date` as ISO 8601, '' when unknown. */
export type Skipped = {
  readonly folder: string
  readonly uid: number
  readonly date: string
  readonly subject: string
  readonly bytes: number
  readonly kind: SkippedKind
  readonly why: string
}

export type PassOutcome =
  | {
      readonly kind: 'done'
      readonly copied: number
      readonly bytes: number
      /** Messages whose flags were changed at the target. */
      readonly flags: number
      readonly removed: number
      /** Messages that were found at the target. */
      readonly adopted: number
      /** Of this pass, repaired ones not among them. */
      readonly skipped: number
      /** Gone from the source, and not removed at the target: too many, or a whole folder all at once. */
      readonly heldBack: number
    }
  /** By signal; the next pass goes on where it was. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly trouble: MailboxTrouble; readonly mayPass: boolean }

/** Waits between commands as the servers want it. */
export type Pace = {
  /** Before `bytes` are sent to the target; before each new connection with 0. Rejects with a MailboxTrouble 'stopped' when the signal fires. */
  take(bytes: number, signal: AbortSignal): Promise<void>
  told(trouble: MailboxTrouble): void
  /** One message of so many bytes was taken by the target after ms. */
  went(bytes: number, ms: number): void
}

export type CopyJob = {
  readonly mailbox: number
  readonly ledger: Ledger
  readonly source: Connect
  readonly target: Connect
  readonly options: CopyOptions
  readonly pace: Pace
  readonly signal: AbortSignal
  readonly onProgress: (p: Progress) => void
  readonly tuning?: Partial<Tuning>
}

export type Tuning = {
  /** At the target, on one connection, unanswered. */
  readonly maxInFlight: number
  readonly maxBytesInFlight: number
  /** So many messages are worth one more connection, and are given to one at a time. */
  readonly messagesPerLane: number
  /** In a row without a message copied between them; then the pass fails with what it was last told. */
  readonly maxTroubles: number
  /** How long the target's folder must stand still before what was not found there is sent again. */
  readonly settleMs: number
}

export const defaultOptions: CopyOptions = {
  newestFirst: false,
  excludeFolders: [],
  folderMap: {},
  followFlags: true,
  followDeletions: false,
  connections: 1,
}
