import { connect } from 'node:net'
import { replies } from '../../mail/reply/reply.ts'
import type { NextHop } from '../../project/project.ts'
import type { Attempt, Deliverer, DelivererOptions, Offers, Outcome, Timeouts } from './attempt.ts'
import { Clock } from './clock.ts'
import type { Destination } from './destination.ts'
import { Pool } from './pool.ts'
import { probe } from './probe.ts'
import { newRun, openOnes, type Patience, type Run, settle } from './run.ts'
import { type Failed, type Session, together } from './session.ts'
import { Contexts } from './tls.ts'
import { converse } from './transaction.ts'

const minutes = 60_000

/** RFC 5321 section 4.5.3.2; connecting and the greeting are shorter, since nothing is at stake there. */
const usualTimeouts: Timeouts = {
  connect: 15_000,
  greeting: 30_000,
  handshake: 30_000,
  command: 5 * minutes,
  data: 2 * minutes,
  block: 3 * minutes,
  final: 10 * minutes,
  idle: 30_000,
  closing: 5_000,
}

export function makeDeliverer(o: DelivererOptions): Deliverer {
  const timeouts = { ...usualTimeouts, ...o.timeouts }
  const clock = new Clock(o.now ?? (() => performance.now()), coarseness(timeouts))
  const dial = o.dial ?? ((host, port) => connect({ host, port }))
  const pool = new Pool(
    { dns: o.dns, dial, clock, timeouts, contexts: new Contexts() },
    {
      perDestination: o.perDestination ?? 20,
      messagesPerConnection: o.messagesPerConnection ?? 1000,
      maxConnections: o.maxConnections ?? 2000,
    },
  )
  const placesFor = (hop: Attempt['hop'], helo: string): Destination[] => inOrder(pool, hop, helo || o.hostname)
  return {
    attempt(a, deadline) {
      const run = newRun(a)
      return untilDeadline(run, deliver(run, placesFor(a.hop, a.helo), timeouts), deadline)
    },
    offers: (hop, deadline) => offersOf(placesFor(hop, ''), deadline),
    probe: (hop, mailFrom, recipients, deadline) => probe(placesFor(hop, ''), mailFrom, recipients, timeouts, deadline),
    stats: () => pool.stats(),
    async close() {
      pool.close()
      await clock.empty(timeouts.closing, 'the gateway is shutting down')
    },
  }
}

/** A look at every connection this often: a quarter of the shortest time that matters, at most a second. */
function coarseness(t: Timeouts): number {
  return Math.min(1000, Math.max(5, Math.min(...Object.values(t)) / 4))
}

/** In the order given; those that could not be reached a moment ago after the others. */
function inOrder(pool: Pool, hop: Attempt['hop'], helo: string): Destination[] {
  const hops: readonly NextHop[] = 'host' in hop ? [hop] : hop
  const places = hops.map((h) => pool.destination(h, helo))
  return places.length === 1 ? places : places.toSorted((a, b) => Number(a.isDown) - Number(b.isDown))
}

async function deliver(run: Run, places: readonly Destination[], timeouts: Timeouts): Promise<void> {
  const failures: Failed[] = []
  for (const place of places) {
    if (run.patience.over || openOnes(run).length === 0) break
    const failure = await deliverTo(place, run, timeouts)
    if (failure !== undefined) failures.push(failure)
    else break
  }
  settle(run, openOnes(run), inVain(failures, places))
}

/** All that this host does for the run; its failure when it did not get as far as MAIL. */
async function deliverTo(place: Destination, run: Run, timeouts: Timeouts): Promise<Failed | undefined> {
  place.counts.attempts++
  for (let fresh = false; ; fresh = true) {
    const session = await place.take(run.patience, fresh)
    if ('kind' in session) return session
    const before = openOnes(run)
    const ended = await useFor(run, session, () => converse(session, run, timeouts))
    place.give(session)
    for (const i of before) count(place, run.outcomes[i])
    if (ended === 'done') return undefined
  }
}

async function useFor<T>(run: Run, session: Session, work: () => Promise<T>): Promise<T> {
  run.patience.stop = () => session.wire.lose('the deadline passed')
  if (run.patience.over) run.patience.stop()
  const result = await work()
  run.patience.stop = undefined
  return result
}

function count(place: Destination, outcome: Outcome | undefined): void {
  if (outcome !== undefined) place.counts[outcome.kind]++
}

/**
 * When the deadline comes first: what is open is deferred at once. Before the last byte the attempt is broken off, so
 * that the hop drops it; after it the answer is waited for, because giving up then makes duplicates.
 */
function untilDeadline(run: Run, done: Promise<void>, deadline: AbortSignal | undefined): Promise<readonly Outcome[]> {
  const finished = done.then(() => run.outcomes.map((outcome) => outcome ?? nothingKnown(run)))
  if (deadline === undefined) return finished
  return new Promise((resolve, reject) => {
    const passed = (): void => {
      run.patience.over = true
      resolve(run.outcomes.map((outcome, i) => outcome ?? late(run, finished, i)))
      if (!run.uncertain) run.patience.stop?.()
    }
    deadline.addEventListener('abort', passed, { once: true })
    finished.then(resolve, reject).finally(() => deadline.removeEventListener('abort', passed))
    if (deadline.aborted) passed()
  })
}

function late(run: Run, finished: Promise<readonly Outcome[]>, i: number): Outcome {
  const outcome = nothingKnown(run)
  if (!run.uncertain) return outcome
  const why = 'unknown outcome: the deadline passed after the last byte; the hop may have the message'
  return { ...outcome, why, uncertain: true, later: finished.then((outcomes) => outcomes[i] ?? outcome) }
}

function nothingKnown({ attempt: { hop }, reached }: Run): Outcome {
  const first = 'host' in hop ? hop : hop[0]
  const remote = first === undefined ? '' : `${first.host}:${first.port}`
  const outcome: Outcome = { kind: 'deferred', reply: replies.deadline(), remote, tls: '', why: 'the deadline passed' }
  return reached ? outcome : { ...outcome, unreached: true }
}

/** Asks no hop twice within minutes: what it offers is remembered from its last EHLO. */
async function offersOf(
  places: readonly Destination[],
  deadline: AbortSignal | undefined,
): Promise<Offers | { readonly trouble: Outcome }> {
  const patience: Patience = { over: deadline?.aborted ?? false, stop: undefined }
  const passed = (): void => {
    patience.over = true
    patience.stop?.()
  }
  deadline?.addEventListener('abort', passed, { once: true })
  const failures: Failed[] = []
  const found = await firstOffers(places, patience, failures)
  deadline?.removeEventListener('abort', passed)
  if (found !== undefined) return found
  return { trouble: inVain(failures, places) }
}

function inVain(failures: readonly Failed[], places: readonly Destination[]): Outcome {
  const { remote, tls, reply, why, spoke } = together(failures, places[0]?.name ?? '')
  return { kind: 'deferred', remote, tls, reply, why, unreached: true, ...(spoke && { spoke }) }
}

async function firstOffers(
  places: readonly Destination[],
  patience: Patience,
  failures: Failed[],
): Promise<Offers | undefined> {
  for (const place of places) {
    if (place.knownOffers !== undefined) return place.knownOffers
    const session = await place.take(patience)
    patience.stop = undefined
    if (!('kind' in session)) {
      place.give(session)
      return session.offers
    }
    failures.push(session)
  }
  return undefined
}
