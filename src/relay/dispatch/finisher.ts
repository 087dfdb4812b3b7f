/** Says what became of recipients exactly once, however often the disk must be asked. */
import type { FinishMore, Lease, Queue, Result } from '../../queue/queue.ts'

export type Finisher = {
  /** false: the lease had ended, or we are closing: whoever has the message next finds out for himself. */
  finish(lease: Lease, results: readonly Result[], more?: FinishMore): Promise<boolean>
  /** From now on each result is offered once: what comes at the last moment is still written down. */
  close(): void
}

const firstPauseMs = 500
const longestPauseMs = 30_000

/**
 * A result that the disk does not take stays in memory and is offered again: attempting the delivery once more instead would
 * make a second copy. Meanwhile the message counts as in hand, so that less is begun.
 */
export function makeFinisher(queue: Pick<Queue, 'finish'>, onTrouble: (why: string) => void): Finisher {
  const closing = new AbortController()
  const closed = new Promise<void>((resolve) => {
    closing.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  return {
    async finish(lease, results, more) {
      for (let pause = firstPauseMs; ; pause = Math.min(longestPauseMs, pause * 2)) {
        try {
          return await queue.finish(lease, results, more)
        } catch (error) {
          onTrouble(`a result cannot be stored and is kept in memory: ${String(error)}`)
        }
        if (closing.signal.aborted) return false
        await Promise.race([wait(pause), closed])
      }
    },
    close: () => closing.abort(),
  }
}

const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
