/** Works on one message out of the queue: reads it back, attempts it, and has written down what became of it. */
import type { Project } from '../../project/project.ts'
import type { KeptMessage, KeptRecipient, Lease, Queue, Work } from '../../queue/queue.ts'
import type { Carrier } from '../carry/carry.ts'
import { type Kept, readEnvelope, readRecipient } from '../keep/keep.ts'
import type { Recorder } from '../record/record.ts'
import { alsoLate } from './also-late.ts'
import { type Arrived, attempt, byWish } from './attempt.ts'
import { conclude, type Direct } from './conclude.ts'
import type { Finisher } from './finisher.ts'
import { ageAt, type Case, type Ended, endsLate, staysLate } from './judge.ts'
import type { Lanes } from './lanes.ts'
import type { Together } from './together.ts'
import { held, unchanged } from './where.ts'

export type WorkerParts = {
  readonly queue: Queue
  readonly carrier: Carrier
  readonly recorder: Recorder
  readonly lanes: Lanes
  readonly finisher: Finisher
  readonly project: () => Project | undefined
  readonly now: () => Date
  readonly onTrouble: (why: string) => void
  /** Fires when what is in hand must end. */
  readonly signal: AbortSignal
  /** A lease is extended this often. */
  readonly extendMs: number
  /** Tenants that the project did not have when mail of theirs was to be tried; it is held for them. */
  readonly missed: Set<string>
  readonly together: Together
}

export type Arrival = Arrived & {
  /** What it is judged by; absent: nothing could be judged. */
  readonly by?: { readonly project: Project; readonly kept: Kept }
}

const errorPauseMs = 10 * 60_000

/** Takes its place in the lane, and gives it up before the result is on disk. */
export async function workOn(parts: WorkerParts, work: Work): Promise<void> {
  const isAttempt = work.wish === undefined
  if (isAttempt) parts.lanes.begin(work.lane)
  await whileHeld(parts, work.lease, async () => {
    const early: Promise<void>[] = []
    const failed = (error: unknown): void => parts.onTrouble(`message ${work.message.id}: ${String(error)}`)
    const tell = (some: Arrival): void => void early.push(writeDown(parts, work, some).catch(failed))
    const arrival = await arrive(parts, work, tell).catch((error: unknown) => broke(parts, work, error))
    if (isAttempt) parts.lanes.end(work.lane, arrival.outcomes)
    await Promise.all([...early, writeDown(parts, work, arrival)])
  })
}

async function arrive(parts: WorkerParts, work: Work, tell: (arrival: Arrival) => void): Promise<Arrival> {
  const { queue, carrier, recorder, signal } = parts
  const project = parts.project()
  if (project === undefined) return nothingTried(work.recipients.map(unchanged))
  const kept = readEnvelope(work.message.envelope)
  if ('why' in kept) return nothingTried(work.recipients.map((one) => held(one, 'operator', kept.why)))
  const by = { project, kept }
  if (work.wish !== undefined) return { ...toReturn(work), by }
  const content = await queue.content(work.message.id)
  if (content === undefined)
    return nothingTried(work.recipients.map((one) => held(one, 'operator', 'its content is not in the queue')))
  const { id, messageId, sender } = work.message
  const steps = recorder.again({ id, messageId, sender })
  const onDelivered = (ended: readonly Ended[]): void => tell({ direct: [], ended, outcomes: [], by })
  const onBroken = (error: unknown, some: readonly KeptRecipient[]) => notDone(parts, work, error, some)
  const trip = { ...by, carrier, work, content, steps, now: queue.now(), signal, onDelivered, onBroken }
  return { ...(await attempt(trip)), by }
}

const nothingTried = (direct: readonly Direct[]): Arrival => ({ direct, ended: [], outcomes: [] })

function toReturn(work: Work): Arrived {
  const direct: Direct[] = []
  const ended: Ended[] = []
  for (const kept of work.recipients) {
    const recipient = readRecipient(kept)
    if ('why' in recipient) direct.push(held(kept, 'operator', recipient.why))
    else ended.push(byWish(kept, recipient))
  }
  return { direct, ended, outcomes: [] }
}

/** A fault of ours, or a disk that cannot be read: this message waits, the others go on; in the end an operator looks at it. */
function broke(parts: WorkerParts, work: Work, error: unknown): Arrival {
  return nothingTried(notDone(parts, work, error, work.recipients))
}

function notDone(
  { queue, onTrouble, project }: WorkerParts,
  work: Work,
  error: unknown,
  recipients: readonly KeptRecipient[],
): readonly Direct[] {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  onTrouble(`message ${work.message.id}: ${why}`)
  const now = queue.now()
  const longestMs = project()?.policy.returnAfterMs ?? Number.POSITIVE_INFINITY
  const again = {
    kind: 'waiting',
    lane: work.lane,
    trouble: 'temporary',
    nextAt: now + errorPauseMs,
    reply: '',
    why,
  } as const
  return recipients.map((kept) =>
    ageAt(now, work.message, kept) < longestMs
      ? { kept, result: { n: kept.n, ...again } }
      : held(kept, 'operator', why),
  )
}

export type Held = { readonly lease: Lease; readonly message: KeptMessage; readonly wish?: 'return' }

export async function writeDown(parts: WorkerParts, work: Held, arrival: Arrival): Promise<void> {
  const now = parts.queue.now()
  const warnAfterMs = arrival.by?.project.policy.warnAfterMs ?? Number.POSITIVE_INFINITY
  const mayBeLate = ({ kept, outcome }: Ended): boolean =>
    outcome.kind === 'deferred' && ageAt(now, work.message, kept) >= warnAfterMs
  const write = () => writeDownAlone(parts, work, arrival)
  return arrival.ended.some(mayBeLate) ? parts.together.alone(write) : write()
}

/** For whom has the turn to say what is late. */
export async function writeDownAlone(parts: WorkerParts, work: Held, { direct, ended, by }: Arrival): Promise<void> {
  const { signal, queue, lanes } = parts
  // What may have arrived stays with its lease when we are told to end: the next start finds it due, and says so.
  const known = ended.filter(({ outcome }) => outcome.later === undefined)
  const isBrokenOff = ({ outcome }: Ended): boolean => signal.aborted && outcome.kind === 'deferred'
  const { lease, message } = work
  const asBefore = known.filter(isBrokenOff).map(({ kept }) => unchanged(kept))
  // Whether it is given up is for the project of this moment to say: a domain may have been put on hold meanwhile.
  const of = by && { ...by, project: parts.project() ?? by.project, message }
  const now = queue.now()
  const judgeable = of && {
    of,
    ended: known.filter((one) => !isBrokenOff(one)).map((one) => leftToTheLast(parts, of, one, now)),
    times: { now, soon: lanes.soon() },
    isWish: work.wish !== undefined,
  }
  const others =
    judgeable === undefined || judgeable.isWish || signal.aborted
      ? undefined
      : await alsoLate(parts, lease, judgeable.of, judgeable.ended, judgeable.times.now)
  const results = await conclude(parts, {
    lease,
    message,
    direct: [...direct, ...asBefore, ...(others?.direct ?? [])],
    ...(judgeable && { tried: { ...judgeable, ended: [...judgeable.ended, ...(others?.ended ?? [])] } }),
  })
  // Not before it is held on disk: whoever looks for it must find it.
  if (results.some((result) => result.kind === 'held' && result.cause === 'tenant')) noteMissed(parts, message)
}

/** Its lane is in trouble, so that should nobody come to say it, the next search for what is overdue finds it. */
function leftToTheLast({ together }: WorkerParts, of: Case, one: Ended, now: number): Ended {
  if (one.outcome.unreached !== true || (!endsLate(of, one, now) && !staysLate(of, one, now))) return one
  return together.leaves(of.message.id, one.lane, now, one.sweptAt === undefined ? 1 : 0)
    ? { ...one, isLeft: true }
    : one
}

function noteMissed({ missed }: WorkerParts, { envelope }: KeptMessage): void {
  const kept = readEnvelope(envelope)
  if (!('why' in kept) && kept.peer.kind !== 'internet') missed.add(kept.peer.tenant)
}

/** A large message to a slow hop may take longer than a lease lasts. */
export async function whileHeld(parts: WorkerParts, lease: Lease, work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => {
    parts.queue.extend(lease).catch((error: unknown) => parts.onTrouble(`a lease cannot be extended: ${String(error)}`))
  }, parts.extendMs)
  timer.unref()
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
}
