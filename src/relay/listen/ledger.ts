/** What several connections use together: all of them, those of the internet, of one tenant, of one source. */
import type { LimitName, Limits } from './limits.ts'

export type Scope = 'all' | 'internet' | 'proving' | 'tenant' | 'source'

/** Which limits a scope has. */
const limitsOfScope = {
  all: { connections: 'connections', rate: 'connectionRate', bytes: 'transferBytes' },
  internet: {
    connections: 'connectionsOfInternet',
    rate: 'connectionRateOfInternet',
    bytes: 'transferBytesOfInternet',
  },
  proving: { connections: 'connectionsToProve', rate: 'connectionRateOfInternet', bytes: 'transferBytesOfInternet' },
  tenant: { connections: 'connectionsPerTenant', rate: 'connectionRatePerTenant', bytes: 'transferBytesPerTenant' },
  source: { connections: 'connectionsPerSource', rate: 'connectionRatePerSource', bytes: 'transferBytesPerSource' },
} as const satisfies Record<Scope, Record<'connections' | 'rate' | 'bytes', LimitName>>

const minuteMs = 60_000
/** Unknown recipients that are forgotten in a minute. */
const forgiven = 10
/** Whoever is turned away all the time is told of so often. */
const tellMs = 10_000

export class Ledger {
  readonly scope: Scope
  /** The tenant's name or the source; '' for all. */
  readonly name: string
  connections = 0
  bytes = 0
  readonly #limits: Limits
  readonly #arrivals: Fading
  readonly #unknownRecipients = new Fading(forgiven)
  readonly #certificates: Fading
  #untold = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(scope: Scope, name: string, limits: Limits) {
    this.scope = scope
    this.name = name
    this.#limits = limits
    this.#arrivals = new Fading(limits[limitsOfScope[scope].rate])
    this.#certificates = new Fading(limits.certificateBytes / 4)
  }

  /** The limit that one more connection would pass. */
  noRoom(now: number): LimitName | undefined {
    const { connections, rate } = limitsOfScope[this.scope]
    if (this.connections >= this.#limits[connections]) return connections
    if (this.#arrivals.level(now) + 1 > this.#limits[rate]) return rate
    const isTooMuch = this.connections >= this.#limits.connectionsWhileSlowed && this.isSlowed(now)
    return isTooMuch ? 'connectionsWhileSlowed' : undefined
  }

  /** The limit that so many more bytes would pass. */
  noRoomFor(bytes: number): LimitName | undefined {
    const name = limitsOfScope[this.scope].bytes
    return this.bytes + bytes > this.#limits[name] ? name : undefined
  }

  enter(now: number): void {
    this.connections++
    this.#arrivals.add(now)
  }

  recipientUnknown(now: number): void {
    this.#unknownRecipients.add(now)
  }

  isSlowed(now: number): boolean {
    return this.#unknownRecipients.level(now) > this.#limits.unknownRecipients
  }

  /** Somebody showed certificates, and is nobody all the same. */
  certificateInVain(bytes: number, now: number): void {
    this.#certificates.add(now, bytes)
  }

  mayShowCertificate(now: number): boolean {
    return this.#certificates.level(now) < this.#limits.certificateBytes
  }

  /** Nothing would be different without it. */
  isIdle(now: number): boolean {
    const fading = [this.#arrivals, this.#unknownRecipients, this.#certificates]
    return this.connections + this.bytes === 0 && fading.every((one) => one.level(now) === 0)
  }

  /** Somebody was turned away: how many since it was last told of, or undefined when that was just now. */
  turnedAway(now: number): number | undefined {
    this.#untold++
    if (now - this.#toldAt < tellMs) return undefined
    const count = this.#untold
    this.#toldAt = now
    this.#untold = 0
    return count
  }
}

/** Counts what happens, and forgets it at a steady pace. */
class Fading {
  #level = 0
  #at = 0
  readonly #perMinute: number

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  level(now: number): number {
    // Whoever asks with the coarse clock of the ticks may be a little behind.
    const passed = Math.max(0, now - this.#at)
    this.#level = Math.max(0, this.#level - (passed / minuteMs) * this.#perMinute)
    this.#at += passed
    return this.#level
  }

  add(now: number, amount = 1): void {
    this.#level = this.level(now) + amount
  }
}
