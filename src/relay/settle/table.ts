/** The table of docs/flow.md, "settle": what the next hops said becomes an answer, or a list of what is kept. No I/O. */
import { cleanText, type Reply, replies } from '../../mail/reply/reply.ts'
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
}

export function decide(settled: readonly Settled[], c: Circumstances): Decision {
  const refused = settled.filter(({ outcome }) => outcome.kind === 'refused')
  const open = settled.filter(({ outcome }) => outcome.kind === 'deferred')
  const hasDelivered = refused.length + open.length < settled.length
  const isFinal = open.length === 0 && !c.hasHeld
  if (isFinal && refused.length === 0) return { kind: 'answer', reply: replies.ok() }
  if (isFinal && !hasDelivered) return { kind: 'answer', reply: shown(refused[0], replies.nextHopRefused) }
  // Its own system tells the sender of the internet; nobody is there who would tell the sender of a report.
  if (isFinal && !c.mayBeTold) return { kind: 'answer', reply: partly(refused) }
  // What may have arrived is kept in any case: asking for it again would make a second copy.
  const mayComeBack = !hasDelivered && !c.hasHeld && !open.some(({ outcome }) => outcome.later !== undefined)
  if (c.whenNextHopFails === 'defer' && mayComeBack)
    return { kind: 'answer', reply: shown(open[0], replies.nextHopDeferred) }
  const rest = settled.filter(({ outcome }) => outcome.kind !== 'delivered')
  return { kind: 'keep', keep: rest.map((one) => ({ ...one, as: one.how === 'untried' ? 'waiting' : 'pending' })) }
}

function partly(refused: readonly Settled[]): Reply {
  return replies.partlyRefused(refused.map(({ recipient }) => recipient.given).join(', '), wordsOf(refused[0]))
}

function shown(settled: Settled | undefined, reply: (enhanced: string, words: string) => Reply): Reply {
  return reply(settled?.outcome.reply.enhanced ?? '', wordsOf(settled))
}

/** The next hop's own words; where they name an internal address, in any case, the one that was written to stands instead. */
function wordsOf(settled: Settled | undefined): string {
  if (settled === undefined) return ''
  const { given, rewritten } = settled.recipient
  const literally = new RegExp(rewritten.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`), 'gi')
  return cleanText(settled.outcome.reply.text.replaceAll(literally, () => given))
}
