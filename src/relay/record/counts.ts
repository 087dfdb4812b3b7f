/** Counts since the process started, and the account that they must add up to. */
import type { Totals } from '../../queue/queue.ts'

export type Counts = {
  // Messages, by the answer given.
  received: number
  accepted: number
  refused: number
  deferred: number
  /** At RCPT. */
  recipientsRefused: number
  /** Recipients handed to a next hop, at once or out of the queue. */
  delivered: number
  rewritten: number
  signed: number
  /** Messages of the internet that fail DMARC, whatever the project makes of that, and those for which DNS left it open. */
  dmarcFailed: number
  dmarcUnknown: number
  /** Messages that were refused because a connection that could be a tenant's brought no proof of it. */
  unproven: number
  protocolErrors: number
  // Recipients, for the account.
  /** Their fate is ours, or was decided while the sender waited; reports of our own count as well. */
  recipientsAccepted: number
  deliveredAtOnce: number
  /** By the next hop for good, while the sender waited and was told. */
  refusedAtOnce: number
}

export const noCounts = (): Counts => ({
  received: 0,
  accepted: 0,
  refused: 0,
  deferred: 0,
  recipientsRefused: 0,
  delivered: 0,
  rewritten: 0,
  signed: 0,
  dmarcFailed: 0,
  dmarcUnknown: 0,
  unproven: 0,
  protocolErrors: 0,
  recipientsAccepted: 0,
  deliveredAtOnce: 0,
  refusedAtOnce: 0,
})

/** Recipients since the start, together with those that were in the queue then. accepted = the sum of the others, always. */
export type Account = {
  readonly accepted: number
  readonly delivered: number
  readonly refused: number
  readonly queued: number
  readonly held: number
  /** Reported to their senders, or nobody was to be told. */
  readonly returned: number
  /** By a person. */
  readonly dropped: number
}

/** `atStart` and `now` are the queue's totals. */
export function account(counts: Readonly<Counts>, atStart: Totals, now: Totals): Account {
  return {
    accepted: counts.recipientsAccepted + atStart.waiting + atStart.running + atStart.held,
    delivered: counts.deliveredAtOnce + now.delivered - atStart.delivered,
    refused: counts.refusedAtOnce,
    queued: now.waiting + now.running,
    held: now.held,
    returned: now.returned - atStart.returned,
    dropped: now.dropped - atStart.dropped,
  }
}

/** By how many recipients an account is wrong; 0, or a message was lost or counted twice. */
export function imbalance(a: Account): number {
  return a.accepted - (a.delivered + a.refused + a.queued + a.held + a.returned + a.dropped)
}
