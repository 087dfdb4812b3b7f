/** What the parts of one attempt at a pass share. */
import type { Folder, FolderState, Mailbox } from '../mailbox/mailbox.ts'
import type { Blame } from './blame.ts'
import type { Book, Copied, Pair } from './book.ts'
import type { CopyJob, Skipped, Tuning } from './contract.ts'
import type { Mapped } from './folder-map.ts'
import type { MessageTable } from './message-table.ts'
import type { Sender } from './sender.ts'
import type { Sending } from './sending.ts'
import type { Tally } from './tally.ts'

export type Attempt = {
  readonly job: CopyJob
  readonly book: Book
  readonly tuning: Tuning
  readonly tally: Tally
  /** Outlives attempts. */
  readonly blame: Blame
  /** Choices that change what a folder's last word is worth. */
  readonly settings: string
  /** What ended the attempt; all that follows comes of it. */
  failure: Error | undefined
  fail: (error: unknown) => void
}

/** A connection to each side, and what is under way between them. */
export type Lane = { readonly source: Mailbox; readonly target: Mailbox; readonly sender: Sender }

/** One pair of folders in one attempt. */
export type FolderWork = {
  readonly mapped: Mapped
  readonly target: Folder
  readonly targetState: FolderState
  /** The source's path, joined by /. */
  readonly name: string
  readonly pair: Pair
  /** Nothing is known of its messages, because the pair is new or one side is not what it was. */
  readonly isNew: boolean
  /** Messages to copy as far as the plan knows. */
  readonly guess: number
  begun?: Promise<void>
  /** The source's, when it was opened. */
  state?: FolderState
  /** What is to be copied, and where in it the lanes are. */
  table: MessageTable
  order: Uint32Array
  at: number
  /** UIDs that connections have died of, kept for the end. */
  readonly suspects: number[]
  lanesIn: number
  /** Offered to a sender and not settled. */
  unsettled: number
  readonly sending: Map<number, InFlight>
  readonly copied: Copied[]
  readonly skipped: Skipped[]
  /** The highest UID that the target is known to have given. */
  highest: number
  /** Copied, flags still to be set: UIDs of the source. */
  readonly flagsLater: { readonly uid: number; readonly targetUid: number; readonly flags: readonly string[] }[]
  gone: readonly { readonly uid: number; readonly targetUid: number }[]
  /** Left for the end of the attempt, when all is sent. */
  hasAfterwork: boolean
  isOver: boolean
  /** It could not be worked in; the next pass tries again. */
  isDead: boolean
}

/** `floor`: when it was sent, the target had given no UID from here on. */
export type InFlight = Sending & { readonly floor: number }
