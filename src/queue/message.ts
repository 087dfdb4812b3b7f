/** A message as it is given to the queue, and as the queue keeps it. */
import type { Content } from '../mail/message/message.ts'

/**
 * domain: its domain stands on hold. tenant: the one that it came from is not in the project. refused, expired: nobody may be told.
 * operator: somebody said so.
 */
export type HoldCause = 'domain' | 'tenant' | 'refused' | 'expired' | 'operator'

/** What a reply means beyond its class. throttled: the hop slows us down. operator: somebody must mend the setup at this hop. */
export type Trouble = 'temporary' | 'throttled' | 'operator'

/** running: an attempt goes on at this moment. */
export type RecipientState = 'waiting' | 'held' | 'running'

export type NewRecipient = {
  /** As the sender wrote it. */
  readonly address: string
  /** domainKey of the address. */
  readonly domain: string
  /** JSON that the queue does not read. */
  readonly facts: string
  /** One next hop by name: `tenant:NAME`, `smarthost:HOST:PORT`, `mx:DOMAIN`. What shares a lane shares its back-off. */
  readonly lane: string
  /** `put` answers with a lease for those that are running. */
  readonly state: RecipientState
  /** Of a held one. */
  readonly cause?: HoldCause
  readonly trouble?: Trouble
  /** Made so far. */
  readonly attempts: number
  /** Last words of the next hop; '' when there are none. */
  readonly reply: string
  /** Exact, for the operator. */
  readonly why: string
}

export type NewMessage = {
  /** Ours, as in the trace. No two messages in the queue share one. */
  readonly id: string
  /** MAIL FROM as written; '' is the null sender. */
  readonly sender: string
  /** Tenant name, `internet`, or `causeway` for our own reports. */
  readonly peer: string
  readonly messageId: string
  readonly subject: string
  /** JSON that the queue does not read. */
  readonly envelope: string
  readonly content: Content
  readonly recipients: readonly NewRecipient[]
}

/** Times are ms of the queue's clock. */
export type KeptRecipient = NewRecipient & {
  /** Place in the message, from 0. */
  readonly n: number
  /** When it is due again; of a held one, when it came to be held. */
  readonly nextAt: number
  /** Of the last attempt that the queue knows of. */
  readonly lastAt?: number
  /** The operator wants it returned to its sender. */
  readonly wish?: 'return'
  /** The operator who did the last thing by hand. */
  readonly by?: string
  /** Let go from being held: such ones of one sender to one address leave one after the other. */
  readonly releasedAt?: number
  /** Its sender was told that it is late. */
  readonly isWarned?: true
}

export type KeptMessage = {
  readonly id: string
  readonly receivedAt: number
  readonly sender: string
  readonly peer: string
  readonly messageId: string
  readonly subject: string
  readonly envelope: string
  /** Bytes of the content. */
  readonly size: number
  /** When its sender was told first that some of it is late. */
  readonly warnedAt?: number
}

/** Recipients that are done are no longer there. */
export type Listed = {
  readonly message: KeptMessage
  readonly recipients: readonly KeptRecipient[]
  /** Recipients that are not listed, though they fit. */
  readonly more?: number
}
