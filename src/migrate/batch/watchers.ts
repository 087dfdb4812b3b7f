/**
 * Near real time: after a pass the source is listened to (IDLE), and what happens there makes the next pass due. Where a source has
 * no IDLE, or there are more mailboxes than connections may be kept, a pass each minute does it.
 */
import type { Connect } from '../mailbox/mailbox.ts'
import type { Ground } from './ground.ts'
import { setNextAt } from './mailboxes.ts'

export type Watchers = {
  watch(batch: number, mailbox: number, connect: Connect): void
  /** Its next pass begins: a new one is made after it. */
  stop(mailbox: number): void
  end(batch: number): void
  close(): void
}

const most = 200
/** RFC 2177: a server may end what is idle for half an hour. */
const longestMs = 25 * 60_000
/** Several changes in a row make one pass. */
const gatherMs = 2000

export function makeWatchers(ground: Ground, kick: () => void): Watchers {
  const watching = new Map<number, { readonly batch: number; readonly abort: AbortController }>()

  const listen = async (mailbox: number, connect: Connect, signal: AbortSignal): Promise<void> => {
    const opened = await connect(signal)
    try {
      if (opened.idle === undefined) return
      const inbox = (await opened.folders()).find(
        ({ use, path }) => use === 'inbox' || path[0]?.toUpperCase() === 'INBOX',
      )
      if (inbox === undefined) return
      // The clock is the other way to the next pass: nothing is missed when the connection dies unseen.
      setNextAt(ground.db, mailbox, ground.now() + longestMs)
      await opened.idle(inbox, AbortSignal.any([signal, AbortSignal.timeout(longestMs)]))
      if (!signal.aborted) setNextAt(ground.db, mailbox, ground.now() + gatherMs)
    } finally {
      await opened.close()
    }
  }
  return {
    watch(batch, mailbox, connect) {
      if (watching.size >= most || watching.has(mailbox)) return
      const abort = new AbortController()
      watching.set(mailbox, { batch, abort })
      listen(mailbox, connect, abort.signal)
        // The pass that is due anyway tells of the trouble.
        .catch(() => undefined)
        .finally(() => {
          if (watching.get(mailbox)?.abort === abort) watching.delete(mailbox)
          kick()
        })
    },
    stop(mailbox) {
      watching.get(mailbox)?.abort.abort()
      watching.delete(mailbox)
    },
    end(batch) {
      for (const [mailbox, one] of watching) if (one.batch === batch) this.stop(mailbox)
    },
    close() {
      for (const { abort } of watching.values()) abort.abort()
      watching.clear()
    },
  }
}
