/** What an outcome means for a recipient in the queue: done, to be tried again, given back to its sender, or held. */
import type { Project } from '../../project/project.ts'
import {
  backOffMs,
  givenUpFrom,
  type KeptMessage,
  type KeptRecipient,
  type Result,
  type Trouble,
  waitsSince,
} from '../../queue/queue.ts'
import { meaningOf, type Outcome } from '../deliver/deliver.ts'
import { type Kept, lastWords } from '../keep/keep.ts'
import type { MailFrom, Recipient } from '../listen/listen.ts'
import type { Fate } from '../notify/notify.ts'
import { placeNow } from './where.ts'

/** A message in the queue, read back. */
export type Case = { readonly project: Project; readonly message: KeptMessage; readonly kept: Kept }

/** One recipient after an attempt. */
export type Ended = {
  readonly kept: KeptRecipient
  readonly recipient: Recipient
  readonly lane: string
  readonly rewritten: string
  /** Whose host it was. */
  readonly tenant?: string
  readonly outcome: Outcome
  /** It was not attempted, and is due again after so long. */
  readonly untriedForMs?: number
  /** Nothing was tried: an attempt in its lane failed at this time. What is not given up stays as it is. */
  readonly sweptAt?: number
  /** That it is late is for the last one in hand of its message to say. */
  readonly isLeft?: true
}

/** `fate`: what its sender is to be told, if anybody may be. */
export type Judged = { readonly result: Result; readonly end?: Fate['end'] }

export type Times = {
  /** Of the attempt's end, by the queue's clock. */
  readonly now: number
  /** When a message that met a next hop in trouble is due again: its lane decides in the end. */
  readonly soon: number
}

const minute = 60_000
const operatorPauseMs = 15 * minute
const shortestThrottleMs = 5 * minute

/**
 * Only mail of a tenant has a sender who may be told: others may have put anybody's address there, and a report about a
 * report goes round (RFC 5321 section 4.5.5, docs/decisions/mixed-outcomes.md).
 */
export function mayBeTold({
  peer,
  mailFrom,
}: {
  readonly peer: { readonly kind: string }
  readonly mailFrom: MailFrom
}): boolean {
  return peer.kind === 'tenant' && mailFrom.path.kind === 'address'
}

export function judge(of: Case, ended: Ended, times: Times): Judged {
  const { outcome } = ended
  const facts = { n: ended.kept.n, reply: lastWords(outcome), why: outcome.why }
  switch (outcome.kind) {
    case 'delivered':
      return { result: { ...facts, kind: 'delivered' } }
    case 'refused':
      return givenUp(of, facts, 'refused')
    case 'deferred':
      if (endsLate(of, ended, times.now)) return expired(of, ended.kept, facts)
      if (ended.sweptAt !== undefined) return { result: { ...facts, kind: 'unchanged' } }
      return { result: { ...facts, ...waiting(ended, times) } }
  }
}

type Facts = { readonly n: number; readonly reply: string; readonly why: string }

/** What was put on hold while its last attempt went on never grows too old. */
function expired(of: Case, one: KeptRecipient, facts: Facts): Judged {
  const place = placeNow(of.project, of.kept, one)
  if (place?.kind !== 'held') return givenUp(of, facts, 'expired')
  return { result: { ...facts, kind: 'held', cause: place.cause, why: place.why } }
}

/** Whoever cannot be told has not lost the message: an operator sees it, held. */
function givenUp({ kept }: Case, facts: Facts, end: 'refused' | 'expired'): Judged {
  return mayBeTold(kept)
    ? { result: { ...facts, kind: 'returned' }, end }
    : { result: { ...facts, kind: 'held', cause: end } }
}

export const ageAt = (now: number, message: KeptMessage, kept: KeptRecipient): number => now - waitsSince(message, kept)

/** Its last attempt failed so late that it is given up. */
export function endsLate(of: Case, { kept, sweptAt, isLeft, outcome }: Ended, now: number): boolean {
  return isLeft !== true && outcome.kind === 'deferred' && isExpired(of, kept, sweptAt ?? now)
}

/** It goes on waiting, and its sender is to hear that it is late. */
export function staysLate(of: Case, { kept, sweptAt, isLeft, outcome }: Ended, now: number): boolean {
  return isLeft !== true && outcome.kind === 'deferred' && isLate(of, kept, sweptAt ?? now)
}

function isExpired({ project, message }: Case, kept: KeptRecipient, now: number): boolean {
  return now >= givenUpFrom(message, kept, project.policy)
}

/**
 * Its sender is to hear that it is late: once of each recipient, because those of other next hops are late by themselves. Nobody is
 * to notice a domain on hold.
 */
function isLate({ project, message, kept }: Case, one: KeptRecipient, now: number): boolean {
  const isOld = one.isWarned !== true && ageAt(now, message, one) >= project.policy.warnAfterMs
  return isOld && placeNow(project, kept, one)?.kind !== 'held'
}

type Waiting = Extract<Result, { kind: 'waiting' }>

function waiting(
  { lane, outcome, kept, untriedForMs }: Ended,
  { now, soon }: Times,
): Pick<Waiting, 'kind' | 'lane' | 'trouble' | 'nextAt' | 'isUntried'> {
  const trouble: Trouble = meaningOf(outcome.reply) ?? 'temporary'
  const again = { kind: 'waiting', lane, trouble } as const
  if (untriedForMs !== undefined) return { ...again, nextAt: now + spread(untriedForMs), isUntried: true }
  if (trouble === 'operator') return { ...again, nextAt: now + spread(operatorPauseMs) }
  if (trouble === 'throttled')
    return { ...again, nextAt: now + Math.max(spread(shortestThrottleMs), 2 * backOffMs(kept.attempts + 1)) }
  return outcome.unreached === true ? { ...again, nextAt: soon } : again
}

/** A tenth more or less, so that what failed together does not come back together. */
const spread = (ms: number): number => Math.round(ms * (0.9 + 0.2 * Math.random()))
