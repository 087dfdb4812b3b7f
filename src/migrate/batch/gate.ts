/**
 * How many mailboxes of a server are worked on at once: what Exchange calls MaxConcurrentMigrations, found by trying. While all goes
 * well it is one more after a while; when the server says that it is too much, fewer.
 */

/** Of one server, kept over restarts. */
export type GateState = { limit: number; busyAt?: number }

export type Gate = {
  readonly limit: number
  /** `running`: at this server now. */
  hasRoom(running: number): boolean
  /** So many were too much for it. */
  busy(running: number): void
}

const firstLimit = 4
const growMs = 3000
/** After it was too much, the next try comes later. */
const carefulMs = 5 * 60_000
const carefulForMs = 60 * 60_000
/** Several hear of the same crowd at once: it counts as one. */
const oneCrowdMs = 2000

export type GateParts = {
  readonly state: GateState
  readonly most: number
  readonly now: () => number
  readonly onLearned: () => void
}

export const newGateState = (): GateState => ({ limit: firstLimit })

export function makeGate({ state, most, now, onLearned }: GateParts): Gate {
  let changedAt = now()
  const limit = (): number => Math.max(1, Math.min(state.limit, most))
  const grow = (running: number): void => {
    const patience = state.busyAt !== undefined && now() - state.busyAt < carefulForMs ? carefulMs : growMs
    if (running < limit() || limit() >= most || now() - changedAt < patience) return
    state.limit = limit() + 1
    changedAt = now()
    onLearned()
  }
  return {
    get limit() {
      return limit()
    },
    hasRoom(running) {
      grow(running)
      return running < limit()
    },
    busy(running) {
      if (state.busyAt !== undefined && now() - state.busyAt < oneCrowdMs) return
      state.limit = Math.max(1, Math.min(limit(), running) - 1)
      state.busyAt = now()
      changedAt = now()
      onLearned()
    },
  }
}
