import { readFetch } from './fetch-data.ts'
import type { FolderWork } from './folder-work.ts'
import { slack } from './list-messages.ts'
import type { Data } from './response.ts'
import { Scanner } from './scanner.ts'
import { expandSet } from './uid-set.ts'

/** Above this the answer of SEARCH, which is one line, would be a very long one. */
const searchable = 50_000

/** UIDs that are there now, ascending. */
export async function folderUids(work: FolderWork, hasEsearch: boolean): Promise<readonly number[]> {
  const { messages } = work.selected
  if (messages === 0) return []
  const uids = messages > searchable ? await byFetch(work) : await bySearch(work, hasEsearch)
  return uids.toSorted((a, b) => a - b).filter((uid, i, all) => i === 0 || uid !== all[i - 1])
}

async function bySearch(work: FolderWork, hasEsearch: boolean): Promise<number[]> {
  const uids: number[] = []
  const take = (data: Data): boolean => {
    if (data.name !== 'SEARCH' && data.name !== 'ESEARCH') return false
    const found = data.name === 'SEARCH' ? data.frame[0].slice(data.at).trim().replace(/ +/g, ',') : esearch(work, data)
    const expanded = found === '' ? [] : expandSet(found, work.selected.messages + slack - uids.length)
    if (expanded === undefined) work.connection.hostile('its answer to a search is none')
    for (const uid of expanded ?? []) uids.push(uid)
    return true
  }
  await work.run({
    what: 'the list of UIDs',
    pieces: [hasEsearch ? 'UID SEARCH RETURN (ALL) ALL' : 'UID SEARCH ALL'],
    take,
  })
  return uids
}

/** RFC 9051 section 7.3.4: `(TAG "a1") UID ALL 4:18,21`. The set, '' when nothing was found. */
function esearch(work: FolderWork, { frame, at }: Data): string {
  const scanner = new Scanner(frame, at, work.connection.limits)
  if (frame[0].slice(at).trimStart().startsWith('(')) scanner.value()
  while (!scanner.isAtEnd && scanner.fault === undefined) {
    const name = scanner.atom().toUpperCase()
    if (name === 'ALL') return scanner.atom()
    if (name !== 'UID') scanner.value()
  }
  return ''
}

async function byFetch(work: FolderWork): Promise<number[]> {
  const uids: number[] = []
  const take = (data: Data): boolean => {
    if (data.name !== 'FETCH' || uids.length > work.selected.messages + slack) return false
    const told = readFetch(data, work.connection.limits)
    if (typeof told === 'string') work.connection.hostile(told)
    if (typeof told === 'string' || told.uid === undefined) return false
    uids.push(told.uid)
    return true
  }
  await work.run({ what: 'the list of UIDs', pieces: ['UID FETCH 1:* (UID)'], take })
  return uids
}
