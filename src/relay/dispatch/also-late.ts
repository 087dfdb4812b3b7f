/**
 * One report tells of all recipients of a message that are late, whichever lanes they wait in (docs/flow.md): who is told of one
 * takes along the others whose next hops are in trouble, too. What runs at that moment, or waits for a hop that is well, is
 * reported when it is late by itself.
 */
import { parseReply } from '../../mail/reply/reply.ts'
import type { KeptRecipient, Late, Lease } from '../../queue/queue.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { readRecipient } from '../keep/keep.ts'
import type { Direct } from './conclude.ts'
import { type Case, type Ended, endsLate, mayBeTold, staysLate } from './judge.ts'
import type { LaneInTrouble } from './lanes.ts'
import { elsewhere, held, placeNow, unchanged } from './where.ts'
import type { WorkerParts } from './worker.ts'

type Parts = Pick<WorkerParts, 'queue' | 'lanes' | 'onTrouble'>

export type AlsoLate = { readonly direct: readonly Direct[]; readonly ended: readonly Ended[] }

const nobody: AlsoLate = { direct: [], ended: [] }

/** They come under the same lease, so that they end in the same commit. */
export async function alsoLate(
  parts: Parts,
  lease: Lease,
  of: Case,
  ended: readonly Ended[],
  now: number,
): Promise<AlsoLate> {
  const late = mayBeTold(of.kept) ? lateFor(of, ended, now) : undefined
  if (late === undefined) return nobody
  const { queue, lanes, onTrouble } = parts
  try {
    const names = (await queue.lateLanes(lease, late)).filter((name) => lanes.trouble(name) !== undefined)
    const taken = names.length === 0 ? [] : await queue.join(lease, { ...late, lanes: names })
    const all = taken.map((one) => metBy(parts, of, one, now))
    return { direct: all.filter((one) => 'result' in one), ended: all.filter((one) => 'outcome' in one) }
  } catch (error) {
    // They have a report of their own, then; what is known of the others is not to wait.
    onTrouble(`message ${of.message.id}: who else is late could not be found: ${String(error)}`)
    return nobody
  }
}

/** How old the others must be; undefined when nobody is told anything now. */
function lateFor(of: Case, ended: readonly Ended[], now: number): Omit<Late, 'lanes'> | undefined {
  const { warnAfterMs, returnAfterMs } = of.project.policy
  const given = ended.some((one) => endsLate(of, one, now))
  const warned = ended.some((one) => !endsLate(of, one, now) && staysLate(of, one, now))
  if (!given && !warned) return undefined
  return { receivedBefore: now - returnAfterMs, ...(warned && { warnBefore: now - warnAfterMs }) }
}

/** What the last attempt in its lane found holds until the next; if that should be over by now, it held when that attempt ended. */
function metBy({ lanes }: Parts, of: Case, one: KeptRecipient, now: number): Ended | Direct {
  const trouble = lanes.trouble(one.lane)
  // It has recovered meanwhile.
  if (trouble === undefined) return unchanged(one)
  return swept(of, one, { trouble, sweptAt: trouble.holds ? now : trouble.lastFailedAt, now })
}

type Met = { readonly trouble: LaneInTrouble; readonly sweptAt: number; readonly now: number }

/** Nothing is asked of the hop: the trouble of its lane is what happened to it, unless it has moved away. */
export function swept(
  { project, kept }: Pick<Case, 'project' | 'kept'>,
  one: KeptRecipient,
  { trouble, sweptAt, now }: Met,
): Ended | Direct {
  const place = placeNow(project, kept, one)
  // What its domain holds by now never grows too old, and nobody is told that it is late.
  if (place?.kind === 'held') return held(one, place.cause, place.why)
  if (place !== undefined && place.lane !== one.lane) return elsewhere(one, place.lane, now)
  const recipient = readRecipient(one)
  if ('why' in recipient) return held(one, 'operator', recipient.why)
  const outcome: Outcome = { kind: 'deferred', ...wordsFor(one, trouble), remote: '', tls: '', unreached: true }
  return { kept: one, recipient, lane: one.lane, rewritten: recipient.text, outcome, sweptAt }
}

/** Its own where it met that trouble itself; what the hop said of another message is not for its sender. */
function wordsFor(
  { lastAt = 0, reply, why }: KeptRecipient,
  { lastFailedAt, closed }: LaneInTrouble,
): Pick<Outcome, 'reply' | 'why' | 'spoke'> {
  if (lastAt < lastFailedAt) return closed
  return reply === '' ? { ...closed, why } : { reply: parseReply([reply]), why, spoke: true }
}
