/** Reads what strace wrote down, and finds a 250 that was given before what it promises was on the disk. */

/** `1234 fdatasync(23</data/queue.db-wal>) = 0`, or in two lines when another thread came between. */
const line = /^(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\((.*))/

const ack = /"250 2\.0\.0 /
const isOfQueue = (args: string): boolean => args.includes('/queue.db')

/** A page with the message in it was written; after that all that was written was synced. */
type State = { message: 'nowhere' | 'written' | 'synced'; acks: number; tooEarly: string | undefined }

export type SyncFinding = { readonly acks: number; readonly tooEarly: string | undefined }

/** `marks`: text that only this message has in it, of the messages in the order in which they were sent, one at a time. */
export function firstAckTooEarly(log: string, marks: readonly string[]): SyncFinding {
  const state: State = { message: 'nowhere', acks: 0, tooEarly: undefined }
  const unfinished = new Map<string, string>()
  for (const text of log.split('\n')) {
    const [, thread = '', resumed, call, args = ''] = line.exec(text) ?? []
    if (call !== undefined) begins(state, call, args, marks)
    if (call !== undefined && args.endsWith('<unfinished ...>')) unfinished.set(thread, args)
    else ends(state, call ?? resumed ?? '', call === undefined ? (unfinished.get(thread) ?? '') : args, text)
  }
  return { acks: state.acks, tooEarly: state.tooEarly }
}

/** What is written counts from its beginning, and a reply is out at its beginning. */
function begins(state: State, call: string, args: string, marks: readonly string[]): void {
  const mark = marks[state.acks] ?? ''
  if (call.startsWith('pwrite') && isOfQueue(args)) {
    if (state.message === 'nowhere' && args.includes(mark)) state.message = 'written'
  } else if (!call.startsWith('f') && ack.test(args)) {
    if (state.message !== 'synced') state.tooEarly ??= `${mark} was ${state.message}`
    state.acks += 1
    state.message = 'nowhere'
  }
}

/** A sync counts from its end, and only when it said 0. */
function ends(state: State, call: string, args: string, text: string): void {
  if (!/^f(?:data)?sync$/.test(call) || !isOfQueue(args) || !text.endsWith('= 0')) return
  if (state.message === 'written') state.message = 'synced'
}
