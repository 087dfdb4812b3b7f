/** The routing table: the directory, compiled. One frozen value; a change gives another that shares what did not change. */
import type { Address } from '../mail/address/address.ts'
import { type Book, draftOf, emptyBook } from './book.ts'
import { applyPuts, applyRemovals, type DirectoryChange, sealed } from './change.ts'
import type { Entry, EntryText } from './entry.ts'
import { type Findings, type Found, noFindings, type Result, settle } from './findings.ts'
import { lookUpExternal, lookUpInternal, lookUpPerson, type Mapped } from './look-up.ts'
import type { Territory } from './territory.ts'

/** The two addresses of a person, as they are to be written. */
export type Person = { readonly internal: string; readonly external: string; readonly entry: Entry }

export type RoutingTable = {
  /** Grows by one with every change. */
  readonly version: number
  readonly size: number
  /** Seen from outside: every address of the person becomes the external one. */
  external(a: Address): Mapped
  /** Seen from inside: every address of the person becomes the internal one. Entries for the way out only are unknown here. */
  internal(a: Address): Mapped
  /** Whose address it is; undefined for nobody's, and for entries for the way out only. */
  person(a: Address): Person | undefined
  /** The entry that covers a whole domain (domainKey), from either side; not wildcards, not entries for the way out only. */
  domainEntry(domain: string): Entry | undefined
  /** A new table, all of the change or nothing; the work is that of the change, whatever the size of the table.
   * `found` while the change was read is told with what is found here, and a problem in it stands against the change. */
  with(change: DirectoryChange, found?: Found): Result<RoutingTable>
  /** In the order of the directory. */
  entries(): Iterable<Entry>
}

/** Compiles the directory. Without a territory (its own problems are told already) domains are not checked. */
export function compileTable(
  texts: readonly EntryText[],
  territory: Territory | undefined,
  findings: Findings,
): RoutingTable {
  const draft = draftOf(emptyBook(texts.length), 'all')
  applyPuts(draft, texts, { territory, findings, replaces: false })
  return tableOf(sealed(draft, findings), territory, 1)
}

function tableOf(book: Book, territory: Territory | undefined, version: number): RoutingTable {
  const { claims } = book
  return Object.freeze({
    version,
    size: book.size,
    external: (a: Address) => lookUpExternal(claims, a),
    internal: (a: Address) => lookUpInternal(claims, a),
    person: (a: Address) => lookUpPerson(claims, a),
    domainEntry: (domain: string) => bothWays(claims.get(`@${domain}`)),
    with: (change: DirectoryChange, found?: Found) => changed(book, territory, version, change, found),
    entries: () => inOrder(book),
  })
}

function bothWays(entry: Entry | undefined): Entry | undefined {
  return entry?.outboundOnly === true ? undefined : entry
}

function changed(
  book: Book,
  territory: Territory | undefined,
  version: number,
  change: DirectoryChange,
  found: Found = noFindings(),
): Result<RoutingTable> {
  const findings: Findings = { problems: [...found.problems], warnings: [...found.warnings] }
  const draft = draftOf(book, 'touched')
  applyRemovals(draft, change.remove ?? [], findings)
  applyPuts(draft, change.put ?? [], { territory, findings, replaces: true })
  const next = sealed(draft, findings)
  return settle(findings, tableOf(next, territory, version + 1))
}

function inOrder(book: Book): readonly Entry[] {
  const entries: Entry[] = []
  // An entry stands in the claims once for each of its addresses; the internal one is always its own.
  for (const [key, entry] of book.claims.entries()) if (key === entry.internalKey) entries.push(entry)
  return entries.sort((a, b) => a.order - b.order)
}
