/**
 * How many mailboxes of a server are worked on at once: what Exchange calls MaxConcurrentMigrations, found by trying. While all goes
 * well it is one more after a while; when the server says that it is too much, fewer.
 */

export type GateState = { limit: number; busyAt?: number }

export type Gate = {
  readonly running: number
  readonly limit: number
  hasRoom(): boolean
  enter(): void
  leave(): void
  /** It was too much for the server. */
  busy(): void
}

const firstLimit = 4
const growMs = 5000
const afterBusyMs = 5 * 60_000

export type GateParts = {
  readonly state: GateState
  readonly most: number
  readonly now: () => number
  readonly onLearned: () => void
}

export const newGateState = (): GateState => ({ limit: firstLimit })

export function makeGate({ state, most, now, onLearned }: GateParts): Gate {
  let running = 0
  let changedAt = now()
  const limit = (): number => Math.max(1, Math.min(state.limit, most))
  const grow = (): void => {
    const patience = state.busyAt !== undefined && now() - state.busyAt < 60 * 60_000 ? afterBusyMs : growMs
    if (running < limit() || state.limit >= most || now() - changedAt < patience) return
    state.limit = limit() + 1
    changedAt = now()
    onLearned()
  }
  return {
    get running() {
      return running
    },
    get limit() {
      return limit()
    },
    hasRoom() {
      grow()
      return running < limit()
    },
    enter: () => void (running += 1),
    leave: () => void (running -= 1),
    busy() {
      // Several hear of the same crowd at once: it counts as one.
      if (state.busyAt !== undefined && now() - state.busyAt < 2000) return
      state.limit = Math.max(1, Math.min(limit(), running) - 1)
      state.busyAt = now()
      changedAt = now()
      onLearned()
    },
  }
}
