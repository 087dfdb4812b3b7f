/** The first steps in a folder: what is new, what changed, what is at the target already, what is gone. */
import type { Heading, OpenFolder } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork, Lane } from './attempt-state.ts'
import { skip } from './folder-work.ts'
import { followFlags } from './follow-flags.ts'
import { allKnown } from './known-cursor.ts'
import { type FlagChange, listFolder } from './list-folder.ts'
import type { MessageTable } from './message-table.ts'
import { learnTargetUids, recognise } from './recognise.ts'
import { mostBytes } from './selection.ts'
import { subjectOf } from './subject.ts'

export async function beginFolder(a: Attempt, lane: Lane, work: FolderWork, open: OpenFolder): Promise<void> {
  const { options } = a.job
  a.book.begin(work.pair.id)
  const onChanges = async (changes: readonly FlagChange[]): Promise<void> => {
    const target = await lane.target.open(work.target, { readOnly: false })
    await followFlags(a, work, target, lane.target.traits, changes)
  }
  const maxAppend = lane.target.traits.maxAppend
  // Before flags are looked at, which need to know where to go.
  if (work.pair.isBrokenOff && !work.isNew && !lane.target.traits.hasUidPlus) {
    const target = await lane.target.open(work.target, { readOnly: true })
    await learnTargetUids({ a, work, source: open, target, isStrict: false, flags: new Map() })
  }
  const listing = await listFolder(a, work, open, { maxAppend, onChanges })
  const fresh = await recognise(a, lane, work, open, listing.fresh)
  const isAdopted = fresh.length < listing.fresh.length
  // Their flags are not known to be the same: once more, now that the ledger knows which is which.
  if (isAdopted && options.followFlags)
    await listFolder(a, { ...work, isNew: false, pair: { ...work.pair, settings: '' } }, open, { maxAppend, onChanges })
  if (options.followDeletions && !work.isNew) work.gone = await goneFrom(a, work, open)
  if (work.gone.length > 0) work.hasAfterwork = true
  await tellTooLarge(a, work, open, listing.tooLarge, maxAppend)
  work.table = fresh
  work.order = orderOf(fresh, options.newestFirst)
  work.state = open.state
  a.tally.listed(work.guess, fresh.length, bytesOf(fresh))
}

async function goneFrom(a: Attempt, work: FolderWork, open: OpenFolder): Promise<FolderWork['gone']> {
  const there = new Set(await open.uids())
  const gone: { readonly uid: number; readonly targetUid: number }[] = []
  for (const page of allKnown(a.book, work.pair.id)) {
    for (const { uid, targetUid, state } of page) {
      if (state === 'copied' && targetUid !== undefined && !there.has(uid)) gone.push({ uid, targetUid })
    }
  }
  return gone
}

async function tellTooLarge(
  a: Attempt,
  work: FolderWork,
  open: OpenFolder,
  table: MessageTable,
  maxAppend: number | undefined,
): Promise<void> {
  if (table.length === 0) return
  const most = mostBytes(a.job.options, maxAppend)
  const subjects = new Map<number, string>()
  for await (const group of open.headings(table.uids())) for (const h of group) subjects.set(h.uid, subjectIn(h))
  for (let i = 0; i < table.length; i += 1) {
    const size = table.size(i)
    const why = most.why(size)
    const uid = table.uid(i)
    skip(a, work, { uid, size, date: table.date(i), subject: subjects.get(uid) ?? '', kind: 'tooLarge', why })
  }
}

function subjectIn(heading: Heading): string {
  return subjectOf(heading.fields)
}

function orderOf(table: MessageTable, newestFirst: boolean): Uint32Array {
  const order = Uint32Array.from({ length: table.length }, (_, i) => i)
  if (!newestFirst) return order
  const when = (i: number): number => {
    const date = table.date(i)
    return Number.isNaN(date) ? 0 : date
  }
  return order.sort((x, y) => when(y) - when(x) || y - x)
}

function bytesOf(table: MessageTable): number {
  let bytes = 0
  for (let i = 0; i < table.length; i += 1) bytes += table.size(i)
  return bytes
}
