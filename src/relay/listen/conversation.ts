/** One client and us: what the commands see and change. The socket is not among it. */
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Backend, Client, MailFrom, Recipient, Soon } from './backend.ts'
import type { Gather } from './gather.ts'
import type { LimitName, Limits } from './limits.ts'
import type { Cargo, Stay } from './places.ts'

/** What all conversations of one listener share. */
export type House = {
  readonly hostname: string
  readonly limits: Limits
  readonly backend: Backend
  readonly bareLineEnds: 'refuse' | 'normalise'
  /** How often each limit was met. */
  readonly counts: Record<LimitName, number>
  readonly onError: (error: unknown, what: string) => void
}

/** From an accepted MAIL to the answer to its message (RFC 5321 section 3.3). */
export type Transaction = {
  readonly from: MailFrom
  readonly recipients: Recipient[]
  readonly cargo: Cargo
  /** The chunks so far, once BDAT has begun. */
  chunks?: Gather
}

/** Bytes that are no commands: they go to `push` until it says where they end; then `done` replies. */
export type Content = {
  push(chunk: Buffer, from: number): number
  /** It is the message's from now on; otherwise the chunk may go when all of it was pushed. */
  keeps(chunk: Buffer): boolean
  done(): void
}

export type Conversation = {
  readonly house: House
  readonly stay: Stay
  client: Client
  transaction: Transaction | undefined
  content: Content | undefined
  /** Messages given to the backend. */
  messages: number
  /** Commands since the last message that lead nowhere. */
  idleCommands: number
  /** Answers that were held back because its source is slowed down. */
  heldBack: number
  /** The greeting was a refusal: all that may follow is QUIT (RFC 5321 section 3.1). */
  turnedAway: boolean
  /** The client has sent more than what is being answered. */
  readonly unread: boolean
  readonly mayStartTls: boolean
  /** Nobody hears what we say, or will not when we get to say it. */
  readonly isGone: boolean

  /** Monotonic milliseconds, as coarse as the ticks. */
  now(): number
  say(reply: Reply): void
  /** A reply that is the engine's own no: counted as a mistake of the client, and told to the backend. With the limit that it met. */
  refuse(what: string, reply: Reply, limit?: LimitName): void
  /** The same, but what the client did is in order: it learns here that it must do less. */
  decline(what: string, reply: Reply, limit?: LimitName): void
  /** Forgets the transaction, and what it has brought so far. */
  endTransaction(): void
  /** Counts a mistake; too many end the conversation. */
  mistake(): void
  /** Asks the backend. What it throws is answered 451; `then` is not called in that case. */
  ask<T>(what: string, question: () => Soon<T>, then: (answer: T) => void): void
  /** Says the last thing and listens no more. */
  close(): void
  startTls(): void
}

/**
 * RFC 2920 section 3.1: whoever sends on without waiting for this answer cannot know it. For EHLO and STARTTLS that is how
 * commands are slipped into a conversation, for DATA how content becomes commands: nothing of it is read.
 */
export function mustBeLast(c: Conversation, verb: string): boolean {
  if (!c.unread) return true
  c.refuse(`input sent before the reply to ${verb}`, replies.earlyTalker())
  c.close()
  return false
}
