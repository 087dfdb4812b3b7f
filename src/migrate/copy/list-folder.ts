/** What a folder of the source holds that is not copied yet, and whose flags have changed since. */
import { canonicalFlags, instantOf, type Listed, type OpenFolder } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork } from './attempt-state.ts'
import type { Known } from './book.ts'
import { knownCursor } from './known-cursor.ts'
import { MessageTable } from './message-table.ts'
import { isWanted, mostBytes } from './selection.ts'

/** A message that is known on both sides, whose flags at the source are not those of last time. */
export type FlagChange = {
  readonly uid: number
  readonly targetUid: number
  /** As both sides had them; undefined when that is not known. */
  readonly before: readonly string[] | undefined
  readonly now: readonly string[]
}

export type FolderListing = { readonly fresh: MessageTable; readonly tooLarge: MessageTable }

/** `onChanges` takes groups of changed flags while the listing goes on. */
export async function listFolder(
  a: Attempt,
  work: FolderWork,
  open: OpenFolder,
  o: { readonly maxAppend: number | undefined; readonly onChanges: (changes: readonly FlagChange[]) => Promise<void> },
): Promise<FolderListing> {
  const listing = { fresh: new MessageTable(), tooLarge: new MessageTable() }
  const how = howToList(a, work, open)
  const lookUp = work.isNew ? () => undefined : how.isSparse ? sparse(a, work) : knownCursor(a.book, work.pair.id)
  const most = mostBytes(a.job.options, o.maxAppend).bytes
  let changes: FlagChange[] = []
  let last = 0
  for await (const group of open.list(how.list)) {
    for (const listed of group) {
      const known = lookUp(listed.uid)
      if (known === undefined) {
        // Told twice: once is enough.
        if (listed.uid > last) addNew(a, listed, listing, most)
        last = Math.max(last, listed.uid)
      } else if (a.job.options.followFlags) changes.push(...changeOf(listed, known))
    }
    if (changes.length < 500) continue
    await o.onChanges(changes)
    changes = []
  }
  if (changes.length > 0) await o.onChanges(changes)
  return listing
}

type HowToList = {
  readonly list: { readonly from?: number; readonly changedSince?: string }
  readonly isSparse: boolean
}

/** All of it, unless it was worked through with these very settings. */
function howToList(a: Attempt, work: FolderWork, open: OpenFolder): HowToList {
  const { seen, settings } = work.pair
  if (work.isNew || seen === undefined || settings !== a.settings) return { list: {}, isSparse: false }
  if (!a.job.options.followFlags) return { list: { from: seen.uidNext }, isSparse: true }
  if (seen.modSeq === undefined || open.state.modSeq === undefined) return { list: {}, isSparse: false }
  return { list: { changedSince: seen.modSeq }, isSparse: true }
}

function sparse(a: Attempt, work: FolderWork): (uid: number) => Known | undefined {
  return (uid) => a.book.find(work.pair.id, [uid])[0]
}

function addNew(a: Attempt, listed: Listed, listing: FolderListing, most: number): void {
  const instant = instantOf(listed.internalDate)
  if (!isWanted(a.job.options, instant)) return
  const table = listed.size > most ? listing.tooLarge : listing.fresh
  table.add(listed.uid, listed.size, instant === undefined ? undefined : instant / 1000)
}

function changeOf(listed: Listed, known: Known): readonly FlagChange[] {
  const { uid, targetUid, flags, state } = known
  if (state !== 'copied' || targetUid === undefined) return []
  const now = canonicalFlags(listed.flags)
  if (flags === now.join(' ')) return []
  return [{ uid, targetUid, before: flags?.split(' ').filter((flag) => flag !== ''), now }]
}
