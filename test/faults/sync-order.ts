/** Reads what strace wrote down, and finds a 250 that was given before what it promises was on the disk. */

/** `1234 fdatasync(23</data/queue.db-wal>) = 0`, or in two lines when another thread came between. */
const line = /^(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\((.*))/

/** The reply to DATA, and the reply to the final dot: `write(31<socket:[99]>, "354 ...`. */
const goAhead = /"354[ -]/
const ack = /"250 2\.0\.0 /

type State = {
  /** Inside of a message: since its 354. */
  isOpen: boolean
  /** Something was written to the queue's files since then, and not synced yet. */
  isDirty: boolean
  wasSynced: boolean
  acks: number
  tooEarly: string | undefined
}

export type SyncFinding = { readonly acks: number; readonly tooEarly: string | undefined }

export function firstAckTooEarly(log: string): SyncFinding {
  const state: State = { isOpen: false, isDirty: false, wasSynced: false, acks: 0, tooEarly: undefined }
  const unfinished = new Map<string, string>()
  for (const text of log.split('\n')) {
    const [, thread = '', resumed, call, rest = ''] = line.exec(text) ?? []
    if (thread === '') continue
    const isCut = rest.endsWith('<unfinished ...>')
    if (call !== undefined) begins(state, call, rest, text)
    if (isCut && call !== undefined) unfinished.set(thread, rest)
    else if (resumed !== undefined) ends(state, resumed, unfinished.get(thread) ?? '', text)
    else if (call !== undefined) ends(state, call, rest, text)
  }
  return { acks: state.acks, tooEarly: state.tooEarly }
}

const isOfQueue = (args: string): boolean => /queue\.db/.test(args)

/** What is written counts from its beginning, and a reply is out at its beginning. */
function begins(state: State, call: string, args: string, text: string): void {
  if (call.startsWith('pwrite')) {
    if (isOfQueue(args)) state.isDirty = true
    return
  }
  if (call.startsWith('f')) return
  if (goAhead.test(args)) {
    state.isOpen = true
    state.isDirty = false
    state.wasSynced = false
  } else if (state.isOpen && ack.test(args)) {
    state.isOpen = false
    state.acks += 1
    if (!state.wasSynced || state.isDirty) state.tooEarly ??= text.slice(0, 200)
  }
}

/** A sync counts from its end, and only when it said 0. */
function ends(state: State, call: string, args: string, text: string): void {
  if (!/^f(?:data)?sync$/.test(call) || !isOfQueue(args) || !text.endsWith('= 0')) return
  state.isDirty = false
  state.wasSynced = true
}
