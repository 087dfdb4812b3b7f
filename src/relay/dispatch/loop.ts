/** Claims what is due and has it worked on, within bounds; one process has one. */
import type { Project } from '../../project/project.ts'
import type { ClaimQuery, EndedOrder, Lease, NewMessage, Queue, Work } from '../../queue/queue.ts'
import type { Budget } from '../budget.ts'
import type { Carrier } from '../carry/carry.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Recorder } from '../record/record.ts'
import { type Complaints, makeComplaints } from './complaints.ts'
import type { Closed, Dispatch, Pending } from './dispatch.ts'
import { makeFinisher } from './finisher.ts'
import { follow } from './follow.ts'
import { type LaneOptions, Lanes } from './lanes.ts'
import { type Movers, makeMovers } from './moved.ts'
import { sweepOverdue, tellLeft } from './overdue.ts'
import { makeReleases, type Releases } from './release.ts'
import { makeReturners, type Returners } from './tenants.ts'
import { Together } from './together.ts'
import { type WorkerParts, workOn } from './worker.ts'

export type DispatchTimes = Partial<Omit<LaneOptions, 'now'>> & {
  /** The queue is asked this often whether something has come due, while something waits. */
  readonly tickMs?: number
  /** Lanes in trouble are searched this often for what is overdue. */
  readonly overdueMs?: number
  readonly extendMs?: number
}

export type DispatchParts = {
  readonly queue: Queue
  readonly carrier: Carrier
  readonly recorder: Recorder
  readonly project: () => Project | undefined
  readonly now: () => Date
  readonly onTrouble: (why: string) => void
  readonly times?: DispatchTimes
  /** Messages and bytes in hand at a time. */
  readonly maxInHand?: number
  readonly maxBytesInHand?: number
  /** What they are counted in, together with what comes in. */
  readonly budget?: Budget
  /** A release order has ended by itself. */
  readonly onReleaseEnded?: (order: EndedOrder) => void
}

export function makeDispatch(parts: DispatchParts): Dispatch {
  const loop = new Loop(parts)
  loop.start()
  return loop
}

/** What is due in lanes that nothing is known of is claimed in pieces of this size. */
const newWorkAtOnce = 20
const mebibyte = 1024 * 1024
const always = Number.POSITIVE_INFINITY
/** What is still there after it was broken off does not come any more. */
const lastWordsMs = 2000

class Loop implements Dispatch {
  readonly #parts: DispatchParts
  readonly #worker: WorkerParts
  readonly #lanes: Lanes
  readonly #complain: Complaints
  readonly #releases: Releases
  readonly #movers: Movers
  readonly #returners: Returners
  readonly #abort = new AbortController()
  readonly #maxInHand: number
  readonly #maxBytes: number
  /** Lanes that had more than there was room for. */
  readonly #hungry = new Set<string>()
  readonly #inHand = new Set<Promise<void>>()
  /** First attempts of messages that `settle` has put, still going on. */
  readonly #followed = new Set<Promise<void>>()
  #claimed = 0
  #bytes = 0
  #timers: NodeJS.Timeout[] = []
  #looking: Promise<void> | undefined
  #lookAgain = false
  #isStopped = false

  constructor(parts: DispatchParts) {
    const { queue, onTrouble, times = {} } = parts
    this.#parts = parts
    this.#maxInHand = parts.maxInHand ?? 200
    this.#maxBytes = Math.min(parts.maxBytesInHand ?? 128 * mebibyte, (parts.budget?.bytes ?? always) / 2)
    this.#lanes = new Lanes({ ...times, now: () => queue.now() })
    this.#complain = makeComplaints(onTrouble)
    const finisher = makeFinisher(queue, onTrouble)
    const extendMs = times.extendMs ?? 10 * 60_000
    const { signal } = this.#abort
    this.#worker = {
      ...parts,
      lanes: this.#lanes,
      finisher,
      signal,
      extendMs,
      missed: new Set(),
      together: new Together(),
    }
    this.#releases = makeReleases(parts)
    this.#movers = makeMovers(this.#worker, () => this.#isStopped)
    this.#returners = makeReturners(this.#worker)
  }

  start(): void {
    const { tickMs = 1000, overdueMs = 60_000 } = this.#parts.times ?? {}
    const every = (ms: number, what: () => unknown): void => void this.#timers.push(setInterval(what, ms).unref())
    every(tickMs, () => this.kick())
    every(tickMs, () => this.#hold(this.#guarded('release orders', this.#release())))
    every(tickMs, () => this.#hold(this.#guarded('who has moved', this.#move())))
    every(tickMs, () => this.#hold(this.#guarded('tenants that are back', this.#return())))
    every(overdueMs, () => this.#hold(this.#guarded('overdue mail', this.#sweep())))
    this.kick()
  }

  closed(lane: string): Closed | undefined {
    return this.#lanes.closed(lane)
  }

  began(lane: string): void {
    this.#lanes.begin(lane, 'straight')
  }

  tried(lane: string, outcomes: readonly Outcome[]): void {
    const hasRecovered = this.#lanes.end(lane, outcomes, 'straight')
    if (hasRecovered) this.kick()
  }

  follow(lease: Lease, message: NewMessage, pending: readonly Pending[]): void {
    this.#hold(this.#guarded(`message ${message.id}`, follow(this.#worker, lease, message, pending)), this.#followed)
  }

  kick(): void {
    this.#lookAgain = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
  }

  tryLanes(): void {
    this.#lanes.forgive()
    this.#movers.again()
    this.kick()
  }

  probeAt(lane: string): number | undefined {
    return this.#lanes.probeAt(lane)
  }

  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  async close(withinMs: number): Promise<void> {
    this.stop()
    await this.#allDone([this.#inHand, this.#followed], withinMs)
    this.#abort.abort()
    // Those that are followed end when the deliverer closes, after us; their results can still be written down.
    await this.#allDone([this.#inHand], lastWordsMs)
    this.#worker.finisher.close()
    await this.#looking
  }

  async #allDone(sets: readonly ReadonlySet<Promise<void>>[], withinMs: number): Promise<void> {
    const patience = Promise.withResolvers<'over'>()
    const timer = setTimeout(patience.resolve, withinMs, 'over')
    const left = () => sets.flatMap((set) => [...set])
    let isOver = false
    while (!isOver && left().length > 0) isOver = (await Promise.race([patience.promise, ...left()])) === 'over'
    clearTimeout(timer)
  }

  #hold(work: Promise<void>, among = this.#inHand): void {
    among.add(work)
    void work.finally(() => among.delete(work))
  }

  /** Whatever goes wrong must not end the loop. */
  #guarded(what: string, work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => this.#complain(what, error))
  }

  async #release(): Promise<void> {
    if (!this.#isStopped && (await this.#releases.tick(this.#abort.signal)) > 0) this.kick()
  }

  /** What belongs elsewhere by now is due there at once. */
  async #sweep(): Promise<void> {
    await sweepOverdue(this.#worker)
    this.kick()
  }

  async #move(): Promise<void> {
    if (!this.#isStopped && (await this.#movers.tick()) > 0) this.kick()
  }

  async #return(): Promise<void> {
    if (!this.#isStopped && (await this.#returners.tick()) > 0) this.kick()
  }

  async #look(): Promise<void> {
    while (this.#lookAgain && !this.#isStopped) {
      this.#lookAgain = false
      if (this.#parts.project() === undefined || this.#parts.queue.figures.waiting === 0) return
      await this.#guarded('the queue', this.#feedHungry())
      await this.#guarded('the queue', this.#findMore())
    }
  }

  /** Lanes that are known to have more: each gets as much as it has room for. */
  async #feedHungry(): Promise<void> {
    for (const lane of [...this.#hungry]) {
      const room = Math.min(this.#lanes.free(lane), this.#room)
      if (room === 0) continue
      this.#hungry.delete(lane)
      const works = await this.#claim({ lane, limit: room })
      if (works.length >= room) this.#hungry.add(lane)
      for (const work of works) this.#begin(work)
    }
  }

  /** Whatever is due elsewhere. What a lane has no room for goes back, and is asked for when it has. */
  async #findMore(): Promise<void> {
    const limit = Math.min(newWorkAtOnce, this.#room)
    if (limit === 0) return
    const exceptLanes = [...new Set([...this.#lanes.full(), ...this.#hungry])]
    const works = await this.#claim({ limit, exceptLanes })
    if (works.length >= limit) this.#lookAgain = true
    for (const work of works) {
      if (work.wish !== undefined || this.#lanes.free(work.lane) > 0) this.#begin(work)
      else await this.#giveBack(work)
    }
  }

  async #giveBack({ lane, lease, recipients }: Work): Promise<void> {
    this.#hungry.add(lane)
    const results = recipients.map(({ n, reply, why }) => ({ n, kind: 'unchanged', reply, why }) as const)
    await this.#worker.finisher.finish(lease, results)
  }

  get #room(): number {
    return this.#freeBytes <= 0 ? 0 : Math.max(0, this.#maxInHand - this.#claimed)
  }

  /** One message is taken in any case, when nothing else is in hand: it may be longer than all that we may have. */
  get #freeBytes(): number {
    const free = Math.min(this.#maxBytes - this.#bytes, this.#parts.budget?.free ?? always)
    return this.#claimed === 0 ? Math.max(1, free) : free
  }

  #claim(query: ClaimQuery): Promise<readonly Work[]> {
    return this.#parts.queue.claim({ ...query, maxBytes: this.#freeBytes })
  }

  async #workOn(work: Work): Promise<void> {
    const { id } = work.message
    this.#worker.together.begin(id)
    try {
      await workOn(this.#worker, work)
    } finally {
      await tellLeft(this.#worker, id)
    }
  }

  #begin(work: Work): void {
    this.#claimed += 1
    this.#bytes += work.message.size
    this.#parts.budget?.take(work.message.size)
    const done = async (): Promise<void> => {
      await this.#guarded(`message ${work.message.id}`, this.#workOn(work))
      this.#claimed -= 1
      this.#bytes -= work.message.size
      this.#parts.budget?.give(work.message.size)
      this.kick()
    }
    this.#hold(done())
  }
}
