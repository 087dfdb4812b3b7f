/**
 * How each next hop is doing, as far as this process knows: what shares a lane shares its back-off. In memory: after a
 * restart every lane is taken for well, and the first few attempts say what is so.
 *
 * up         as many attempts at once as it has earned
 * down       it could not be reached: nothing, until one probe is due
 * throttled  it said that it is too much: one at a time, after a longer pause
 */

import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { slowsHop } from '../deliver/deliver.ts'

export type LaneOptions = {
  /** Milliseconds of the queue's clock. */
  readonly now: () => number
  readonly random?: () => number
  /** Pause before the first probe of a lane that is down, and the longest one. */
  readonly firstPauseMs?: number
  readonly longestPauseMs?: number
  readonly firstThrottleMs?: number
  readonly longestThrottleMs?: number
}

/** The trouble that a lane is in. The reply is for senders of other messages than the one that met it: what the hop said of that is not theirs. */
export type Closed = { readonly reply: Reply; readonly why: string }

export type LaneInTrouble = {
  readonly name: string
  readonly closed: Closed
  readonly lastFailedAt: number
  /** No probe is due, or it has not had the time to end: what that attempt found is so still. */
  readonly holds: boolean
}

type Lane = {
  /** Attempts out of the queue, and by mail that goes straight through. */
  running: number
  straight: number
  /** Messages that it took since its last trouble. */
  proven: number
  /** Failures one after the other, and connections lost in the middle of messages. */
  failures: number
  strikes: number
  state: 'up' | 'down' | 'throttled'
  /** Nothing is tried before. */
  pausedUntil: number
  lastFailedAt: number
  reply: Reply
  why: string
}

/** At the start and after trouble; one more for each message that goes through. A dead hop holds up no more than these. */
const fewAtOnce = 5
/** As many as the deliverer has connections for one destination. */
const manyAtOnce = 20
/** A message that makes the hop hang up must not stop the others; if several do, it is the hop. */
const maxStrikes = 5
/** A lane that was throttled is taken for well after so many. */
const wellAfter = 20
const jitter = 0.2
const probeMs = 60_000
/** Lanes are named by recipients' domains: those with nothing to say are forgotten beyond so many. */
const maxLanes = 10_000

export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  readonly #o: Required<LaneOptions>

  constructor(o: LaneOptions) {
    this.#o = {
      random: Math.random,
      firstPauseMs: 10_000,
      longestPauseMs: 10 * 60_000,
      firstThrottleMs: 60_000,
      longestThrottleMs: 30 * 60_000,
      ...o,
    }
  }

  /** How many more attempts may begin now. */
  free(name: string): number {
    const lane = this.#lanes.get(name)
    if (lane === undefined) return fewAtOnce
    // Straight mail leaves the queue its share of a lane that is well; one that is not takes one of either.
    if (lane.state === 'up') return Math.max(0, Math.min(manyAtOnce, fewAtOnce + lane.proven) - lane.running)
    return this.#isPaused(lane) || lane.running + lane.straight > 0 ? 0 : 1
  }

  /** For mail that would go straight through: a lane in trouble takes one at a time at most, as its probe. */
  closed(name: string): Closed | undefined {
    const lane = this.#lanes.get(name)
    if (lane === undefined || lane.state === 'up' || this.free(name) > 0) return undefined
    return { reply: codesOf(lane), why: `${name} is ${lane.state}: ${lane.why}` }
  }

  begin(name: string, how: 'running' | 'straight' = 'running'): void {
    this.#lane(name)[how] += 1
  }

  /** What came of it; nothing, when it was not tried after all. True: the lane has recovered. */
  end(name: string, outcomes: readonly Outcome[], how: 'running' | 'straight' = 'running'): boolean {
    const lane = this.#lane(name)
    lane[how] -= 1
    const before = lane.state
    this.#learn(lane, outcomes)
    if (this.#lanes.size > maxLanes) this.#forgetOne()
    return before !== 'up' && (lane.state === 'up' || lane.pausedUntil === 0)
  }

  /** An answer that came after its attempt had ended. */
  late(name: string, outcomes: readonly Outcome[]): void {
    this.#learn(this.#lane(name), outcomes)
  }

  /** Lanes with no room now: what waits for them is left alone. */
  full(): readonly string[] {
    return [...this.#lanes.keys()].filter((name) => this.free(name) === 0)
  }

  /** Lanes that nothing goes to at present. */
  inTrouble(): readonly LaneInTrouble[] {
    return [...this.#lanes.keys()].flatMap((name) => this.trouble(name) ?? [])
  }

  trouble(name: string): LaneInTrouble | undefined {
    const lane = this.#lanes.get(name)
    if (lane === undefined || lane.state === 'up') return undefined
    const closed = { reply: codesOf(lane), why: lane.why }
    return { name, closed, lastFailedAt: lane.lastFailedAt, holds: lane.pausedUntil + probeMs > this.#o.now() }
  }

  probeAt(name: string): number | undefined {
    const lane = this.#lanes.get(name)
    return lane !== undefined && this.#isPaused(lane) ? lane.pausedUntil : undefined
  }

  /** No pause lasts any longer. */
  forgive(): void {
    for (const lane of this.#lanes.values()) lane.pausedUntil = 0
  }

  /** Soon again; for a message whose next hop could not be reached, since its lane decides when. */
  soon(): number {
    return this.#o.now() + this.#jittered(this.#o.firstPauseMs)
  }

  #learn(lane: Lane, all: readonly Outcome[]): void {
    const outcomes = all.filter((outcome) => outcome.ours !== true)
    const slowed = outcomes.find((o) => o.kind === 'deferred' && slowsHop(o.reply))
    if (slowed !== undefined) return this.#close(lane, 'throttled', slowed)
    if (outcomes.some((o) => o.kind === 'delivered')) return this.#took(lane)
    const unreached = outcomes.find((o) => o.unreached === true)
    if (unreached !== undefined) return this.#close(lane, 'down', unreached)
    const broken = outcomes.find(brokeOff)
    if (broken !== undefined) {
      lane.strikes += 1
      if (lane.strikes >= maxStrikes || lane.state !== 'up')
        this.#close(lane, lane.state === 'throttled' ? 'throttled' : 'down', broken)
    } else if (outcomes.length > 0) this.#spoke(lane)
  }

  #took(lane: Lane): void {
    lane.proven += 1
    if (lane.state === 'throttled' && lane.proven < wellAfter) lane.pausedUntil = 0
    else this.#spoke(lane)
  }

  /** It answers: whatever it says of a message, it is there. */
  #spoke(lane: Lane): void {
    if (lane.state === 'throttled' && lane.proven < wellAfter) return
    Object.assign(lane, { state: 'up', failures: 0, strikes: 0, pausedUntil: 0 })
  }

  #close(lane: Lane, state: 'down' | 'throttled', { reply, why }: Outcome): void {
    // Those that were under way together fail together, and count as one.
    const isNews = !this.#isPaused(lane)
    Object.assign(lane, { state, proven: 0, reply, why, lastFailedAt: this.#o.now() })
    if (!isNews) return
    const { firstPauseMs, longestPauseMs, firstThrottleMs, longestThrottleMs } = this.#o
    const [first, longest] = state === 'down' ? [firstPauseMs, longestPauseMs] : [firstThrottleMs, longestThrottleMs]
    lane.pausedUntil = this.#o.now() + this.#jittered(Math.min(longest, first * 2 ** Math.min(lane.failures, 30)))
    lane.failures += 1
  }

  #isPaused(lane: Lane): boolean {
    return lane.state !== 'up' && lane.pausedUntil > this.#o.now()
  }

  #jittered(ms: number): number {
    return Math.round(ms * (1 - jitter + 2 * jitter * this.#o.random()))
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const made: Lane = {
      running: 0,
      straight: 0,
      proven: 0,
      failures: 0,
      strikes: 0,
      state: 'up',
      pausedUntil: 0,
      lastFailedAt: 0,
      reply: replies.tryLater(),
      why: '',
    }
    this.#lanes.set(name, made)
    return made
  }

  /** One that nothing is known of would be taken for well, so those that are well go first. */
  #forgetOne(): void {
    const idle = [...this.#lanes].filter(([, lane]) => lane.running + lane.straight === 0)
    const [name] = idle.find(([, lane]) => lane.state === 'up') ?? idle[0] ?? []
    if (name !== undefined) this.#lanes.delete(name)
  }
}

const codesOf = ({ state, reply }: Lane): Reply => ({
  ...reply,
  text: state === 'down' ? 'the next server cannot be reached at the moment' : 'the next server asks us to slow down',
})

/** The connection broke in the middle, the hop was closing, or it fell silent. */
function brokeOff({ kind, reply, uncertain }: Outcome): boolean {
  return kind === 'deferred' && (uncertain === true || reply.code === 421 || reply.enhanced.startsWith('4.4.'))
}
