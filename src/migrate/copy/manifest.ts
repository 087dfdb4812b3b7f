/** The messages of one folder on one side: what each is, in little memory. */
import { canonicalFlags, headingOf, identityOf, instantOf, type OpenFolder } from '../mailbox/mailbox.ts'
import type { ManifestEntry } from './compare.ts'
import type { CopyOptions } from './contract.ts'
import { digestsOf } from './digest.ts'
import { headOf } from './repair.ts'
import { isWanted, mostBytes } from './selection.ts'
import { subjectOf } from './subject.ts'

/** Half a million of them take some 150 MB when nothing is shared: digests are kept as 16 bytes of text. */
export type Entry = {
  readonly uid: number
  /** Seconds since 1970; NaN when it is none. */
  readonly date: number
  readonly size: number
  readonly flags: string
  /** 16 bytes, as latin1. */
  readonly digest: string
  readonly identity: number
}

export type ReadOptions = {
  readonly folder: string
  /** Which of them count; absent: all. */
  readonly options?: CopyOptions
  readonly maxAppend?: number
  /** As the other side would hold them. */
  readonly flagsOf: (flags: readonly string[]) => readonly string[]
  readonly onEntry?: (entry: ManifestEntry) => void
}

export async function readFolder(open: OpenFolder, o: ReadOptions): Promise<readonly Entry[]> {
  const uids = await wanted(open, o)
  const sets = new Map<string, string>()
  const entries: Entry[] = []
  for await (const message of uids.length === 0 ? [] : open.fetch(uids)) {
    const { whole, size } = await digestsOf(message.content)
    const flags = canonicalFlags(o.flagsOf(message.flags)).join(' ')
    if (!sets.has(flags)) sets.set(flags, flags)
    const instant = instantOf(message.internalDate)
    entries.push({
      uid: message.uid,
      date: instant === undefined ? Number.NaN : instant / 1000,
      size,
      flags: sets.get(flags) ?? flags,
      digest: Buffer.from(whole.slice(0, 32), 'hex').toString('latin1'),
      identity: identityOf(headingOf(await headOf(message.content))).full,
    })
    o.onEntry?.({
      folder: o.folder,
      uid: message.uid,
      date: instant === undefined ? '' : new Date(instant).toISOString(),
      size,
      flags: message.flags,
      digest: whole,
    })
  }
  return entries
}

async function wanted(open: OpenFolder, { options, maxAppend }: ReadOptions): Promise<readonly number[]> {
  if (options === undefined) return await open.uids()
  const most = mostBytes(options, maxAppend).bytes
  const uids: number[] = []
  for await (const group of open.list()) {
    for (const { uid, size, internalDate } of group) {
      if (size <= most && isWanted(options, instantOf(internalDate))) uids.push(uid)
    }
  }
  return uids
}

export async function subjectsOf(open: OpenFolder, uids: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const subjects = new Map<number, string>()
  if (uids.length === 0) return subjects
  for await (const group of open.headings(uids)) {
    for (const { uid, fields } of group) subjects.set(uid, subjectOf(fields))
  }
  return subjects
}
