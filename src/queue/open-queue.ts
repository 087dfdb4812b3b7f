/** Opens the queue of a data folder. */
import type { Queue } from './contract.ts'

export type QueueOptions = {
  /** The data folder; the caller has claimed it for this process. */
  readonly dir: string
  /** A clock that nobody sets, in ms since 1970; for tests. */
  readonly now?: () => number
  /** A lease that nobody extends ends after so long; an hour when absent. */
  readonly leaseMs?: number
  /** How often the queue tidies up by itself; 10,000 when absent, 0 is never. */
  readonly sweepMs?: number
  /** Hears sentences for the log; not the same one again and again. */
  readonly onTrouble?: (why: string) => void
}

export type OpenedQueue = { readonly ok: true; readonly queue: Queue } | { readonly ok: false; readonly why: string }

export async function openQueue(o: QueueOptions): Promise<OpenedQueue> {
  return { ok: false, why: `no queue in ${o.dir} yet` }
}
