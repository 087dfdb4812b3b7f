/** Changes of the directory: what is put and removed, and what speaks against it. Everything is checked by look-up. */
import { domainKey, parseAddress } from '../mail/address/address.ts'
import { type Book, type Draft, enter, family, keyOf, keysOf, strike, type Target } from './book.ts'
import { isPlace } from './claims.ts'
import { type Entry, type EntryText, noPlace, readEntry } from './entry.ts'
import { type Findings, problem } from './findings.ts'
import { type Claims, lookUpDomain, lookUpExternal } from './look-up.ts'
import { show } from './names.ts'
import type { Shards } from './shards.ts'
import { checkEntry, type Territory } from './territory.ts'

/**
 * Removals come first. A put replaces the entry whose internal and external address are both among its own: it says more
 * about the same person. Any other entry that holds one of its addresses stands against it.
 */
export type DirectoryChange = {
  readonly put?: readonly EntryText[]
  /** The internal or external address of an entry, `@domain` or `*.domain`. */
  readonly remove?: readonly string[]
}

type PutOptions = { readonly territory: Territory | undefined; readonly findings: Findings; readonly replaces: boolean }

export function applyPuts(draft: Draft, texts: readonly EntryText[], o: PutOptions): void {
  const entries = texts.flatMap((text) => readPut(draft, text, o) ?? [])
  // All that is replaced makes room before anything is entered, so that the order of the puts does not matter.
  const placed = o.replaces ? entries.map((entry) => inPlaceOf(draft, entry)) : entries
  for (const entry of placed) {
    for (const [holder, keys] of enter(draft, entry)) reportClash(holder, entry, keys, o.findings)
  }
}

function readPut(draft: Draft, text: EntryText, { territory, findings }: PutOptions): Entry | undefined {
  const entry = readEntry(text, draft.nextOrder, findings)
  draft.nextOrder += 1
  if (entry !== undefined && territory !== undefined) checkEntry(entry, territory, findings)
  return entry
}

export function applyRemovals(draft: Draft, addresses: readonly string[], findings: Findings): void {
  for (const text of addresses) {
    const entry = entryAt(draft.claims, text)
    if (entry !== undefined) strike(draft, entry)
    else
      findings.problems.push(
        problem(
          noPlace,
          `No entry has ${show(text)} as its internal or external address.`,
          '`causeway directory list` shows the entries.',
        ),
      )
  }
}

/** Ends the draft, with a last look at what leads where. */
export function sealed(draft: Draft, findings: Findings): Book {
  const claims = draft.claims.seal()
  const targets = draft.targets.seal()
  reportChains(claims, targets, draft.touched, findings)
  return { claims, targets, size: draft.size, nextOrder: draft.nextOrder }
}

/** Strikes the entries that this one replaces and gives it the place of the first of them. */
function inPlaceOf(draft: Draft, entry: Entry): Entry {
  const keys = keysOf(entry)
  let order = entry.order
  for (const key of keys) {
    const holder = draft.claims.get(key)
    if (holder === undefined || !keys.has(holder.internalKey) || !keys.has(holder.externalKey)) continue
    strike(draft, holder)
    order = Math.min(order, holder.order)
  }
  return order === entry.order ? entry : Object.freeze({ ...entry, order })
}

/** The entry with this internal or external address. An alias does not name an entry. */
export function entryAt(claims: Claims, text: string): Entry | undefined {
  const key = namedKey(text)
  const entry = key === undefined ? undefined : claims.get(key)
  return entry !== undefined && (entry.internalKey === key || entry.externalKey === key) ? entry : undefined
}

function namedKey(text: string): string | undefined {
  const prefix = /^(?:@|\*\.)/.exec(text)?.[0]
  return prefix === undefined ? keyOf(text)[0] : prefix + domainKey(text.slice(prefix.length))
}

function reportClash(holder: Entry, entry: Entry, keys: readonly string[], findings: Findings): void {
  const shared = holder.externalKey === entry.externalKey && keys.includes(entry.externalKey)
  const why = shared ? ' Mail to it could not be led back to one of them.' : ''
  const remedy = shared
    ? 'Remove one of them, or mark one outboundOnly: true, which is then rewritten on the way out only.'
    : 'Remove one of them, or take the address out of one.'
  const text = `Two entries claim ${keys.join(', ')}: ${named(holder)} and ${named(entry)}.${why}`
  findings.problems.push(problem(entry.source, text, remedy))
}

function named(e: Entry): string {
  return e.source.line > 0 ? `${e.id} (${e.source.file}:${e.source.line})` : e.id
}

/**
 * A result that is rewritten again when it is looked up: only entries for the way out can make one, because all others hold
 * their external address themselves. What no change has touched was right before and is right now.
 */
function reportChains(
  claims: Shards<Entry>,
  targets: Shards<readonly Target[]>,
  touched: Set<string> | 'all',
  findings: Findings,
): void {
  const next = new Map<string, Entry>()
  for (const target of suspects(claims, targets, touched)) {
    const again = rewritesAgain(claims, target)
    if (again !== undefined) next.set(target.key, again)
  }
  if (next.size > 0) reportAll(claims, next, findings)
}

function* suspects(claims: Claims, targets: Shards<readonly Target[]>, touched: Set<string> | 'all'): Iterable<Target> {
  // A domain may decide over any target in it. Domains change rarely, and targets are few: look at all of them.
  if (touched === 'all' || [...touched].some(isPlace)) for (const [, group] of targets.entries()) yield* group
  else for (const name of familiesOf(claims, touched)) yield* targets.get(name) ?? []
}

/**
 * A claimed address holds the same local part of other domains back from a domain entry, with any tag; one with a tag holds back
 * the tag from all addresses of the person whose it would be.
 */
function familiesOf(claims: Claims, touched: Set<string>): ReadonlySet<string> {
  const names = new Set<string>()
  for (const key of touched) {
    const name = family(key)
    const owner = claims.get(name + key.slice(key.lastIndexOf('@')))
    names.add(name)
    if (owner !== undefined) for (const own of keysOf(owner)) names.add(family(own))
  }
  return names
}

function rewritesAgain(claims: Claims, target: Target): Entry | undefined {
  if (target.key.startsWith('@')) {
    const entry = lookUpDomain(claims, target.key.slice(1))
    return entry?.externalKey === target.key ? undefined : entry
  }
  const address = parseAddress(target.text)
  if (address === undefined) return undefined
  const mapped = lookUpExternal(claims, address)
  return mapped.to === mapped.given ? undefined : mapped.entry
}

/** Finding who leads to a target takes the whole table: only when something is wrong. */
function reportAll(claims: Shards<Entry>, next: ReadonlyMap<string, Entry>, findings: Findings): void {
  for (const [key, entry] of claims.entries()) {
    const again = entry.outboundOnly && key === entry.internalKey ? next.get(entry.externalKey) : undefined
    if (again === undefined) continue
    const what = again.externalKey === entry.internalKey ? 'go round in a circle' : 'form a chain'
    const text = `${named(entry)} and ${named(again)} ${what}: ${entry.external} would be rewritten again.`
    findings.problems.push(
      problem(
        entry.source,
        text,
        `Let ${entry.internal} lead to its last address in one step, or remove one of the two.`,
      ),
    )
  }
}
