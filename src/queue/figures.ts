/** Counts that always add up. */
import type { Trouble } from './message.ts'

/** Recipients since the queue was made. taken = delivered + returned + dropped + waiting + running + held, always. */
export type Totals = {
  readonly taken: number
  readonly delivered: number
  readonly returned: number
  /** By a person. */
  readonly dropped: number
  readonly waiting: number
  readonly running: number
  readonly held: number
}

/** As of the last commit; looking costs nothing. */
export type Figures = Totals & {
  readonly messages: number
  /** Content of the messages kept. */
  readonly bytes: number
  /** When the oldest waiting one was received, or released from being held. */
  readonly oldestWaitingAt?: number
  /** Pairs of sender and recipient in the ledger of attempts. */
  readonly attemptPairs: number
  /** First attempt of the pair that has waited longest without coming back. */
  readonly oldestAttemptAt?: number
  /** Attempts that found the ledger full and are in none of its rows. */
  readonly attemptsLeftOut: number
}

export type LaneFigures = {
  readonly lane: string
  readonly waiting: number
  readonly running: number
  readonly held: number
  /** Since when the oldest that waits here does: its arrival, or its release. Where nothing waits, the arrival of the oldest. */
  readonly oldestAt: number
  /** Of the last attempt here that failed; none when one has succeeded since. */
  readonly trouble?: Trouble
  /** Its words; '' where it said nothing, and `why` tells what happened. */
  readonly reply: string
  readonly why: string
}
