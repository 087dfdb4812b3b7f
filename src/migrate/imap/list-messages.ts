import { type Listed, MailboxTrouble } from '../mailbox/mailbox.ts'
import { type FetchData, readFetch } from './fetch-data.ts'
import { Flow } from './flow.ts'
import type { FolderWork } from './folder-work.ts'
import type { Data } from './response.ts'
import { modSeqOf } from './states.ts'

/** More than the server counted may be there by now, but not so many more. */
export const slack = 10_000
/** So many wait to be taken before reading stops, so that a folder of any size costs some megabytes. */
const maxWaiting = 20_000

export type ListOptions = { readonly from?: number; readonly changedSince?: string }

/** UID FETCH of everything but the content, in one command; a group is what arrived since the last one was taken. */
export function listMessages(
  work: FolderWork,
  { from = 1, changedSince }: ListOptions,
): AsyncIterable<readonly Listed[]> {
  const { connection, selected } = work
  const flow = new Flow<Listed[]>(
    () => connection.release(),
    () => connection.release(),
  )
  const end = (error?: Error): void => flow.end(error)
  // A folder that is only being opened may hold anything. QUIRK: Exchange refuses `1:*` of an empty folder, so it is not asked.
  if (selected.messages === 0 && selected.uidValidity > 0) {
    end()
    return flow
  }
  if (changedSince !== undefined && modSeqOf(changedSince) === undefined) {
    end(new MailboxTrouble('refused', 'this is no modification sequence'))
    return flow
  }
  const since = changedSince === undefined ? '' : ` (CHANGEDSINCE ${changedSince})`
  const tally = new Tally(work, from, flow)
  const pieces = [`UID FETCH ${from}:* (UID FLAGS INTERNALDATE RFC822.SIZE)${since}`]
  const isAll = from === 1 && changedSince === undefined
  work
    .run({ what: 'the list of messages', pieces, take: (data) => tally.take(data) })
    .then(() => end(isAll ? tally.missing() : undefined), end)
  return flow
}

class Tally {
  readonly #work: FolderWork
  readonly #from: number
  readonly #flow: Flow<Listed[]>
  #last = 0
  #count = 0
  /** Messages there were, and those that were gone, when the list began. */
  #before: { readonly messages: number; readonly expunged: number } | undefined

  constructor(work: FolderWork, from: number, flow: Flow<Listed[]>) {
    this.#work = work
    this.#from = from
    this.#flow = flow
  }

  take(data: Data): boolean {
    if (data.name !== 'FETCH') return false
    this.#begin()
    const { connection } = this.#work
    const told = readFetch(data, connection.limits)
    if (typeof told === 'string') connection.hostile(told)
    const listed = typeof told === 'string' ? undefined : listedOf(told)
    if (listed === undefined) return false // Flags that somebody changes meanwhile come unasked.
    // A range up to `*` names the last message, however far above it the range begins (RFC 9051 section 9, seq-range).
    if (listed.uid >= this.#from) this.#add(listed)
    return true
  }

  /** One that is there and was not told would be lost without a word. */
  missing(): MailboxTrouble | undefined {
    const { messages, expunged } = this.#begin()
    const least = messages - (this.#work.selected.expunged - expunged)
    if (this.#count >= least) return undefined
    return new MailboxTrouble('changed', `the list has ${this.#count} of ${least} messages`)
  }

  #begin(): { readonly messages: number; readonly expunged: number } {
    const { messages, expunged } = this.#work.selected
    this.#before ??= { messages, expunged }
    return this.#before
  }

  #add(listed: Listed): void {
    const { connection, sizes, selected } = this.#work
    if (listed.uid <= this.#last) connection.hostile('its UIDs do not ascend')
    this.#last = listed.uid
    this.#count += 1
    if (this.#count > selected.messages + slack) connection.hostile('it lists more messages than there are')
    sizes.note(listed.uid, listed.size)
    add(this.#flow, listed)
    if ((this.#flow.last?.length ?? 0) >= maxWaiting) connection.hold()
  }
}

function add(flow: Flow<Listed[]>, listed: Listed): void {
  const group = flow.last
  if (group === undefined) flow.push([listed])
  else group.push(listed)
}

export function listedOf({ uid, flags, internalDate, size }: FetchData): Listed | undefined {
  if (uid === undefined || flags === undefined || internalDate === undefined || size === undefined) return undefined
  return { uid, flags, internalDate, size }
}
