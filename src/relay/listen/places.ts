/**
 * Who may have a place, and what may be done from it. Every connection counts for all; one of a tenant counts for its tenant
 * besides, any other for the internet and for its source. The internet's part is smaller than all, so however many strangers
 * come, a tenant finds a place.
 */
import type { Budget } from '../budget.ts'
import type { Standing } from './backend.ts'
import { Ledger, type Scope } from './ledger.ts'
import { type LimitName, type Limits, noneMet } from './limits.ts'
import { sourceOf } from './source.ts'

/** The limit that is in the way, and whose it is. */
export type Full = { readonly limit: LimitName; readonly ledger: Ledger }

const sweepMs = 10_000

export class Places {
  /** How often each limit was met. */
  readonly counts: Record<LimitName, number>
  readonly budget: Budget
  readonly #limits: Limits
  readonly #all: Ledger
  readonly #internet: Ledger
  readonly #proving: Ledger
  /** Tenants and sources, by scope and name. */
  readonly #others = new Map<string, Ledger>()
  #sweepAt = 0

  constructor(limits: Limits, budget: Budget) {
    this.#limits = limits
    this.budget = budget
    this.counts = { ...noneMet }
    this.#all = new Ledger('all', '', limits)
    this.#internet = new Ledger('internet', '', limits)
    this.#proving = new Ledger('proving', '', limits)
  }

  /** A place among all, for a client of whom nothing is known yet. */
  enter(now: number): Stay | Full {
    const limit = this.#all.noRoom(now)
    if (limit !== undefined) return { limit, ledger: this.#all }
    return new Stay(this, this.#all, now)
  }

  /** The limit that turns away whoever comes at this moment, be it a tenant. */
  full(now: number): LimitName | undefined {
    return this.#all.noRoom(now)
  }

  /** Where one of this standing counts besides. */
  ledgersOf(standing: Standing, address: string, now: number): readonly Ledger[] {
    if (standing.kind === 'tenant') return [this.#other('tenant', standing.name)]
    const source = this.#other('source', sourceOf(address))
    const mustProve = standing.mayProve === true && this.#internet.noRoom(now) !== undefined
    return [mustProve ? this.#proving : this.#internet, source]
  }

  tick(now: number): void {
    if (now < this.#sweepAt) return
    this.#sweepAt = now + sweepMs
    for (const [key, ledger] of this.#others) if (ledger.isIdle(now)) this.#others.delete(key)
  }

  #other(scope: Scope, name: string): Ledger {
    const key = `${scope} ${name}`
    const known = this.#others.get(key)
    if (known !== undefined) return known
    const made = new Ledger(scope, name, this.#limits)
    this.#others.set(key, made)
    return made
  }
}

/** The place of one connection, until it leaves. */
export class Stay {
  readonly #places: Places
  readonly #all: Ledger
  #ledgers: readonly Ledger[]

  constructor(places: Places, all: Ledger, now: number) {
    this.#places = places
    this.#all = all
    this.#ledgers = [all]
    all.enter(now)
  }

  /** Counts for what it is from now on; or stays what it was, and the answer says which limit is in the way. */
  settle(standing: Standing, address: string, now: number): Full | undefined {
    const wanted = this.#places.ledgersOf(standing, address, now)
    const entered = wanted.filter((ledger) => !this.#ledgers.includes(ledger))
    for (const ledger of entered) {
      const limit = ledger.noRoom(now)
      if (limit !== undefined) return { limit, ledger }
    }
    for (const ledger of entered) ledger.enter(now)
    for (const ledger of this.#ledgers) if (ledger !== this.#all && !wanted.includes(ledger)) ledger.connections--
    this.#ledgers = [this.#all, ...wanted]
    return undefined
  }

  /** It came in only to prove that it is a tenant, and has not. */
  get isUnproven(): boolean {
    return this.#ledgers.some((ledger) => ledger.scope === 'proving')
  }

  leave(): void {
    for (const ledger of this.#ledgers) ledger.connections--
    this.#ledgers = []
  }

  cargo(): Cargo {
    return new Cargo(this.#ledgers, this.#places.budget)
  }

  recipientUnknown(now: number): void {
    this.#source?.recipientUnknown(now)
  }

  /** Its source has asked for so many unknown recipients that it seems to look for those who exist. */
  isSlowed(now: number): boolean {
    return this.#source?.isSlowed(now) === true
  }

  certificateInVain(bytes: number, now: number): void {
    this.#source?.certificateInVain(bytes, now)
  }

  /** The limit that keeps it from being asked for a certificate, and whose it is. */
  noCertificate(now: number): Full | undefined {
    const source = this.#source
    return source === undefined || source.mayShowCertificate(now)
      ? undefined
      : { limit: 'certificateBytes', ledger: source }
  }

  get #source(): Ledger | undefined {
    return this.#ledgers.find((ledger) => ledger.scope === 'source')
  }
}

/** The bytes of one message, from its first one until nobody has it in hand any more. */
export class Cargo {
  readonly #ledgers: readonly Ledger[]
  readonly #budget: Budget
  #bytes = 0
  /** Who has it in hand: its connection or its answer, and each attempt. */
  #users = 1
  #isUnloaded = false

  constructor(ledgers: readonly Ledger[], budget: Budget) {
    this.#ledgers = ledgers
    this.#budget = budget
  }

  /** The limit that so many more would pass. */
  noRoomFor(bytes: number): LimitName | undefined {
    for (const ledger of this.#ledgers) {
      const limit = ledger.noRoomFor(bytes)
      if (limit !== undefined) return limit
    }
    return bytes > this.#budget.free ? 'transferBytes' : undefined
  }

  /** Takes room for so many in all, or says which limit is in the way. */
  hold(bytes: number): LimitName | undefined {
    const more = bytes - this.#bytes
    const limit = more > 0 ? this.noRoomFor(more) : undefined
    if (limit === undefined) this.#set(bytes)
    return limit
  }

  /** Counts on until this is done, too. */
  until(work: Promise<unknown>): void {
    this.#users++
    void Promise.allSettled([work]).then(() => this.#leave())
  }

  /** Gives the room back, once, when nothing else has the message in hand. */
  unload(): void {
    if (this.#isUnloaded) return
    this.#isUnloaded = true
    this.#leave()
  }

  #leave(): void {
    this.#users--
    if (this.#users === 0) this.#set(0)
  }

  #set(bytes: number): void {
    const more = bytes - this.#bytes
    this.#bytes = bytes
    for (const ledger of this.#ledgers) ledger.bytes += more
    if (more > 0) this.#budget.take(more)
    else this.#budget.give(-more)
  }
}
