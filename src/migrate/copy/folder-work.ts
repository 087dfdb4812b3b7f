/** One pair of folders: what is left to copy in it, what has come of it, and its end. */
import { type Fetched, headingOf, instantOf } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork } from './attempt-state.ts'
import type { SkippedKind } from './contract.ts'
import { subjectOf } from './subject.ts'

/** The next ones to copy, in order; none when all are given out. */
export function nextSlice(a: Attempt, work: FolderWork, most: number): readonly number[] {
  const slice: number[] = []
  for (; work.at < work.order.length && slice.length < most; work.at += 1) {
    const uid = work.table.uid(work.order[work.at] ?? 0)
    if (a.blame.isSuspect(work.pair.id, uid)) work.suspects.push(uid)
    else slice.push(uid)
  }
  return slice
}

export function hasMore(work: FolderWork): boolean {
  return work.at < work.order.length || work.suspects.length > 0
}

/** What was heard and what is under way, in one commit. */
export function commit(a: Attempt, work: FolderWork): void {
  const floors = [...work.sending.values()].map((s) => s.floor)
  a.book.write(work.pair.id, {
    copied: work.copied.splice(0),
    skipped: work.skipped.splice(0),
    sending: work.sending.values(),
    targetFrom: floors.length === 0 ? work.highest + 1 : Math.min(...floors),
  })
}

/** One that was offered has come to its end. */
export function settled(a: Attempt, work: FolderWork): void {
  work.unsettled -= 1
  endIfOver(a, work)
}

export function endIfOver(a: Attempt, work: FolderWork): void {
  if (work.isOver || work.unsettled > 0 || work.lanesIn > 0 || hasMore(work) || work.state === undefined) return
  work.isOver = true
  commit(a, work)
  if (!work.hasAfterwork) finish(a, work)
}

export function finish(a: Attempt, work: FolderWork): void {
  if (work.state === undefined) return
  a.book.finish(work.pair.id, work.state, a.settings)
  // What was said of the folder as a whole is over.
  a.book.unnote(work.name, 0)
  a.tally.folderDone()
}

export type SkipWhat = { readonly kind: SkippedKind; readonly why: string } & (
  | { readonly fetched: Fetched }
  | { readonly uid: number; readonly size: number; readonly date: number; readonly subject: string }
)

/** Written with the next commit. A repaired one is listed, not skipped. */
export function skip(a: Attempt, work: FolderWork, what: SkipWhat): void {
  const about = 'fetched' in what ? aboutFetched(what.fetched) : what
  work.skipped.push({
    folder: work.name,
    uid: about.uid,
    date: Number.isNaN(about.date) ? '' : new Date(about.date * 1000).toISOString(),
    subject: about.subject,
    bytes: about.size,
    kind: what.kind,
    why: what.why,
  })
  if (what.kind !== 'repaired') a.tally.skipped(about.size)
}

function aboutFetched({ uid, size, internalDate, content }: Fetched): {
  uid: number
  size: number
  date: number
  subject: string
} {
  const date = (instantOf(internalDate) ?? Number.NaN) / 1000
  return { uid, size, date, subject: Buffer.isBuffer(content) ? subjectOf(headingOf(content)) : '' }
}
