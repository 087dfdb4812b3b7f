/** What passes between the queue and whoever attempts delivery. */
import type { HoldCause, KeptMessage, KeptRecipient, NewMessage, Trouble } from './message.ts'

/** The right to work on some recipients of a message. Only its holder may say what became of them. */
export type Lease = { readonly token: string }

export type Put =
  | { readonly ok: true; readonly lease?: Lease }
  /** isFull: the disk has no room (452); otherwise it cannot be kept for another reason (451). */
  | { readonly ok: false; readonly why: string; readonly isFull: boolean }

/** Recipients of one message in one lane, or all of them that carry the wish: then `lane` is that of one of them. */
export type Work = {
  readonly lease: Lease
  readonly message: KeptMessage
  readonly lane: string
  readonly wish?: 'return'
  readonly recipients: readonly KeptRecipient[]
}

/**
 * What was due first comes first. Without `lane`, those with a wish come before all others, whatever lane they are in.
 *
 * `receivedBefore` and `warnBefore` ask by age instead: what is oldest comes first, the lanes of a message one after the other.
 * The age of what was held counts from its release. What is not yet due is given with `force` only. They look at the 20,000
 * oldest recipients, of the lane if one is named: whoever gives back unchanged what it got will get it again.
 */
export type ClaimQuery = {
  /** Pieces of work at most. By age the last message is given in all its lanes, even if that makes a few more. */
  readonly limit: number
  /** Sum of message sizes; the first piece is given whatever its size. */
  readonly maxBytes?: number
  readonly lane?: string
  /** These messages only, in their order. */
  readonly ids?: readonly string[]
  readonly exceptLanes?: readonly string[]
  readonly receivedBefore?: number
  /** Received before, and its sender not yet told that it is late. */
  readonly warnBefore?: number
  /** Those not yet due too. */
  readonly force?: boolean
}

/** Of a message: recipients in these lanes that wait since before, or since before the other if their sender has not been warned. */
export type Late = { readonly lanes: readonly string[]; readonly receivedBefore: number; readonly warnBefore?: number }

/** What became of recipient `n` of the message. */
export type Result = { readonly n: number; readonly reply: string; readonly why: string } & (
  | { readonly kind: 'delivered' }
  /** Refused for good or expired: reported, or there is nobody to be told. */
  | { readonly kind: 'returned' }
  | { readonly kind: 'held'; readonly cause: HoldCause }
  /** nextAt: by the number of attempts when absent. isUntried: no attempt was made, so none counts and the lane is in no trouble. */
  | {
      readonly kind: 'waiting'
      readonly lane: string
      readonly trouble: Trouble
      readonly nextAt?: number
      readonly isUntried?: true
    }
  /** Nothing was tried; it is due when it was due before. */
  | { readonly kind: 'unchanged' }
)

/** What is committed together with results. */
export type FinishMore = {
  readonly reports?: readonly NewMessage[]
  /** Recipients of whom the sender has been told that they are late: with one of these reports, or nobody is to be told. */
  readonly warned?: readonly number[]
}
