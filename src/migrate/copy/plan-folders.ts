/** What an attempt has to do: both sides' folders, which belongs to which, and in which of them something happened. */
import { type Folder, type FolderState, type Mailbox, MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork } from './attempt-state.ts'
import type { NewPair, Pair } from './book.ts'
import { createTarget } from './create-target.ts'
import { type Mapped, mapFolders } from './folder-map.ts'
import { MessageTable } from './message-table.ts'

export type FolderPlan = {
  readonly works: readonly FolderWork[]
  /** Known from earlier passes, and no longer at the source. */
  readonly vanished: readonly Pair[]
}

export async function planFolders(a: Attempt, source: Mailbox, target: Mailbox): Promise<FolderPlan> {
  const pairs = a.book.pairs()
  // What is known is asked for together with what is not: mostly nothing has changed, and one round trip tells.
  const [sources, targets, sourceStates, targetStates] = await Promise.all([
    source.folders(),
    target.folders(),
    pairs.length === 0 ? none : source.states(pairs.map((pair) => stub(pair.source, pair.sourcePath))),
    pairs.length === 0 ? none : target.states(pairs.map((pair) => stub(pair.target, pair.targetPath))),
  ])
  const { mapped } = mapFolders({
    source: sources,
    target: targets,
    sourceKind: source.traits.kind,
    targetKind: target.traits.kind,
    options: a.job.options,
    known: new Map(pairs.map((pair) => [pair.source, pair.target])),
  })
  a.book.unnoteFolders()
  const placed = await placeAll(a, target, mapped, new Set(pairs.map((pair) => pair.source)))
  const [states, there] = await Promise.all([
    withMissing(
      source,
      sourceStates,
      placed.map((p) => p.mapped.source),
    ),
    withMissing(
      target,
      targetStates,
      placed.map((p) => p.target),
    ),
  ])
  const known = new Map(pairs.map((pair) => [pair.source, pair]))
  const works = placed.flatMap((p) => work(a, p, known.get(p.mapped.source.id), states, there))
  const ids = new Set(sources.map((folder) => folder.id))
  return { works, vanished: pairs.filter((pair) => !ids.has(pair.source)) }
}

const none: ReadonlyMap<string, FolderState> = new Map()

/** Enough of a folder to ask for its state. */
function stub(id: string, path: readonly string[]): Folder {
  return { id, path, holdsMessages: true, isSubscribed: false }
}

async function withMissing(
  mailbox: Mailbox,
  states: ReadonlyMap<string, FolderState>,
  folders: readonly Folder[],
): Promise<ReadonlyMap<string, FolderState>> {
  const missing = folders.filter((folder) => !states.has(folder.id))
  return missing.length === 0 ? states : new Map([...states, ...(await mailbox.states(missing))])
}

export type Placed = { readonly mapped: Mapped; readonly target: Folder }

/** Folders that are missing at the target are made, all at once; one that cannot be made is told and left out. */
async function placeAll(
  a: Attempt,
  target: Mailbox,
  mapped: readonly Mapped[],
  known: ReadonlySet<string>,
): Promise<readonly Placed[]> {
  const taken = new Set(mapped.flatMap((m) => (m.existing === undefined ? [] : [m.existing.id])))
  const placed = await Promise.all(mapped.map((m) => place(a, target, m, taken, known)))
  return placed.filter((p) => p !== undefined)
}

async function place(
  a: Attempt,
  target: Mailbox,
  mapped: Mapped,
  taken: Set<string>,
  known: ReadonlySet<string>,
): Promise<Placed | undefined> {
  const name = mapped.source.path.join('/')
  try {
    if (mapped.existing === undefined) return { mapped, target: await createTarget(target, mapped, taken) }
    // Later passes leave it to the target's user.
    if (!known.has(mapped.source.id) && mapped.source.isSubscribed && !mapped.existing.isSubscribed)
      await target.subscribe(mapped.existing)
    return { mapped, target: mapped.existing }
  } catch (error) {
    if (!(error instanceof MailboxTrouble) || !isAboutFolder(error)) throw error
    if (mapped.existing !== undefined) return { mapped, target: mapped.existing }
    leftOut(a, name, `the target does not take this folder: ${error.words === '' ? error.message : error.words}`)
    return undefined
  }
}

/** Also one that is listed and cannot be subscribed to: whether mail fits in shows later. */
function isAboutFolder({ kind }: MailboxTrouble): boolean {
  return kind === 'refused' || kind === 'unsupported' || kind === 'changed'
}

function leftOut(a: Attempt, folder: string, why: string): void {
  a.book.note({ folder, uid: 0, date: '', subject: '', bytes: 0, kind: 'folder', why })
  a.tally.done.skipped += 1
}

/** Empty when nothing happened in it, or it cannot be looked into; that is told. */
function work(
  a: Attempt,
  { mapped, target }: Placed,
  known: Pair | undefined,
  states: ReadonlyMap<string, FolderState>,
  there: ReadonlyMap<string, FolderState>,
): readonly FolderWork[] {
  const [state, targetState] = [states.get(mapped.source.id), there.get(target.id)]
  if (state === undefined || targetState === undefined) {
    const side = state === undefined ? 'source' : 'target'
    leftOut(a, mapped.source.path.join('/'), `the ${side} lists this folder, and does not say what it holds`)
    return []
  }
  const now = {
    source: mapped.source.id,
    sourcePath: mapped.source.path,
    sourceValidity: state.uidValidity,
    target: target.id,
    targetPath: target.path,
    targetValidity: targetState.uidValidity,
  }
  const isSame = known !== undefined && isSamePair(known, now)
  if (isSame && isUntouched(a, known, state)) return []
  // Other choices may want what was skipped.
  if (isSame && known.settings !== '' && known.settings !== a.settings) a.book.forgetSkipped(known.id)
  const pair = isSame ? known : restarted(a, known, now)
  if (isUnbegun(pair) && state.messages === 0) {
    a.book.finish(pair.id, state, a.settings)
    return []
  }
  const guess = pair.seen === undefined ? state.messages : Math.max(0, state.messages - pair.seen.messages)
  return [newWork({ mapped, target, targetState, pair, isNew: isUnbegun(pair), guess })]
}

/** Also one whose first pass broke off before anything was known of it. */
function isUnbegun(pair: Pair): boolean {
  const isBare = pair.seen === undefined && pair.messages === 0 && pair.sending.length === 0
  return isBare && (!pair.isBrokenOff || pair.targetFrom === 1)
}

function isSamePair(known: Pair, now: NewPair): boolean {
  return (
    known.sourceValidity === now.sourceValidity &&
    known.target === now.target &&
    known.targetValidity === now.targetValidity
  )
}

/** A UIDVALIDITY that changed (RFC 9051 section 2.3.1.1) makes all UIDs worthless: messages are found again by what they are. */
function restarted(a: Attempt, known: Pair | undefined, now: NewPair): Pair {
  if (known === undefined) return a.book.add(now)
  a.book.restart(known.id, now)
  return { id: known.id, ...now, isBrokenOff: false, settings: '', sending: [], targetFrom: 1, messages: 0 }
}

function isUntouched(a: Attempt, { seen, settings, isBrokenOff }: Pair, now: FolderState): boolean {
  if (seen === undefined || isBrokenOff || settings !== a.settings) return false
  if (seen.uidNext !== now.uidNext || seen.messages !== now.messages) return false
  if (seen.modSeq !== undefined && now.modSeq !== undefined) return seen.modSeq === now.modSeq
  // Without CONDSTORE no state tells of flags.
  return !a.job.options.followFlags
}

function newWork(o: Pick<FolderWork, 'mapped' | 'target' | 'targetState' | 'pair' | 'isNew' | 'guess'>): FolderWork {
  const known = o.pair.targetFrom - 1
  return {
    ...o,
    name: o.mapped.source.path.join('/'),
    table: new MessageTable(),
    order: new Uint32Array(0),
    at: 0,
    suspects: [],
    lanesIn: 0,
    unsettled: 0,
    sending: new Map(),
    copied: [],
    skipped: [],
    // After a crash what lies beyond may be ours; otherwise all that is there now is known, or not ours.
    highest: o.pair.isBrokenOff ? known : o.targetState.uidNext - 1,
    flagsLater: [],
    gone: [],
    hasAfterwork: false,
    isOver: false,
    isDead: false,
  }
}
