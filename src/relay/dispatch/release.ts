/**
 * Carries out release orders: the held mail of a domain goes in the order of arrival, at the order's rate; with
 * `whenAccepted` each recipient only once the next hop has said to a probe that it takes the address. An order whose domain is
 * not on hold ends by itself when nothing is held there any more.
 */
import { type Project, servedDomain } from '../../project/project.ts'
import type { EndedOrder, HeldRecipient, ProbeNo, Queue, ReleaseOrder, ReleaseStep } from '../../queue/queue.ts'
import { routeAsOpen } from '../admit/admit.ts'
import type { Carrier } from '../carry/carry.ts'
import { meaningOf, type Probed, slowsHop } from '../deliver/deliver.ts'
import { messageAgain, readEnvelope, readRecipient } from '../keep/keep.ts'
import { type Delivery, plan } from '../plan/plan.ts'
import type { Recorder } from '../record/record.ts'

export type ReleaseParts = {
  readonly queue: Pick<Queue, 'now' | 'releaseOrders' | 'nextHeld' | 'letGo' | 'endRelease'>
  readonly carrier: Pick<Carrier, 'probe'>
  readonly recorder: Recorder
  readonly project: () => Project | undefined
  /** An order has ended by itself. */
  readonly onReleaseEnded?: (order: EndedOrder) => void
}
export type Releases = {
  /** Once a second. How many were let go. */
  tick(signal: AbortSignal): Promise<number>
}

/** Rows of the queue looked at, and questions asked of next hops, in one step. */
const looksAtOnce = 100
const probesAtOnce = 10
/** Of them, answers that say "not now": greylisting says it once to each address, a target that is busy to all. */
const latersAtOnce = 5
const probeMs = 10_000
/** An address that is not there yet is not asked for again for so long, and not before the next pass. */
const rememberMs = 60_000
/** What was not used up while nothing was there is not made up for all at once. */
const longestSavingMs = 5000

/**
 * So long nothing must have been held before an order ends: a message that came while the domain was on hold is held only
 * once its other recipients were tried.
 */
const restMs = 60_000

/** Where an order has got to. In memory: after a restart it begins at the front, where the oldest are. */
type Progress = {
  budget: number
  at: number
  /** A step of it is under way: of one order only one at a time. */
  isRunning: boolean
  after?: string
  /** Nothing was held when it was looked for, since then. */
  doneSince?: number
  readonly refused: Map<string, number>
}

export function makeReleases(parts: ReleaseParts): Releases {
  const progress = new Map<string, Progress>()
  return {
    async tick(signal) {
      if (parts.project() === undefined) return 0
      const orders = await parts.queue.releaseOrders()
      for (const [domain, { isRunning }] of progress)
        if (!isRunning && !orders.some((order) => order.domain === domain)) progress.delete(domain)
      return carryOut(parts, orders, progress, signal)
    },
  }
}

/** Side by side: a next hop that is slow to answer keeps the mail of its own domain waiting, and no other. */
async function carryOut(
  parts: ReleaseParts,
  orders: readonly ReleaseOrder[],
  progress: Map<string, Progress>,
  signal: AbortSignal,
): Promise<number> {
  const steps = orders.map(async (order) => {
    const mine = progress.get(order.domain) ?? begin(parts)
    progress.set(order.domain, mine)
    if (mine.isRunning) return 0
    mine.isRunning = true
    try {
      return await stepOf(parts, order, mine, signal)
    } finally {
      mine.isRunning = false
    }
  })
  const ended = await Promise.allSettled(steps)
  const broken = ended.find((step) => step.status === 'rejected')
  if (broken !== undefined) throw broken.reason
  return ended.reduce((sum, step) => sum + (step.status === 'fulfilled' ? step.value : 0), 0)
}

const begin = ({ queue }: ReleaseParts): Progress => ({
  budget: 1,
  at: queue.now(),
  isRunning: false,
  refused: new Map(),
})

async function stepOf(parts: ReleaseParts, order: ReleaseOrder, mine: Progress, signal: AbortSignal): Promise<number> {
  const now = parts.queue.now()
  save(mine, order, now)
  const limit = Math.floor(mine.budget)
  if (limit === 0) return 0
  const look = order.whenAccepted ? looksAtOnce : Math.min(looksAtOnce, limit)
  const after = order.whenAccepted ? mine.after : undefined
  const { items, next } = await parts.queue.nextHeld(order.domain, look, after)
  await endWhenDone(parts, order, mine, items.length === 0 && after === undefined)
  const chosen = order.whenAccepted
    ? await acceptedOf(parts, mine, items, limit, signal)
    : { go: items, asked: 0, noes: [], seen: items.length }
  // The next step goes on behind what was looked at, and from the front again behind the last.
  if (chosen.seen === items.length) mine.after = next
  if (mine.after === undefined && chosen.seen === items.length) forgetRefusals(mine, parts.queue.now())
  if (chosen.go.length === 0 && chosen.asked === 0) return 0
  const recipients = chosen.go.map(({ message: { id }, recipient: { n } }) => ({ id, n }))
  const { asked, noes } = chosen
  const step: ReleaseStep = { recipients, asked, notAccepted: noes.length, noes }
  const released = await parts.queue.letGo(order.domain, step)
  mine.budget -= released
  for (const item of chosen.go) trace(parts, order, item)
  return released
}

/** While the domain is on hold more will come, and the order stands. */
async function endWhenDone(
  { queue, project, onReleaseEnded }: ReleaseParts,
  { domain }: ReleaseOrder,
  mine: Progress,
  isDone: boolean,
): Promise<void> {
  const now = project()
  if (!isDone || now === undefined || servedDomain(now, domain)?.mode === 'hold') delete mine.doneSince
  else {
    mine.doneSince ??= queue.now()
    if (queue.now() - mine.doneSince < restMs) return
    const ended = await queue.endRelease(domain)
    if (ended !== undefined) onReleaseEnded?.(ended)
  }
}

function save(mine: Progress, { perMinute }: ReleaseOrder, now: number): void {
  const perMs = perMinute / 60_000
  mine.budget = Math.min(mine.budget + (now - mine.at) * perMs, Math.max(1, longestSavingMs * perMs))
  mine.at = now
}

/** Between two passes only: forgotten within one, an address would be asked for beside its later mail first, which would overtake. */
function forgetRefusals(mine: Progress, now: number): void {
  for (const [address, until] of mine.refused) if (until <= now) mine.refused.delete(address)
}

type Chosen = {
  readonly go: readonly HeldRecipient[]
  readonly asked: number
  readonly noes: readonly ProbeNo[]
  readonly seen: number
}

/** In order of arrival; one question for each address, whose answer holds for all its mail in this step, or, a no, in this pass. */
async function acceptedOf(
  parts: ReleaseParts,
  mine: Progress,
  items: readonly HeldRecipient[],
  limit: number,
  signal: AbortSignal,
): Promise<Chosen> {
  const go: HeldRecipient[] = []
  const answers = new Map<string, boolean>()
  const noes: No[] = []
  let seen = 0
  for (const item of items) {
    const address = item.recipient.address.toLowerCase()
    if (go.length >= limit || (answers.size >= probesAtOnce && !answers.has(address)) || signal.aborted) break
    seen += 1
    if (mine.refused.has(address)) continue
    const no = answers.has(address) ? undefined : await noOf(parts, item, signal)
    if (no !== undefined) noes.push(no)
    const isAccepted = answers.get(address) ?? no === undefined
    answers.set(address, isAccepted)
    if (isAccepted) go.push(item)
    else mine.refused.set(address, parts.queue.now() + rememberMs)
    if (no?.isOfHop === true || noes.filter(({ kind }) => kind === 'later').length >= latersAtOnce) break
  }
  return { go, asked: answers.size, noes: noes.map(({ kind, words }) => ({ kind, words })), seen }
}

/** `isOfHop`: hardly because of the address; to ask for the next one would take as long and say the same. */
type No = ProbeNo & { readonly isOfHop?: boolean }

/** Nothing when its next hop takes it. */
async function noOf(parts: ReleaseParts, item: HeldRecipient, signal: AbortSignal): Promise<No | undefined> {
  const project = parts.project()
  const delivery = project && deliveryOf(project, item)
  if (project === undefined || delivery === undefined)
    return { kind: 'refused', words: 'we would not take it ourselves' }
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(probeMs)])
  const [answer] = await parts.carrier.probe(project, delivery, deadline)
  if (answer === undefined) return { kind: 'unreached', words: 'no answer', isOfHop: true }
  if (answer.kind === 'accepted') return undefined
  return { kind: kindOf(answer), words: answer.why, isOfHop: isOfHop(answer) }
}

function isOfHop({ unreached, reply }: Probed): boolean {
  return unreached === true || reply.code === 421 || slowsHop(reply) || meaningOf(reply) === 'operator'
}

/** A setup that must be mended says nothing about the address, though its code is 5xx. */
function kindOf({ kind, unreached, reply }: Probed): ProbeNo['kind'] {
  if (unreached === true) return 'unreached'
  return kind === 'refused' && meaningOf(reply) === undefined ? 'refused' : 'later'
}

/** How it would go now, with the envelope that it would have. Its content is not needed for that. */
function deliveryOf(project: Project, { message, recipient: held }: HeldRecipient): Delivery | undefined {
  const kept = readEnvelope(message.envelope)
  const recipient = readRecipient(held)
  if ('why' in kept || 'why' in recipient) return undefined
  const again = messageAgain(project, kept, Buffer.of())
  if (again === undefined) return undefined
  const { mailFrom } = again.incoming
  const { peer, from, pass } = again.admission
  const way = routeAsOpen(project, peer, mailFrom, recipient, 'again')
  if (way.kind === 'refused') return undefined
  return plan({ project, peer, mailFrom, from, pass, routed: [{ recipient, route: way }] }).deliveries[0]
}

function trace(
  { recorder }: ReleaseParts,
  { by, whenAccepted }: ReleaseOrder,
  { message, recipient }: HeldRecipient,
): void {
  const { id, messageId, sender } = message
  const why = `let go by the order of ${by}${whenAccepted ? ', its next hop takes the address' : ''}`
  recorder.again({ id, messageId, sender }).queued('RELEASE', recipient.address, why)
}
