/** Proof: what stands at both sides, message by message, asked of both servers and not of the ledger. */
import { createHash } from 'node:crypto'
import type { Folder, Mailbox, OpenFolder } from '../mailbox/mailbox.ts'
import { type NotDone, type Sides, withBothSides } from './both-sides.ts'
import { compareFolder, type EntryDifference } from './compare-folder.ts'
import type { CopyOptions } from './contract.ts'
import { type Mapped, mapFolders } from './folder-map.ts'
import { type Entry, readFolder, subjectsOf } from './manifest.ts'
import { settableFlags } from './prepare.ts'

export type CompareJob = Sides & {
  readonly options: CopyOptions
  /** What became of which folder, by the servers' own names (`Ledger.folderNames`); by name and task when absent. */
  readonly folders?: ReadonlyMap<string, string>
  /** Each message of both sides, as it is read: the manifest. */
  readonly onEntry?: (side: 'source' | 'target', entry: ManifestEntry) => void
  readonly onProgress?: (p: { readonly messages: number; readonly messagesDone: number }) => void
  /** Differences beyond so many are counted and not listed; 10,000 when absent. */
  readonly maxDifferences?: number
}

/** `digest`: SHA-256 in hex of the message with line ends as CRLF. `date`: ISO 8601, the instant. */
export type ManifestEntry = {
  /** As the source names it. */
  readonly folder: string
  readonly uid: number
  readonly date: string
  /** With line ends as CRLF. */
  readonly size: number
  readonly flags: readonly string[]
  readonly digest: string
}

/** `digest`: one of all of it, folders, dates, sizes and digests; equal sides have equal ones. */
export type SideTotals = {
  readonly folders: number
  readonly messages: number
  readonly bytes: number
  readonly digest: string
}

export type DifferenceKind =
  | 'missing'
  | 'extra'
  | 'bytes'
  | 'date'
  | 'flags'
  | 'missingFolder'
  | 'extraFolder'
  | 'subscription'

export type Difference = {
  readonly kind: DifferenceKind
  /** As the source names it, or the target where the source has none. */
  readonly folder: string
  readonly sourceUid?: number
  readonly targetUid?: number
  readonly date: string
  readonly bytes: number
  readonly subject: string
  readonly detail: string
}

export type Comparison =
  | {
      readonly kind: 'compared'
      readonly isEqual: boolean
      readonly source: SideTotals
      readonly target: SideTotals
      readonly differences: readonly Difference[]
      /** Beyond those listed. */
      readonly moreDifferences: number
      readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>
    }
  | NotDone

/** Folder, date, size, digest of each message (canonical form: line ends CRLF), both sides; the exact differences. */
export const compareMailboxes = (job: CompareJob): Promise<Comparison> =>
  withBothSides(job, (source, target) => compare(job, source, target))

async function compare(job: CompareJob, source: Mailbox, target: Mailbox): Promise<Comparison> {
  const [sources, targets] = await Promise.all([source.folders(), target.folders()])
  const { mapped } = mapFolders({
    source: sources,
    target: targets,
    sourceKind: source.traits.kind,
    targetKind: target.traits.kind,
    options: job.options,
    ...(job.folders === undefined ? {} : { known: job.folders }),
  })
  const [states, there] = await Promise.all([
    source.states(mapped.map((m) => m.source)),
    target.states(targets.filter((folder) => folder.holdsMessages)),
  ])
  const total = mapped.reduce((sum, m) => sum + (states.get(m.source.id)?.messages ?? 0), 0)
  const report = reportFor(job, total)
  for (const group of byTarget(mapped)) await compareGroup(job, source, target, group, report)
  const known = new Set(mapped.map((m) => m.existing?.id))
  for (const folder of targets) {
    const messages = there.get(folder.id)?.messages ?? 0
    if (known.has(folder.id) || messages === 0) continue
    report.add({ ...blank, kind: 'extraFolder', folder: nameOf(folder), detail: `holds ${messages} messages` })
  }
  return report.end()
}

const blank = { date: '', bytes: 0, subject: '' }

/** Folders that lead into one are compared with it together. */
function byTarget(mapped: readonly Mapped[]): readonly (readonly Mapped[])[] {
  const groups = new Map<string, Mapped[]>()
  for (const m of mapped) {
    const key = m.existing?.id ?? `new ${m.source.id}`
    groups.set(key, [...(groups.get(key) ?? []), m])
  }
  return [...groups.values()]
}

async function compareGroup(
  job: CompareJob,
  source: Mailbox,
  target: Mailbox,
  group: readonly Mapped[],
  report: Report,
): Promise<void> {
  const [first] = group
  if (first === undefined) return
  const name = nameOf(first.source)
  const existing = first.existing
  const reading = existing === undefined ? undefined : readTarget(job, target, existing, name)
  // Told when its turn comes.
  reading?.catch(() => {})
  const there: Entry[] = []
  let open: OpenFolder | undefined
  for (const m of group) {
    open = await source.open(m.source, { readOnly: true })
    const before = there.length
    for (const entry of await readSource(job, target, open, nameOf(m.source))) there.push(entry)
    report.read(there.length - before)
    if (m.source.isSubscribed && existing?.isSubscribed === false)
      report.add({ ...blank, kind: 'subscription', folder: nameOf(m.source), detail: 'subscribed at the source only' })
  }
  report.count('source', name, there)
  if (reading === undefined) {
    return report.add({ ...blank, kind: 'missingFolder', folder: name, detail: `holds ${there.length} messages` })
  }
  const { entries, open: targetOpen } = await reading
  report.count('target', name, entries)
  const found = compareFolder(there, entries)
  await report.addAll(name, found, group.length === 1 ? open : undefined, targetOpen)
}

async function readSource(
  job: CompareJob,
  target: Mailbox,
  open: OpenFolder,
  folder: string,
): Promise<readonly Entry[]> {
  const { traits } = target
  const maxAppend = traits.maxAppend === undefined ? {} : { maxAppend: traits.maxAppend }
  return await readFolder(open, {
    folder,
    options: job.options,
    ...maxAppend,
    flagsOf: (flags) => settableFlags(flags, { traits, takes: () => true }),
    onEntry: (entry) => job.onEntry?.('source', entry),
  })
}

async function readTarget(
  job: CompareJob,
  target: Mailbox,
  existing: Folder,
  folder: string,
): Promise<{ readonly entries: readonly Entry[]; readonly open: OpenFolder }> {
  const open = await target.open(existing, { readOnly: true })
  const onEntry = (entry: ManifestEntry): void => job.onEntry?.('target', entry)
  const { traits } = target
  const flagsOf = (flags: readonly string[]): readonly string[] => settableFlags(flags, { traits, takes: () => true })
  return { entries: await readFolder(open, { folder, flagsOf, onEntry }), open }
}

function nameOf(folder: Folder): string {
  return folder.path.join('/')
}

type Report = {
  read(messages: number): void
  count(side: 'source' | 'target', folder: string, entries: readonly Entry[]): void
  add(difference: Difference): void
  addAll(
    folder: string,
    found: readonly EntryDifference[],
    source: OpenFolder | undefined,
    target: OpenFolder,
  ): Promise<void>
  end(): Comparison
}

function reportFor(job: CompareJob, total: number): Report {
  const most = job.maxDifferences ?? 10_000
  const sides = { source: totals(), target: totals() }
  const differences: Difference[] = []
  const counts: Partial<Record<DifferenceKind, number>> = {}
  let more = 0
  let done = 0
  const add = (difference: Difference): void => {
    counts[difference.kind] = (counts[difference.kind] ?? 0) + 1
    if (differences.length < most) differences.push(difference)
    else more += 1
  }
  return {
    add,
    read: (messages) => {
      done += messages
      job.onProgress?.({ messages: total, messagesDone: done })
    },
    count: (side, folder, entries) => sides[side].add(folder, entries),
    addAll: async (folder, found, source, target) => {
      const room = found.slice(0, most - differences.length)
      const [here, there] = await Promise.all([
        source === undefined
          ? none
          : subjectsOf(
              source,
              room.flatMap((d) => d.source?.uid ?? []),
            ),
        subjectsOf(
          target,
          room.flatMap((d) => (d.source === undefined ? (d.target?.uid ?? []) : [])),
        ),
      ])
      for (const d of found) {
        const subject = d.source === undefined ? there.get(d.target?.uid ?? 0) : here.get(d.source.uid)
        add(shown(folder, d, subject ?? ''))
      }
    },
    end: () => ({
      kind: 'compared',
      isEqual: differences.length === 0,
      source: sides.source.end(),
      target: sides.target.end(),
      differences,
      moreDifferences: more,
      counts,
    }),
  }
}

const none: ReadonlyMap<number, string> = new Map()

function shown(folder: string, { kind, source, target }: EntryDifference, subject: string): Difference {
  const entry = source ?? target
  const date = entry === undefined || Number.isNaN(entry.date) ? '' : new Date(entry.date * 1000).toISOString()
  return {
    kind,
    folder,
    ...(source === undefined ? {} : { sourceUid: source.uid }),
    ...(target === undefined ? {} : { targetUid: target.uid }),
    date,
    bytes: entry?.size ?? 0,
    subject,
    detail: detailOf(kind, source, target),
  }
}

function detailOf(kind: EntryDifference['kind'], source: Entry | undefined, target: Entry | undefined): string {
  switch (kind) {
    case 'missing':
      return 'not at the target'
    case 'extra':
      return 'not at the source'
    case 'bytes':
      return `${source?.size} bytes at the source, ${target?.size} at the target`
    case 'flags':
      return `${source?.flags || 'no flags'} at the source, ${target?.flags || 'no flags'} at the target`
    case 'date':
      return `${target === undefined || Number.isNaN(target.date) ? 'no date' : new Date(target.date * 1000).toISOString()} at the target`
  }
}

/** A sum of digests: the order in which messages stand has no part in it. */
function totals(): { add(folder: string, entries: readonly Entry[]): void; end(): SideTotals } {
  let [folders, messages, bytes, sum] = [0, 0, 0, 0n]
  return {
    add: (folder, entries) => {
      folders += 1
      messages += entries.length
      for (const { date, size, digest } of entries) {
        bytes += size
        const line = createHash('sha256')
          .update(JSON.stringify([folder, date, size, digest]))
          .digest('hex')
        sum = BigInt.asUintN(128, sum + BigInt(`0x${line.slice(0, 32)}`))
      }
    },
    end: () => ({ folders, messages, bytes, digest: sum.toString(16).padStart(32, '0') }),
  }
}
