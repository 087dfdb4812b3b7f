/** The table of docs/flow.md, "settle": what the next hops said becomes an answer, or a list of what is kept. No I/O. */
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Delivery, PlannedRecipient } from '../plan/plan.ts'

/** A recipient, and what is known of it when the sender must be answered. */
export type Settled = {
  readonly delivery: Delivery
  readonly recipient: PlannedRecipient
  readonly outcome: Outcome
  /** `recalled`: it has the message by an earlier try of the sender; `under way`: perhaps. `untried`: its next hop is in trouble. */
  readonly how: 'tried' | 'recalled' | 'under way' | 'untried'
}

/** `pending`: the attempt's outcome is written down once the message is safe, or is still being waited for. */
export type ToKeep = Settled & { readonly as: 'waiting' | 'pending' }

export type Decision =
  | { readonly kind: 'answer'; readonly reply: Reply }
  | { readonly kind: 'keep'; readonly keep: readonly ToKeep[] }

export type Circumstances = {
  readonly whenNextHopFails: 'queue' | 'defer'
  /** It came through a tenant's connector and has a sender: a report can go back. */
  readonly mayBeTold: boolean
  /** Others of the message are held: it is kept in any case. */
  readonly hasHeld: boolean
  /** The words of the next hop as the sender may read them. */
  readonly words: (about: Settled) => string
}

export function decide(settled: readonly Settled[], c: Circumstances): Decision {
  const [firstRefused, ...otherRefused] = settled.filter(({ outcome }) => outcome.kind === 'refused')
  const open = settled.filter(({ outcome }) => outcome.kind === 'deferred')
  const hasDelivered = settled.some(({ outcome }) => outcome.kind === 'delivered')
  if (open.length === 0 && !c.hasHeld) {
    if (firstRefused === undefined) return answer(replies.ok())
    if (!hasDelivered) return answer(shown(firstRefused, replies.nextHopRefused, c))
    // Its own system tells the sender of the internet; nobody is there who would tell the sender of a report.
    if (!c.mayBeTold) return answer(partly([firstRefused, ...otherRefused], c))
  }
  // What may have arrived is kept in any case: asking for it again would make a second copy.
  const mayComeBack = !hasDelivered && !c.hasHeld && open.every(({ outcome }) => outcome.later === undefined)
  if (c.whenNextHopFails === 'defer' && mayComeBack && open[0] !== undefined)
    return answer(shown(open[0], replies.nextHopDeferred, c))
  const rest = settled.filter(({ outcome }) => outcome.kind !== 'delivered')
  return { kind: 'keep', keep: rest.map((one) => ({ ...one, as: one.how === 'untried' ? 'waiting' : 'pending' })) }
}

const answer = (reply: Reply): Decision => ({ kind: 'answer', reply })

function partly(refused: readonly [Settled, ...Settled[]], { words }: Circumstances): Reply {
  return replies.partlyRefused(refused.map(({ recipient }) => recipient.given).join(', '), words(refused[0]))
}

/** What nobody said but us (it cannot be given to that hop, or did not get there) is not laid into the mouth of another server. */
function shown(one: Settled, as: (enhanced: string, words: string) => Reply, c: Circumstances): Reply {
  const { reply, spoke } = one.outcome
  const text = c.words(one)
  const theirs = as(reply.enhanced, text)
  if (spoke === true || text === '') return theirs
  return { code: forMessage.has(reply.code) ? reply.code : theirs.code, enhanced: theirs.enhanced, text }
}

/** The codes that may stand at the end of a message (RFC 5321 section 4.3.2). */
const forMessage: ReadonlySet<number> = new Set([450, 451, 452, 550, 552, 553, 554])
