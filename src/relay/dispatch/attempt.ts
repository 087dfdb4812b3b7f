/** One piece of work out of the queue: the same stages as at the first time, with the project as it is now. */
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Project } from '../../project/project.ts'
import type { KeptRecipient, Work } from '../../queue/queue.ts'
import type { Routed } from '../admit/admit.ts'
import type { Carrier } from '../carry/carry.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { type Again, type Kept, laneOf, messageAgain, readRecipient } from '../keep/keep.ts'
import type { Recipient } from '../listen/listen.ts'
import { type Delivery, plan, type View } from '../plan/plan.ts'
import type { Steps } from '../record/record.ts'
import { type Copy, rewrite } from '../rewrite/rewrite.ts'
import type { Direct } from './conclude.ts'
import type { Ended } from './judge.ts'
import { elsewhere, held, routeNow, tenantGone } from './where.ts'

export type Trip = {
  readonly carrier: Carrier
  readonly project: Project
  readonly work: Work
  readonly kept: Kept
  readonly content: Buffer
  readonly steps: Steps
  /** Of the queue's clock. */
  readonly now: number
  readonly signal: AbortSignal
  /** Deliveries are several, and one has ended: who has the message by now is to be written down at once. */
  readonly onDelivered: (ended: readonly Ended[]) => void
  /** Something threw; what becomes of those whom it concerns. */
  readonly onBroken: (error: unknown, kept: readonly KeptRecipient[]) => readonly Direct[]
}

export type Arrived = {
  readonly direct: readonly Direct[]
  readonly ended: readonly Ended[]
  /** Outcomes of what was really attempted, for the lane. */
  readonly outcomes: readonly Outcome[]
}

type Person = { readonly kept: KeptRecipient; readonly recipient: Recipient }

/** A domain that says retry-later is looked at this often: its mode changes without a word to us. */
const retryLaterPauseMs = 5 * 60_000

export async function attempt(trip: Trip): Promise<Arrived> {
  const { project, work, kept, content } = trip
  const again = messageAgain(project, kept, content)
  if (again === undefined)
    return { direct: work.recipients.map((one) => held(one, 'tenant', tenantGone(kept))), ended: [], outcomes: [] }
  const sorted = sortOut(trip, again)
  const { mailFrom } = again.incoming
  const { peer, from, pass } = again.admission
  const { deliveries: planned } = plan({ project, peer, mailFrom, from, pass, routed: sorted.routed })
  // A report of ours names addresses as its reader wrote them: it is right as it is.
  const isOurs = kept.peer.kind === 'causeway'
  const deliveries = isOurs ? planned.map((one) => ({ ...one, view: 'unchanged' }) as const) : planned
  const here = deliveries.filter((delivery) => laneOf(delivery) === work.lane)
  const moved = deliveries.filter((delivery) => !here.includes(delivery))
  const people = new Map(sorted.people.map((person) => [person.recipient, person.kept]))
  const went = await Promise.all(here.map((delivery) => deliver(trip, again, delivery, people, here.length > 1)))
  return {
    direct: [
      ...sorted.direct,
      ...moved.flatMap((delivery) => keptOf(people, delivery).map((one) => elsewhere(one, laneOf(delivery), trip.now))),
      ...went.flatMap(({ direct }) => direct),
    ],
    ended: [...sorted.refused, ...went.flatMap(({ ended }) => ended)],
    outcomes: went.flatMap(({ outcomes }) => outcomes),
  }
}

/**
 * The slowest of several must not decide when it is known who has the message: who was written down at once is sent no
 * second copy after a crash. The rest is told together, so that one report tells of it.
 */
async function deliver(
  trip: Trip,
  again: Again,
  delivery: Delivery,
  people: People,
  isOneOfMany: boolean,
): Promise<Arrived> {
  try {
    const outcomes = await carry(trip, again, delivery)
    const ended = endOf(people, delivery, outcomes)
    const [delivered, others] = isOneOfMany ? parted(ended) : [[], ended]
    if (delivered.length > 0) trip.onDelivered(delivered)
    return { direct: [], ended: others, outcomes }
  } catch (error) {
    return { direct: trip.onBroken(error, keptOf(people, delivery)), ended: [], outcomes: [] }
  }
}

function parted(ended: readonly Ended[]): readonly [delivered: readonly Ended[], others: readonly Ended[]] {
  const isDelivered = ({ outcome }: Ended): boolean => outcome.kind === 'delivered'
  return [ended.filter(isDelivered), ended.filter((one) => !isDelivered(one))]
}

type Sorted = {
  readonly direct: readonly Direct[]
  readonly refused: readonly Ended[]
  readonly routed: readonly Routed[]
  readonly people: readonly Person[]
}

/** Where each recipient belongs now. */
function sortOut(trip: Trip, again: Again): Sorted {
  const direct: Direct[] = []
  const refused: Ended[] = []
  const routed: Routed[] = []
  const people: Person[] = []
  for (const kept of trip.work.recipients) {
    const recipient = readRecipient(kept)
    if ('why' in recipient) {
      direct.push(held(kept, 'operator', recipient.why))
      continue
    }
    const way = routeNow(trip.project, trip.kept, again, kept, recipient)
    if (way.kind === 'held') direct.push(held(kept, 'domain', way.why))
    else if (way.kind !== 'refused') {
      routed.push({ recipient, route: way })
      people.push({ kept, recipient })
    } else if (way.retryLater === undefined) refused.push(notRouted({ kept, recipient }, way.reply, way.why))
    else refused.push(comesBackLater({ kept, recipient }, way.reply, way.why))
  }
  return { direct, refused, routed, people }
}

async function carry(trip: Trip, again: Again, delivery: Delivery): Promise<readonly Outcome[]> {
  const { project, steps, kept } = trip
  const { incoming, message, admission } = again
  const copy = copyOf(again, project, delivery.view)
  steps.rewritten(delivery, copy)
  const arrivedAt = new Date(kept.arrivedAt)
  const load = { project, incoming, message, admission, delivery, copy, record: steps, arrivedAt }
  return trip.carrier.carry(load, trip.signal)
}

/** One copy for each view, as at the first time. */
const copies = new WeakMap<Again, Map<View, Copy>>()

function copyOf(again: Again, project: Project, view: View): Copy {
  const made = copies.get(again) ?? new Map<View, Copy>()
  copies.set(again, made)
  const copy = made.get(view) ?? rewrite(project, again.message, view, again.admission.peer.kind)
  made.set(view, copy)
  return copy
}

type People = ReadonlyMap<Recipient, KeptRecipient>

const keptOf = (people: People, { recipients }: Delivery): readonly KeptRecipient[] =>
  recipients.flatMap(({ recipient }) => people.get(recipient) ?? [])

function endOf(people: People, delivery: Delivery, outcomes: readonly Outcome[]): readonly Ended[] {
  return delivery.recipients.flatMap(({ recipient, rewritten }, i) => {
    const [kept, outcome] = [people.get(recipient), outcomes[i]]
    if (kept === undefined || outcome === undefined) return []
    const { tenant } = delivery
    const where = { lane: laneOf(delivery), rewritten, ...(tenant === undefined ? {} : { tenant: tenant.name }) }
    return [{ kept, recipient, ...where, outcome }]
  })
}

function notRouted({ kept, recipient }: Person, reply: Reply, why: string): Ended {
  const outcome: Outcome = { kind: 'refused', reply, why, remote: '', tls: '', ours: true }
  return { kept, recipient, lane: kept.lane, rewritten: recipient.text, outcome }
}

/** The domain asks everybody to come back; what was taken before waits for it, and is warned of and given up as ever. */
function comesBackLater({ kept, recipient }: Person, reply: Reply, why: string): Ended {
  const { lane } = kept
  const outcome: Outcome = { kind: 'deferred', reply, why, remote: '', tls: '', ours: true }
  return { kept, recipient, lane, rewritten: recipient.text, outcome, untriedForMs: retryLaterPauseMs }
}

/** For a recipient whom nobody was asked about: an operator sends the message back. */
export function byWish(kept: KeptRecipient, recipient: Recipient): Ended {
  const why = `${kept.by ?? 'an operator'} had it returned`
  return notRouted({ kept, recipient }, { ...replies.tryLater(), code: 554, enhanced: '5.0.0', text: why }, why)
}
