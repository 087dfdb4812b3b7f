/** A dry run: what a pass would find, and what it would make of it. */
import type { Connect, MailboxTrouble } from '../mailbox/mailbox.ts'
import type { CopyOptions, Skipped } from './contract.ts'

export type SurveyJob = {
  readonly source: Connect
  readonly target: Connect
  readonly options: CopyOptions
  readonly signal: AbortSignal
}

export type SurveyedFolder = {
  /** Joined by /. */
  readonly source: string
  readonly target: string
  readonly isNew: boolean
  readonly messages: number
  readonly bytes: number
  /** Already at the target, of whatever origin. */
  readonly targetMessages: number
}

export type Survey =
  | {
      readonly kind: 'surveyed'
      readonly folders: readonly SurveyedFolder[]
      readonly leftOut: readonly { readonly folder: string; readonly messages: number; readonly why: string }[]
      readonly messages: number
      readonly bytes: number
      /** The first thousand. */
      readonly wouldSkip: readonly Skipped[]
      readonly wouldSkipCount: number
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly trouble: MailboxTrouble; readonly mayPass: boolean }

/** For `migrate check`: folders, counts, sizes, mapping, what would be skipped; nothing is written. */
export async function surveyMailbox(_job: SurveyJob): Promise<Survey> {
  return { kind: 'stopped' }
}
