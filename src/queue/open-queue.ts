/** Opens the queue of a data folder. */
import { statSync } from 'node:fs'
import type { Queue } from './contract.ts'
import { QueueHandle } from './handle.ts'
import { queueFile } from './schema.ts'

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

export type OpenedQueue =
  | {
      readonly ok: true
      readonly queue: Queue
      /** There was none before, or an empty file. */
      readonly isNew: boolean
    }
  | { readonly ok: false; readonly why: string }

const hourMs = 60 * 60 * 1000

export async function openQueue(o: QueueOptions): Promise<OpenedQueue> {
  const isNew = (statSync(queueFile(o.dir), { throwIfNoEntry: false })?.size ?? 0) === 0
  const queue = new QueueHandle({
    dir: o.dir,
    now: o.now ?? steadyClock(),
    leaseMs: o.leaseMs ?? hourMs,
    sweepMs: o.sweepMs ?? 10_000,
    onTrouble: o.onTrouble ?? (() => {}),
  })
  const why = await queue.open()
  return why === undefined ? { ok: true, queue, isNew } : { ok: false, why }
}

/** The time of day at this moment, and from then on what has passed: setting the machine's clock does not move it. */
function steadyClock(): () => number {
  const offset = Date.now() - performance.now()
  return () => Math.round(offset + performance.now())
}
