/** What is done when everything is sent: flags that need a second command, and removals, which are looked at as a whole first. */
import { MailboxTrouble, type OpenFolder } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork, Lane } from './attempt-state.ts'
import type { Pair } from './book.ts'
import { finish } from './folder-work.ts'
import { allKnown } from './known-cursor.ts'
import type { FolderPlan } from './plan-folders.ts'
import { learnTargetUids } from './recognise.ts'

export async function afterwork(a: Attempt, lane: Lane, plan: FolderPlan): Promise<void> {
  const left = plan.works.filter((work) => work.hasAfterwork && work.isOver && !work.isDead)
  for (const work of left) await lateFlags(a, lane, work)
  const kept = a.job.options.followDeletions ? await followDeletions(a, lane, left, plan.vanished) : new Set()
  for (const work of left) if (!kept.has(work)) finish(a, work)
}

async function lateFlags(a: Attempt, lane: Lane, work: FolderWork): Promise<void> {
  if (work.flagsLater.length > 0) {
    const target = await openTarget(lane, work.pair)
    for (const group of inGroups(work.flagsLater)) {
      await target.setFlags(
        group.map(({ targetUid }) => targetUid),
        ['\\Flagged'],
        'add',
      )
      a.book.setFlags(work.pair.id, group)
    }
  }
  if (lane.target.traits.hasUidPlus) return
  const source = await lane.source.open(work.mapped.source, { readOnly: true })
  await learnTargetUids({
    a,
    work,
    source,
    target: await openTarget(lane, work.pair),
    isStrict: false,
    flags: new Map(),
  })
}

type Gone = { readonly uid: number; readonly targetUid: number }
type Removal = {
  readonly pair: Pair
  readonly name: string
  readonly gone: readonly Gone[]
  readonly work?: FolderWork
}

/** A folder that has lost all of more than so many messages is believed when the next pass finds it so again. */
const suspiciouslyMany = 10

/** Works whose folders are to be looked at again by the next pass. */
async function followDeletions(
  a: Attempt,
  lane: Lane,
  works: readonly FolderWork[],
  vanished: readonly Pair[],
): Promise<ReadonlySet<FolderWork>> {
  const removals = [...works.flatMap(removalIn), ...vanished.flatMap((pair) => removalOf(a, pair))]
  const believed = removals.filter((removal) => isBelieved(a, removal))
  const count = believed.reduce((sum, { gone }) => sum + gone.length, 0)
  const known = a.book.pairs().reduce((sum, pair) => sum + pair.messages, 0)
  const most = a.job.options.removeAtMost ?? Math.max(100, Math.floor(known / 10))
  const held = count > most ? removals : removals.filter((removal) => !believed.includes(removal))
  for (const removal of held) holdBack(a, removal, count > most ? most : undefined)
  if (count <= most) for (const removal of believed) await remove(a, lane, removal)
  return new Set(held.flatMap(({ work }) => work ?? []))
}

function removalIn(work: FolderWork): readonly Removal[] {
  return work.gone.length === 0 ? [] : [{ pair: work.pair, name: work.name, gone: work.gone, work }]
}

function removalOf(a: Attempt, pair: Pair): readonly Removal[] {
  const gone: Gone[] = []
  for (const page of allKnown(a.book, pair.id)) {
    for (const { uid, targetUid, state } of page) {
      if (state === 'copied' && targetUid !== undefined) gone.push({ uid, targetUid })
    }
  }
  return gone.length === 0 ? [] : [{ pair, name: pair.sourcePath.join('/'), gone }]
}

/** Twice the same is no hiccup of the server. */
function isBelieved(a: Attempt, { pair, gone, work }: Removal): boolean {
  const isAll = work === undefined || work.state?.messages === 0
  if (!isAll || gone.length <= suspiciouslyMany || pair.goneSince !== undefined) return true
  a.book.markGone(pair.id, Date.now())
  return false
}

function holdBack(a: Attempt, { name, gone }: Removal, most: number | undefined): void {
  const why =
    most === undefined
      ? 'the folder is gone or empty all at once: removed when the next pass finds it so again'
      : `a pass removes ${most} messages at most unless it is told otherwise`
  a.tally.done.heldBack += gone.length
  a.book.note({
    folder: name,
    uid: 0,
    date: '',
    subject: `${gone.length} messages`,
    bytes: 0,
    kind: 'heldBack',
    why,
  })
}

async function remove(a: Attempt, lane: Lane, { pair, name, gone }: Removal): Promise<void> {
  const target = await openTarget(lane, pair).catch(absent)
  for (const group of inGroups(gone)) {
    await target?.remove(group.map(({ targetUid }) => targetUid))
    a.book.removed(
      pair.id,
      group.map(({ uid }) => uid),
    )
    a.tally.done.removed += group.length
  }
  a.book.unnote(name, 0)
}

/** A folder that its user has removed at the target has nothing left to remove. */
function absent(error: unknown): undefined {
  if (!(error instanceof MailboxTrouble) || (error.kind !== 'changed' && error.kind !== 'refused')) throw error
}

async function openTarget(lane: Lane, pair: Pair): Promise<OpenFolder> {
  const folder = { id: pair.target, path: pair.targetPath, holdsMessages: true, isSubscribed: false }
  const open = await lane.target.open(folder, { readOnly: false })
  if (open.state.uidValidity === pair.targetValidity) return open
  throw new MailboxTrouble('changed', `the target's folder is another one now: ${pair.targetPath.join('/')}`)
}

const groupCount = 500

function* inGroups<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += groupCount) yield all.slice(at, at + groupCount)
}
