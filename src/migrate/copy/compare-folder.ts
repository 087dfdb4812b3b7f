/** The exact differences of two folders: messages are matched as multisets, by their bytes first. */
import type { Entry } from './manifest.ts'

export type EntryDifference = {
  readonly kind: 'missing' | 'extra' | 'bytes' | 'date' | 'flags'
  readonly source?: Entry
  readonly target?: Entry
}

/** Ways of belonging together, from all the same to the same heading. */
const keys: readonly ((e: Entry) => string)[] = [
  (e) => `${e.digest} ${e.date} ${e.flags}`,
  (e) => `${e.digest} ${e.date}`,
  (e) => `${e.digest} ${e.flags}`,
  (e) => e.digest,
  (e) => `${e.identity} ${e.date}`,
  (e) => `${e.identity}`,
]

export function compareFolder(source: readonly Entry[], target: readonly Entry[]): readonly EntryDifference[] {
  const found: EntryDifference[] = []
  let [left, right] = [source, target]
  for (const key of keys) {
    const waiting = new Map<string, Entry[]>()
    for (const entry of right) {
      const same = waiting.get(key(entry))
      if (same === undefined) waiting.set(key(entry), [entry])
      else same.push(entry)
    }
    const taken = new Set<Entry>()
    left = left.filter((entry) => {
      // The last is as good as the first, and taking it moves no others.
      const other = waiting.get(key(entry))?.pop()
      if (other === undefined) return true
      taken.add(other)
      found.push(...difference(entry, other))
      return false
    })
    right = right.filter((entry) => !taken.has(entry))
  }
  return [
    ...found,
    ...left.map((entry) => ({ kind: 'missing', source: entry }) as const),
    ...right.map((entry) => ({ kind: 'extra', target: entry }) as const),
  ]
}

function difference(source: Entry, target: Entry): readonly EntryDifference[] {
  if (source.digest !== target.digest) return [{ kind: 'bytes', source, target }]
  const kinds: ('date' | 'flags')[] = []
  if (!Object.is(source.date, target.date)) kinds.push('date')
  if (source.flags !== target.flags) kinds.push('flags')
  return kinds.map((kind) => ({ kind, source, target }))
}
