/** What the entries claim: the ledger behind the routing table, and a draft of the next one. */
import { addressKey, parseAddress } from '../mail/address/address.ts'
import { emptyClaims } from './claims.ts'
import type { Entry } from './entry.ts'
import { makeShards, type Shards, type Draft as ShardsDraft } from './shards.ts'

/** An external address that entries for the way out lead to; nobody needs to claim it, so it is remembered here. */
export type Target = { readonly key: string; readonly text: string; readonly count: number }

export type Book = {
  /** Each claimed address, `@domain` and `*.domain` with its entry. */
  readonly claims: Shards<Entry>
  /** By family. */
  readonly targets: Shards<readonly Target[]>
  readonly size: number
  readonly nextOrder: number
}

/** The next book while it is being written. `touched`: keys whose look-up may have changed; 'all' when there are too many to note. */
export type Draft = {
  readonly claims: ShardsDraft<Entry>
  readonly targets: ShardsDraft<readonly Target[]>
  readonly touched: Set<string> | 'all'
  size: number
  nextOrder: number
}

export function emptyBook(expected: number): Book {
  return { claims: emptyClaims(expected * 2), targets: makeShards(0), size: 0, nextOrder: 0 }
}

export function draftOf(book: Book, note: 'all' | 'touched'): Draft {
  return {
    claims: book.claims.edit(),
    targets: book.targets.edit(),
    touched: note === 'all' ? 'all' : new Set(),
    size: book.size,
    nextOrder: book.nextOrder,
  }
}

/** Enters an entry. Gives the entries that hold one of its addresses already, with the addresses; these keep them. */
export function enter(draft: Draft, entry: Entry): ReadonlyMap<Entry, readonly string[]> {
  const clashes = new Map<Entry, readonly string[]>()
  for (const key of claimedKeys(entry)) {
    const holder = draft.claims.claim(key, entry)
    if (holder !== undefined && holder !== entry) clashes.set(holder, withKey(clashes.get(holder) ?? [], key))
    touch(draft, key)
  }
  if (entry.outboundOnly) countTarget(draft, entry, 1)
  draft.size += 1
  return clashes
}

function withKey(keys: readonly string[], key: string): readonly string[] {
  return keys.includes(key) ? keys : [...keys, key]
}

export function strike(draft: Draft, entry: Entry): void {
  for (const key of claimedKeys(entry)) {
    if (draft.claims.get(key) === entry) draft.claims.delete(key)
    touch(draft, key)
  }
  if (entry.outboundOnly) countTarget(draft, entry, -1)
  draft.size -= 1
}

/** The keys that are this entry's and nobody else's. The external address of an entry for the way out may be shared. */
function claimedKeys(entry: Entry): readonly string[] {
  const aliases = entry.aliases.length === 0 ? entry.aliases : entry.aliases.flatMap(keyOf)
  const own = entry.outboundOnly ? [entry.internalKey] : [entry.internalKey, entry.externalKey]
  return aliases.length === 0 ? own : [...own, ...aliases]
}

/** All its addresses. */
export function keysOf(entry: Entry): ReadonlySet<string> {
  return new Set([...claimedKeys(entry), entry.externalKey])
}

/** Key of an address, `@domain` or `*.domain`; empty when the text is none of them. */
export function keyOf(text: string): readonly string[] {
  const address = parseAddress(text)
  return address === undefined ? [] : [addressKey(address)]
}

function countTarget(draft: Draft, entry: Entry, step: 1 | -1): void {
  const name = family(entry.externalKey)
  const group = draft.targets.get(name) ?? []
  const old = group.find((t) => t.key === entry.externalKey)
  const rest = group.filter((t) => t !== old)
  const count = (old?.count ?? 0) + step
  const next = count > 0 ? [...rest, { key: entry.externalKey, text: entry.external, count }] : rest
  if (next.length > 0) draft.targets.set(name, next)
  else draft.targets.delete(name)
  touch(draft, entry.externalKey)
}

function touch(draft: Draft, key: string): void {
  if (draft.touched !== 'all') draft.touched.add(key)
}

/** What addresses have in common that may decide over each other: the local part without its tag; empty for domains. */
export function family(key: string): string {
  const at = key.lastIndexOf('@')
  const plus = key.indexOf('+')
  return key.slice(0, plus > 0 && plus < at ? plus : at)
}
