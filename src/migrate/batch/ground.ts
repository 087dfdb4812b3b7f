/** What the work on batches stands on: the file, the engine, the clock, and what only the main thread can do. */

import type { Db } from '../../store/store.ts'
import type { CompareJob, Comparison, CopyJob, Ledger, PassOutcome, Progress, Survey, SurveyJob } from '../copy/copy.ts'
import type { OpenMailbox } from './reach.ts'

/** Real ones come from `copy/` and `imap/`; tests pass in others. */
export type Engine = {
  readonly open: OpenMailbox
  readonly copyPass: (job: CopyJob) => Promise<PassOutcome>
  readonly surveyMailbox: (job: SurveyJob) => Promise<Survey>
  readonly compareMailboxes: (job: CompareJob) => Promise<Comparison>
}

/** A report on its way to people; the main thread makes a message of it. */
export type Letter = {
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly files: readonly { readonly name: string; readonly csv: string }[]
}
export type Sent = { readonly ok: true } | { readonly ok: false; readonly why: string }
export type SecretAnswer =
  | { readonly kind: 'found'; readonly value: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly why: string }

export type Ground = {
  readonly db: Db
  readonly ledger: Ledger
  readonly engine: Engine
  readonly now: () => number
  /** Key of a batch; undefined when it was forgotten. */
  readonly batchKey: (keyId: string) => Uint8Array | undefined
  readonly forgetKey: (keyId: string) => void
  /** What `vault:NAME` stands for. */
  readonly secret: (name: string) => Promise<SecretAnswer>
  readonly sendReport: (letter: Letter) => Promise<Sent>
  /** Sentences for the log. */
  readonly onTrouble: (why: string) => void
  readonly betweenTriesMs?: number
}

/** A mailbox that is being worked on. */
export type Live = {
  readonly mailbox: number
  readonly batch: number
  readonly email: string
  readonly kind: 'pass' | 'check' | 'compare'
  readonly since: number
  progress?: Progress
}
