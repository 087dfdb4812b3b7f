/** One piece of work out of the queue: the same stages as at the first time, with the project as it is now. */
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Project } from '../../project/project.ts'
import { tenantNamed } from '../../project/project.ts'
import type { KeptRecipient, Result, Work } from '../../queue/queue.ts'
import { type Route, type Routed, route, routeAsOpen } from '../admit/admit.ts'
import type { Carrier } from '../carry/carry.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { type Again, type Kept, laneOf, messageAgain, readRecipient } from '../keep/keep.ts'
import type { Recipient } from '../listen/listen.ts'
import { type Delivery, plan, type View } from '../plan/plan.ts'
import type { Steps } from '../record/record.ts'
import { type Copy, rewrite } from '../rewrite/rewrite.ts'
import type { Direct } from './conclude.ts'
import { type Ended, spread } from './judge.ts'

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
}

export type Arrived = {
  readonly direct: readonly Direct[]
  readonly ended: readonly Ended[]
  /** Outcomes of what was really attempted, for the lane. */
  readonly outcomes: readonly Outcome[]
}

type Person = { readonly kept: KeptRecipient; readonly recipient: Recipient }

const operatorPauseMs = 15 * 60_000
/** A domain that says retry-later is looked at this often: its mode changes without a word to us. */
const retryLaterPauseMs = 5 * 60_000

export async function attempt(trip: Trip): Promise<Arrived> {
  const { project, work, kept, content } = trip
  const again = messageAgain(project, kept, content)
  if (again === undefined)
    return { direct: work.recipients.map((one) => tenantGone(trip, one)), ended: [], outcomes: [] }
  const sorted = sortOut(trip, again)
  const { mailFrom } = again.incoming
  const { peer, from, pass } = again.admission
  const { deliveries: planned } = plan({ project, peer, mailFrom, from, pass, routed: sorted.routed })
  // A report of ours names addresses as its reader wrote them: it is right as it is.
  const isOurs = kept.peer.kind === 'causeway'
  const deliveries = isOurs ? planned.map((one) => ({ ...one, view: 'unchanged' }) as const) : planned
  const here = deliveries.filter((delivery) => laneOf(delivery) === work.lane)
  const moved = deliveries.filter((delivery) => !here.includes(delivery))
  const carried = await Promise.all(here.map((delivery) => carry(trip, again, delivery)))
  const persons = new Map(sorted.people.map((person) => [person.recipient, person.kept]))
  const ended = here.flatMap((delivery, i) => endOf(persons, delivery, carried[i] ?? []))
  return {
    direct: [...sorted.direct, ...moved.flatMap((delivery) => elsewhere(trip, persons, delivery))],
    ended: [...sorted.refused, ...ended],
    outcomes: carried.flat(),
  }
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
    const way = routeNow(trip, again, kept, recipient)
    if (way.kind === 'held') direct.push(held(kept, 'domain', way.why))
    else if (way.kind !== 'refused') {
      routed.push({ recipient, route: way })
      people.push({ kept, recipient })
    } else if (way.retryLater === undefined) refused.push(notRouted({ kept, recipient }, way.reply, way.why))
    else direct.push(waiting(trip, kept, way.why, 'temporary', retryLaterPauseMs))
  }
  return { direct, refused, routed, people }
}

/** What somebody let go is not held again because its domain stands still. A report of ours finds its reader in any case. */
function routeNow(
  { project, kept }: Trip,
  { admission, incoming }: Again,
  recipientKept: KeptRecipient,
  recipient: Recipient,
): Route {
  const find = recipientKept.releasedAt === undefined ? route : routeAsOpen
  const found = find(project, admission.peer, incoming.mailFrom, recipient)
  if (kept.peer.kind !== 'causeway' || found.kind === 'inside' || found.kind === 'held') return found
  const tenant = tenantNamed(project, kept.peer.tenant)
  if (tenant === undefined) return found
  const why = `a report of ours for somebody who writes through tenant ${tenant.name}`
  return { kind: 'inside', tenant, to: recipient.text, why }
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
  const copy = made.get(view) ?? rewrite(project, again.message, view)
  made.set(view, copy)
  return copy
}

type People = ReadonlyMap<Recipient, KeptRecipient>

function endOf(people: People, delivery: Delivery, outcomes: readonly Outcome[]): readonly Ended[] {
  return delivery.recipients.flatMap(({ recipient, rewritten }, i) => {
    const [kept, outcome] = [people.get(recipient), outcomes[i]]
    if (kept === undefined || outcome === undefined) return []
    const { tenant } = delivery
    const where = { lane: laneOf(delivery), rewritten, ...(tenant === undefined ? {} : { tenant: tenant.name }) }
    return [{ kept, recipient, ...where, outcome }]
  })
}

/** The directory or the project has changed: it is due at once, in the lane where it belongs now. */
function elsewhere({ now }: Trip, people: People, delivery: Delivery): readonly Direct[] {
  const lane = laneOf(delivery)
  const result = {
    kind: 'waiting',
    lane,
    trouble: 'temporary',
    nextAt: now,
    reply: '',
    why: `it goes by ${lane} now`,
  } as const
  return delivery.recipients.flatMap(({ recipient }) => {
    const kept = people.get(recipient)
    return kept === undefined ? [] : [{ kept, result: { n: kept.n, ...result } }]
  })
}

function notRouted({ kept, recipient }: Person, reply: Reply, why: string): Ended {
  const outcome: Outcome = { kind: 'refused', reply, why, remote: '', tls: '', ours: true }
  return { kept, recipient, lane: kept.lane, rewritten: recipient.text, outcome }
}

function tenantGone(trip: Trip, kept: KeptRecipient): Direct {
  const { peer } = trip.kept
  const name = peer.kind === 'internet' ? '' : peer.tenant
  const why = `it came from tenant ${name}, which the project does not have: add the tenant again, or drop the message`
  return waiting(trip, kept, why, 'operator', operatorPauseMs)
}

function waiting(
  { now }: Trip,
  kept: KeptRecipient,
  why: string,
  trouble: 'temporary' | 'operator',
  pauseMs: number,
): Direct {
  const nextAt = now + spread(pauseMs)
  return { kept, result: { n: kept.n, kind: 'waiting', lane: kept.lane, trouble, nextAt, reply: kept.reply, why } }
}

export function held(kept: KeptRecipient, cause: 'operator' | 'domain', why: string): Direct {
  const result: Result = { n: kept.n, kind: 'held', cause, reply: kept.reply, why }
  return { kept, result }
}

/** For a recipient whom nobody was asked about: an operator sends the message back. */
export function byWish(kept: KeptRecipient, recipient: Recipient): Ended {
  const why = `${kept.by ?? 'an operator'} had it returned`
  return notRouted({ kept, recipient }, { ...replies.tryLater(), code: 554, enhanced: '5.0.0', text: why }, why)
}
