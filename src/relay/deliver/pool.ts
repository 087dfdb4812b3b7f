import type { NextHop } from '../../project/project.ts'
import { Destination, type Limits } from './destination.ts'
import type { Parts } from './session.ts'
import { materialKey } from './tls.ts'

export type DestinationStats = {
  readonly name: string
  /** Connections; `open` counts those that rest too. */
  readonly open: number
  readonly idle: number
  /** Attempts in line for a connection. */
  readonly waiting: number
  /** Since the start: attempts, recipients by outcome, connections made and failed. */
  readonly attempts: number
  readonly delivered: number
  readonly deferred: number
  readonly refused: number
  readonly opened: number
  readonly failed: number
}

export type DeliveryStats = { readonly destinations: readonly DestinationStats[] }

/** Destinations that are remembered; those without connections are forgotten first, the oldest first. */
const maxDestinations = 2000

export type PoolLimits = Omit<Limits, 'mayOpen'> & { readonly maxConnections: number }

/** Every destination that mail goes to. */
export class Pool {
  readonly #destinations = new Map<string, Destination>()
  readonly #parts: Parts
  readonly #limits: PoolLimits & Limits

  constructor(parts: Parts, limits: PoolLimits) {
    this.#parts = parts
    this.#limits = { ...limits, mayOpen: () => this.#mayOpen() }
  }

  destination(hop: NextHop, helo: string): Destination {
    const key = `${hop.host.toLowerCase()}|${hop.port}|${hop.tls}|${hop.serverName}|${helo}|${materialKey(hop)}`
    const known = this.#destinations.get(key)
    if (known !== undefined) return known
    if (this.#destinations.size >= maxDestinations) this.#forgetOne()
    const made = new Destination(hop, helo, this.#parts, this.#limits)
    this.#destinations.set(key, made)
    return made
  }

  stats(): DeliveryStats {
    const destinations = [...this.#destinations.values()]
    return {
      destinations: destinations.map((d) => ({
        name: d.name,
        open: d.open,
        idle: d.idle,
        waiting: d.waiting,
        ...d.counts,
      })),
    }
  }

  close(): void {
    for (const destination of this.#destinations.values()) destination.close()
  }

  #mayOpen(): boolean {
    let open = 0
    for (const destination of this.#destinations.values()) open += destination.open
    if (open < this.#limits.maxConnections) return true
    for (const destination of this.#destinations.values()) if (destination.dropIdle()) return true
    return false
  }

  #forgetOne(): void {
    for (const [key, destination] of this.#destinations) {
      if (destination.open > 0 || destination.waiting > 0) continue
      this.#destinations.delete(key)
      return
    }
  }
}
