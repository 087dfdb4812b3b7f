/**
 * Which message of the source is which of the target, where no ledger knows: as multisets, so that of two copies here and one
 * there one is still to be copied.
 *
 * Headings, size and date decide where they are unambiguous; where several are alike, their bytes do.
 */
import { canonicalFlags, identityOf, type OpenFolder } from '../mailbox/mailbox.ts'
import { type Digests, digestsOf } from './digest.ts'
import type { MessageTable } from './message-table.ts'

export type MatchSide = { readonly table: MessageTable; readonly open: Pick<OpenFolder, 'headings' | 'fetch'> }

/** `source` and `target` are UIDs. */
export type Match = { readonly source: number; readonly target: number }

export type MatchOptions = {
  /** Equal size, date and heading are not enough: the bytes are compared as well. */
  readonly isStrict: boolean
}

type Known = {
  readonly side: MatchSide
  readonly full: Float64Array
  readonly core: Float64Array
  readonly isTaken: Uint8Array
  readonly digests: Map<number, Digests & { readonly flags: string }>
}

/** One way of being alike, from the surest to the least sure. */
type Stage = {
  /** What must be equal. A row with NaN among it takes no part: a date that is none is like no other. */
  readonly key: readonly ((k: Known, i: number) => number)[]
  /** Whether one alone on each side is enough without a look at the bytes. */
  readonly isEnough: (s: Known, i: number, t: Known, j: number, o: MatchOptions) => boolean
  readonly by: 'whole' | 'body'
}

const fullOf = (k: Known, i: number): number => k.full[i] ?? Number.NaN
const coreOf = (k: Known, i: number): number => k.core[i] || Number.NaN
const sizeOf = (k: Known, i: number): number => k.side.table.size(i)
const dateOf = (k: Known, i: number): number => k.side.table.date(i)

const stages: readonly Stage[] = [
  { key: [fullOf, sizeOf, dateOf], isEnough: (_s, _i, _t, _j, o) => !o.isStrict, by: 'whole' },
  // Exchange folds header lines anew and others add a field: the size is another one. One of the same size was looked at already.
  { key: [fullOf, dateOf], isEnough: isEnoughWithoutSize, by: 'body' },
  { key: [fullOf], isEnough: () => false, by: 'body' },
  { key: [coreOf, dateOf], isEnough: isEnoughWithoutSize, by: 'body' },
]

function isEnoughWithoutSize(s: Known, i: number, t: Known, j: number): boolean {
  return s.core[i] !== 0 && sizeOf(s, i) !== sizeOf(t, j)
}

export async function match(source: MatchSide, target: MatchSide, o: MatchOptions): Promise<readonly Match[]> {
  if (source.table.length === 0 || target.table.length === 0) return []
  const [s, t] = await Promise.all([learn(source), learn(target)])
  const found: Match[] = []
  for (const stage of stages) await runStage(stage, s, t, o, found)
  return found
}

async function learn(side: MatchSide): Promise<Known> {
  const { table } = side
  const [full, core] = [new Float64Array(table.length), new Float64Array(table.length)]
  const isTaken = new Uint8Array(table.length).fill(1)
  for await (const group of side.open.headings(table.uids())) {
    for (const { uid, fields } of group) {
      const i = table.rowOf(uid)
      if (i === undefined) continue
      const identity = identityOf(fields)
      full[i] = identity.full
      core[i] = identity.core
      // What has vanished meanwhile gets no heading, and stays taken: nothing is like it.
      isTaken[i] = 0
    }
  }
  return { side, full, core, isTaken, digests: new Map() }
}

type Group = { readonly sources: readonly number[]; readonly targets: readonly number[] }

async function runStage(stage: Stage, s: Known, t: Known, o: MatchOptions, found: Match[]): Promise<void> {
  const take = (i: number, j: number): void => {
    s.isTaken[i] = 1
    t.isTaken[j] = 1
    found.push({ source: s.side.table.uid(i), target: t.side.table.uid(j) })
  }
  const doubtful: Group[] = []
  for (const group of groups(stage, s, t)) {
    const [i = 0, j = 0] = [group.sources[0], group.targets[0]]
    const areSingle = group.sources.length === 1 && group.targets.length === 1
    if (areSingle && stage.isEnough(s, i, t, j, o)) take(i, j)
    else doubtful.push(group)
  }
  await Promise.all([
    readDigests(
      s,
      doubtful.flatMap((group) => group.sources),
    ),
    readDigests(
      t,
      doubtful.flatMap((group) => group.targets),
    ),
  ])
  for (const group of doubtful) for (const [i, j] of pairsByDigest(group, s, t, stage.by)) take(i, j)
}

/** Messages of both sides that are alike in this way, sorted together. */
function groups(stage: Stage, s: Known, t: Known): readonly Group[] {
  const [left, right] = [sorted(stage, s), sorted(stage, t)]
  const found: Group[] = []
  for (let a = 0, b = 0; a < left.length && b < right.length; ) {
    const order = compare(stage, s, left[a] ?? 0, t, right[b] ?? 0)
    if (order < 0) a += 1
    else if (order > 0) b += 1
    else {
      const [toA, toB] = [runEnd(stage, s, left, a), runEnd(stage, t, right, b)]
      found.push({ sources: [...left.subarray(a, toA)], targets: [...right.subarray(b, toB)] })
      a = toA
      b = toB
    }
  }
  return found
}

/** Rows that take part, in the order of their keys. */
function sorted(stage: Stage, k: Known): Uint32Array {
  const rows = Uint32Array.from({ length: k.side.table.length }, (_, i) => i).filter(
    (i) => k.isTaken[i] === 0 && !stage.key.some((part) => Number.isNaN(part(k, i))),
  )
  return rows.sort((x, y) => compare(stage, k, x, k, y) || x - y)
}

function compare({ key }: Stage, a: Known, i: number, b: Known, j: number): number {
  for (const part of key) {
    const order = part(a, i) - part(b, j)
    if (order !== 0) return order
  }
  return 0
}

function runEnd(stage: Stage, k: Known, rows: Uint32Array, from: number): number {
  let to = from + 1
  while (to < rows.length && compare(stage, k, rows[from] ?? 0, k, rows[to] ?? 0) === 0) to += 1
  return to
}

async function readDigests(k: Known, rows: readonly number[]): Promise<void> {
  const uids = rows.map((i) => k.side.table.uid(i)).filter((uid) => !k.digests.has(uid))
  if (uids.length === 0) return
  for await (const message of k.side.open.fetch(uids.toSorted((a, b) => a - b))) {
    const flags = canonicalFlags(message.flags).join(' ')
    k.digests.set(message.uid, { ...(await digestsOf(message.content)), flags })
  }
}

/** Of equal ones those with equal flags first: two copies of a message may differ in nothing else. */
function pairsByDigest(
  { sources, targets }: Group,
  s: Known,
  t: Known,
  by: 'whole' | 'body',
): readonly (readonly [number, number])[] {
  const found = new Map<number, number>()
  for (const withFlags of [true, false]) {
    const keyOf = (k: Known, i: number): string | undefined => {
      const known = k.digests.get(k.side.table.uid(i))
      return known === undefined ? undefined : `${known[by]} ${withFlags ? known.flags : ''}`
    }
    const taken = new Set(found.values())
    const waiting = new Map<string, number[]>()
    for (const j of targets) {
      const key = taken.has(j) ? undefined : keyOf(t, j)
      if (key !== undefined) waiting.set(key, [...(waiting.get(key) ?? []), j])
    }
    for (const i of sources) {
      const j = found.has(i) ? undefined : waiting.get(keyOf(s, i) ?? '')?.shift()
      if (j !== undefined) found.set(i, j)
    }
  }
  return [...found]
}
