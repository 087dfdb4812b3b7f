import type { Connection } from './connection.ts'
import type { Data } from './response.ts'

const events: ReadonlySet<string> = new Set(['EXISTS', 'EXPUNGE', 'FETCH', 'VANISHED'])

/**
 * IDLE (RFC 2177) until something happens in the open folder, the signal, or another command that waits. Renewed each `restMs`: a
 * server may end what is silent for 30 minutes.
 */
export async function idle(connection: Connection, signal: AbortSignal, restMs: number): Promise<void> {
  let isOver = signal.aborted
  while (!isOver) isOver = await round(connection, signal, restMs)
}

/** True: it is over. False: only the time was. */
function round(connection: Connection, signal: AbortSignal, restMs: number): Promise<boolean> {
  let isIdle = false
  let isOver: boolean | undefined
  const end = (over: boolean): void => {
    if (isOver === undefined && isIdle) connection.outbox.say('DONE')
    isOver ??= over
  }
  const stop = (): void => end(true)
  const timer = setTimeout(() => end(false), restMs)
  signal.addEventListener('abort', stop)
  const ended = connection.run({
    what: 'IDLE',
    about: 'folder',
    pieces: ['IDLE'],
    order: 'alone',
    isEndless: () => isOver === undefined,
    hurry: stop,
    take(data: Data) {
      if (events.has(data.name)) end(true)
      return false // The folder's counts want it too.
    },
    goOn() {
      isIdle = true
      return isOver === undefined ? undefined : 'DONE'
    },
  })
  return ended
    .then(() => isOver ?? true)
    .finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    })
}
