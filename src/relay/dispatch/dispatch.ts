/**
 * The queue's work: what was accepted and not handed on is attempted again, by the same stages as at the first time.
 *
 * Promises: a next hop that is dead or slow holds up nobody else; what is due when it comes back goes at once; one attempt of
 *   a recipient at a time, and its result is written down once, however often the disk must be asked.
 * Never: gives a message up before an attempt failed that late, or its hop was known to be dead then; reports to anybody who may not be told; expires what is held.
 * On failure: what cannot be attempted waits or is held, with the reason; an exception defers the one message that caused it.
 */
import type { Lease, NewMessage } from '../../queue/queue.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Delivery, PlannedRecipient } from '../plan/plan.ts'
import type { Closed } from './lanes.ts'

export { mayBeTold } from './judge.ts'
export type { Closed } from './lanes.ts'
export { type DispatchParts, type DispatchTimes, makeDispatch } from './loop.ts'

/** A recipient that was put as running, and its outcome; one with `later` is still being waited for. */
export type Pending = {
  readonly n: number
  readonly delivery: Delivery
  readonly recipient: PlannedRecipient
  readonly outcome: Outcome
}

export type Dispatch = {
  /** For mail that goes straight through: the trouble that its next hop is in. Nothing: leave to try, between `began` and `tried`. */
  closed(lane: string): Closed | undefined
  began(lane: string): void
  tried(lane: string, outcomes: readonly Outcome[]): void
  /** Takes a message over from `settle`, together with what came of its first attempt. */
  follow(lease: Lease, message: NewMessage, pending: readonly Pending[]): void
  /** Something may be due. */
  kick(): void
  /** An operator has mended something: next hops in trouble are probed at once, not when their pause ends. */
  tryLanes(): void
  /** When a lane in trouble is probed again; nothing of one that is well. */
  probeAt(lane: string): number | undefined
  /** Nothing new is begun. */
  stop(): void
  /** Waits so long for what is in hand, then breaks it off. What may have arrived stays running, and is due at the next start. */
  close(withinMs: number): Promise<void>
}
