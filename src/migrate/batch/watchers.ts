/**
 * Near real time: after a pass the source is listened to (IDLE in the inbox, a look at the others each minute), and what happens
 * there makes the next pass due. Where a source has no IDLE, or there are more mailboxes than connections may be kept, a pass each minute does it.
 */
import { type Connect, type Folder, type FolderState, isInbox, type Mailbox } from '../mailbox/mailbox.ts'
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
/** IDLE tells of one folder: so often the others are asked, over the connection that is there anyway. */
const lookMs = 60_000
/** Several changes in a row make one pass. */
const gatherMs = 2000
/** What a pass has left undone looks like news, too, and must not make one pass after the other. */
const catchUpMs = 60_000

export function makeWatchers(ground: Ground, kick: () => void): Watchers {
  const watching = new Map<number, { readonly batch: number; readonly abort: AbortController }>()

  const listen = async (mailbox: number, connect: Connect, signal: AbortSignal): Promise<void> => {
    const opened = await connect(signal)
    try {
      if (opened.idle === undefined) return
      const folders = await opened.folders()
      const inbox = folders.find(isInbox)
      if (inbox === undefined) return
      const first = await opened.states(folders)
      // The clock is the other way to the next pass: nothing is missed when the connection dies unseen.
      const mostMs = hasNews(seenStates(ground, mailbox), first) ? catchUpMs : longestMs
      setNextAt(ground.db, mailbox, ground.now() + mostMs)
      await untilNews(opened, { folders, first, inbox, ends: AbortSignal.any([signal, AbortSignal.timeout(mostMs)]) })
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

type States = ReadonlyMap<string, FolderState>

/** As the last pass saw the folders: what came between its look and ours is told by nobody. */
function seenStates({ ledger }: Ground, mailbox: number): ReadonlyMap<string, Partial<FolderState>> {
  return new Map(
    ledger
      .book(mailbox)
      .pairs()
      .flatMap(({ source, seen }) => (seen === undefined ? [] : [[source, seen] as const])),
  )
}

function hasNews(before: ReadonlyMap<string, Partial<FolderState>>, now: States): boolean {
  return [...before].some(([id, old]) => {
    const state = now.get(id)
    // A folder that has gone is no news for ever.
    if (state === undefined) return false
    if (old.uidNext !== state.uidNext || old.messages !== state.messages) return true
    return old.modSeq !== undefined && state.modSeq !== undefined && old.modSeq !== state.modSeq
  })
}

type Watched = {
  readonly folders: readonly Folder[]
  readonly first: States
  readonly inbox: Folder
  readonly ends: AbortSignal
}

/** Until something is new in the inbox at once, elsewhere at the next look; or `ends`. */
async function untilNews(opened: Mailbox, { folders, first, inbox, ends }: Watched): Promise<void> {
  const ids = new Set(folders.map(({ id }) => id))
  while (!ends.aborted) {
    const look = AbortSignal.timeout(lookMs)
    await opened.idle?.(inbox, AbortSignal.any([ends, look]))
    if (!look.aborted) return
    const now = await opened.folders()
    if (now.length !== ids.size || now.some(({ id }) => !ids.has(id))) return
    if (hasNews(first, await opened.states(folders))) return
  }
}
