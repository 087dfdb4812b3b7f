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
  const take = taker(work, from, flow)
  work
    .run({
      what: 'the list of messages',
      pieces: [`UID FETCH ${from}:* (UID FLAGS INTERNALDATE RFC822.SIZE)${since}`],
      take,
    })
    .then(() => end(), end)
  return flow
}

function taker(work: FolderWork, from: number, flow: Flow<Listed[]>): (data: Data) => boolean {
  const { connection, sizes } = work
  let [last, count] = [0, 0]
  return (data) => {
    if (data.name !== 'FETCH') return false
    const told = readFetch(data, connection.limits)
    if (typeof told === 'string') connection.hostile(told)
    const listed = typeof told === 'string' ? undefined : listedOf(told)
    if (listed === undefined) return false // Flags that somebody changes meanwhile come unasked.
    // A range up to `*` names the last message, however far above it the range begins (RFC 9051 section 9, seq-range).
    if (listed.uid < from) return true
    if (listed.uid <= last) connection.hostile('its UIDs do not ascend')
    last = listed.uid
    count += 1
    if (count > work.selected.messages + slack) connection.hostile('it lists more messages than there are')
    sizes.note(listed.uid, listed.size)
    add(flow, listed)
    if ((flow.last?.length ?? 0) >= maxWaiting) connection.hold()
    return true
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
