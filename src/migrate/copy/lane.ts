/** One lane: folder after folder, read from the source while the target takes what was read before. */
import { type Fetched, MailboxTrouble, type OpenFolder } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork, Lane } from './attempt-state.ts'
import { beginFolder } from './begin-folder.ts'
import { commit, endIfOver, nextSlice, skip } from './folder-work.ts'
import type { WorkQueue } from './work-queue.ts'

/** Until the queue has nothing for it. */
export async function runLane(a: Attempt, lane: Lane, queue: WorkQueue, isAlone: boolean): Promise<void> {
  for (let group = queue.next(); group !== undefined; group = queue.next()) {
    for (const [i, work] of group.entries()) {
      if (i > 0) await lane.sender.drain()
      await workIn(a, lane, work, isAlone)
    }
  }
  await lane.sender.drain()
}

async function workIn(a: Attempt, lane: Lane, work: FolderWork, isAlone: boolean): Promise<void> {
  a.tally.inFolder(work.name)
  work.lanesIn += 1
  try {
    await inFolder(a, lane, work, isAlone)
  } catch (error) {
    await folderTrouble(a, lane, work, error)
  }
  // Whoever leaves by a trouble is counted in for good: what it was given was not read to the end, and the folder is not over.
  work.lanesIn -= 1
  endIfOver(a, work)
}

async function inFolder(a: Attempt, lane: Lane, work: FolderWork, isAlone: boolean): Promise<void> {
  const open = await lane.source.open(work.mapped.source, { readOnly: true })
  if (open.state.uidValidity !== work.pair.sourceValidity)
    throw new MailboxTrouble('changed', `the source's folder is another one now: ${work.name}`)
  work.begun ??= beginFolder(a, lane, work, open)
  await work.begun
  // Alone, there is nobody to leave anything to; a command for all of it wastes no round trip.
  const most = isAlone && !a.job.options.newestFirst ? aloneCount : a.tuning.messagesPerLane
  for (let slice = nextSlice(a, work, most); slice.length > 0; slice = nextSlice(a, work, most)) {
    await copySlice(a, lane, work, open, slice)
  }
  for (let uid = work.suspects.shift(); uid !== undefined; uid = work.suspects.shift()) {
    await copySuspect(a, lane, work, open, uid)
  }
}

const aloneCount = 10_000

async function copySlice(
  a: Attempt,
  lane: Lane,
  work: FolderWork,
  open: OpenFolder,
  slice: readonly number[],
): Promise<void> {
  const left = new Set(slice)
  try {
    for await (const message of open.fetch(slice)) {
      // Told twice, or not asked for.
      if (left.delete(message.uid)) await lane.sender.offer(work, message)
    }
  } catch (error) {
    if (!isAboutOne(error)) throw blamed(a, work, left, error)
  }
  if (left.size > 0) await copyOneByOne(a, lane, work, open, left)
}

/** Most often they were expunged meanwhile; what is still there the source could not give among others. */
async function copyOneByOne(
  a: Attempt,
  lane: Lane,
  work: FolderWork,
  open: OpenFolder,
  left: Set<number>,
): Promise<void> {
  const there = new Set(await open.uids())
  a.tally.vanished([...left].filter((uid) => !there.has(uid)).length)
  for (const uid of left) if (there.has(uid)) await copyOne(a, lane, work, open, uid)
}

async function copyOne(a: Attempt, lane: Lane, work: FolderWork, open: OpenFolder, uid: number): Promise<void> {
  let found: Fetched | undefined
  try {
    for await (const message of open.fetch([uid])) {
      if (message.uid !== uid || found !== undefined) continue
      found = message
      await lane.sender.offer(work, message)
    }
  } catch (error) {
    if (!isAboutOne(error)) throw blamed(a, work, new Set([uid]), error)
    unreadable(a, work, uid, error)
  }
}

/** Connections have died of it: alone, with nothing else under way. */
async function copySuspect(a: Attempt, lane: Lane, work: FolderWork, open: OpenFolder, uid: number): Promise<void> {
  await lane.sender.drain()
  if (a.blame.isGuilty(work.pair.id, uid)) {
    return unreadable(a, work, uid, new MailboxTrouble('refused', 'the connection was lost each time it was copied'))
  }
  await copyOne(a, lane, work, open, uid)
  await lane.sender.drain()
}

function unreadable(a: Attempt, work: FolderWork, uid: number, trouble: MailboxTrouble): void {
  const row = work.table.rowOf(uid) ?? -1
  const why = trouble.words === '' ? trouble.message : `${trouble.message}: ${trouble.words}`
  skip(a, work, { uid, size: work.table.size(row), date: work.table.date(row), subject: '', kind: 'unreadable', why })
}

function isAboutOne(error: unknown): error is MailboxTrouble {
  return error instanceof MailboxTrouble && (error.kind === 'refused' || error.kind === 'tooLarge')
}

function blamed(a: Attempt, work: FolderWork, left: ReadonlySet<number>, error: unknown): unknown {
  const [first] = left
  const isLost = error instanceof MailboxTrouble && (error.kind === 'unreachable' || error.kind === 'stalled')
  if (isLost && first !== undefined && a.failure === undefined) a.blame.add(work.pair.id, first)
  return error
}

/** A folder that cannot be worked in does not end the others. */
async function folderTrouble(a: Attempt, lane: Lane, work: FolderWork, error: unknown): Promise<void> {
  if (a.failure !== undefined || !(error instanceof MailboxTrouble)) throw error
  const isAgain = error.kind === 'changed' && a.blame.isSuspect(work.pair.id, 0)
  if (error.kind === 'changed') a.blame.add(work.pair.id, 0)
  if (error.kind !== 'refused' && error.kind !== 'unsupported' && !isAgain) throw error
  await lane.sender.drain()
  work.isOver = true
  work.isDead = true
  if (work.state !== undefined) commit(a, work)
  const why = error.words === '' ? error.message : `${error.message}: ${error.words}`
  a.book.note({ folder: work.name, uid: 0, date: '', subject: '', bytes: 0, kind: 'folder', why })
  a.tally.done.skipped += 1
}
