import { replies } from '../../mail/reply/reply.ts'
import type { NextHop } from '../../project/project.ts'
import type { Offers } from './attempt.ts'
import type { Patience } from './run.ts'
import { type Failed, failed, openSession, type Parts, type Session } from './session.ts'
import type { TlsMemory } from './tls.ts'

export type Limits = {
  readonly perDestination: number
  readonly messagesPerConnection: number
  /** Asks the pool for one connection more; false: all are in use. */
  mayOpen(): boolean
}

/** A host that could not be reached is tried after its alternatives for so long. */
const avoidForMs = 30_000
const rememberOffersMs = 5 * 60_000

/** A place in the queue: told a session that became free, that there is room to open one, or that there is no hope. */
type Waiter = (turn: Session | 'room' | Failed) => void

/**
 * The connections to one destination: same host, port, policy, name, identity and EHLO name. At most `perDestination`
 * are open; who comes later waits in line, here and nowhere else.
 */
export class Destination {
  readonly hop: NextHop
  readonly name: string
  readonly counts = { attempts: 0, delivered: 0, deferred: 0, refused: 0, opened: 0, failed: 0 }
  /** Open, and being opened. */
  open = 0

  readonly #helo: string
  readonly #parts: Parts
  readonly #limits: Limits
  readonly #idle: Session[] = []
  readonly #waiting = new Set<Waiter>()
  readonly #tlsMemory: TlsMemory = { session: undefined, since: 0 }
  #avoidUntil = 0
  #offers: { readonly value: Offers; readonly until: number } | undefined
  #closed = false

  constructor(hop: NextHop, helo: string, parts: Parts, limits: Limits) {
    this.hop = hop
    this.name = `${hop.host}:${hop.port}`
    this.#helo = helo
    this.#parts = parts
    this.#limits = limits
  }

  get idle(): number {
    return this.#idle.length
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** It could not be reached a moment ago. */
  get isDown(): boolean {
    return this.#avoidUntil > this.#parts.clock.now()
  }

  get knownOffers(): Offers | undefined {
    return this.#offers !== undefined && this.#offers.until > this.#parts.clock.now() ? this.#offers.value : undefined
  }

  /** A session to use alone until it is given back. `fresh`: none that has rested, since one of those was just found dead. */
  async take(patience: Patience, fresh = false): Promise<Session | Failed> {
    while (!patience.over && !this.#closed) {
      const rested = fresh ? undefined : this.#idle.pop()
      if (rested !== undefined) return awake(rested)
      if (this.open < this.#limits.perDestination && this.#limits.mayOpen()) return this.#connect(patience)
      if (this.open === 0) return failed(this.name, replies.tryLater(), 'all connections to next hops are in use')
      if (fresh && this.dropIdle()) continue
      const turn = await this.#wait(patience)
      if (turn !== 'room') return turn
    }
    return failed(this.name, replies.deadline(), this.#closed ? 'the gateway is shutting down' : 'the deadline passed')
  }

  /** Gives a session back: to the next in line, to rest, or away when it is worn out. */
  give(session: Session): void {
    const { wire, messages } = session
    session.isReused = true
    if (wire.lost !== undefined) return this.#gone()
    if (this.#closed || messages >= this.#limits.messagesPerConnection) return this.#dismiss(session)
    const [next] = this.#waiting
    if (next !== undefined) return this.#call(next, session)
    this.#idle.push(session)
    wire.rest(this.#parts.timeouts.idle, {
      lost: () => this.#leaves(session) && this.#gone(),
      over: () => this.#leaves(session) && this.#dismiss(session),
    })
  }

  /** Closes one connection that rests, to make room; false when none does. */
  dropIdle(): boolean {
    const oldest = this.#idle.shift()
    if (oldest === undefined) return false
    this.#dismiss(oldest)
    return true
  }

  /** No more sessions. Those that rest say QUIT, those at work when they are given back. */
  close(): void {
    this.#closed = true
    while (this.dropIdle());
    for (const waiter of this.#waiting) this.#call(waiter, 'room')
  }

  async #connect(patience: Patience): Promise<Session | Failed> {
    this.open++
    const opened = await openSession({
      parts: this.#parts,
      hop: this.hop,
      helo: this.#helo,
      tlsMemory: this.#tlsMemory,
      patience,
    })
    if ('kind' in opened) return this.#couldNotOpen(opened, patience)
    this.counts.opened++
    this.#avoidUntil = 0
    this.#offers = { value: opened.offers, until: this.#parts.clock.now() + rememberOffersMs }
    return opened
  }

  /** Those in line waited for a connection to a host that has none: they are told, instead of trying one by one. */
  #couldNotOpen(failure: Failed, patience: Patience): Failed {
    this.open--
    if (patience.over) {
      this.#offerRoom()
      return failure
    }
    this.counts.failed++
    this.#avoidUntil = this.#parts.clock.now() + avoidForMs
    if (this.open > 0) this.#offerRoom()
    else for (const waiter of this.#waiting) this.#call(waiter, failure)
    return failure
  }

  #dismiss(session: Session): void {
    void session.wire.quit(this.#parts.timeouts.closing)
    this.#gone()
  }

  #gone(): void {
    this.open--
    this.#offerRoom()
  }

  #offerRoom(): void {
    const [next] = this.#waiting
    if (next !== undefined) this.#call(next, 'room')
  }

  #leaves(session: Session): boolean {
    const at = this.#idle.indexOf(session)
    if (at !== -1) this.#idle.splice(at, 1)
    return at !== -1
  }

  #wait(patience: Patience): Promise<Parameters<Waiter>[0]> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      patience.stop = () => {
        this.#waiting.delete(resolve)
        resolve('room')
      }
    })
  }

  #call(waiter: Waiter, turn: Parameters<Waiter>[0]): void {
    this.#waiting.delete(waiter)
    waiter(turn)
  }
}

function awake(session: Session): Session {
  session.wire.wake()
  return session
}
