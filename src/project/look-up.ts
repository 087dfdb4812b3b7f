/**
 * Looking an address up: which entry covers it, and what it becomes. The closest entry decides, and once: the address
 * itself, the address without its tag, its domain, the longest wildcard (docs/project-file.md, "Which entry wins").
 */
import { type Address, addressKey, readableDomain, splitTag } from '../mail/address/address.ts'
import type { Entry } from './entry.ts'
import { isTooLong, isUnder } from './names.ts'
import type { Reader } from './shards.ts'

/** What became of an address. Without an entry nothing claims it; `to` === `given` when it already is the wanted one. */
export type Mapped = { readonly given: string; readonly to: string; readonly entry?: Entry }

/** Everything that is claimed: keys of addresses, `@domain`, `*.domain`. */
export type Claims = Reader<Entry>

/** `key` is the address looked up; `tag` and the key of the tag are empty unless it was found without its tag. */
type Cover = { readonly entry: Entry; readonly key: string; readonly tag: string; readonly tagKey: string }

type Side = 'internal' | 'external'

export function lookUpExternal(claims: Claims, a: Address): Mapped {
  return mapped(a, cover(claims, a), 'external')
}

/** Seen from inside. Entries for the way out only are not known here. */
export function lookUpInternal(claims: Claims, a: Address): Mapped {
  const found = cover(claims, a)
  return mapped(a, found?.entry.outboundOnly === true ? undefined : found, 'internal')
}

/** The two addresses of a person whom mail can reach. */
export function lookUpPerson(
  claims: Claims,
  a: Address,
): { readonly internal: string; readonly external: string; readonly entry: Entry } | undefined {
  const found = cover(claims, a)
  if (found === undefined || found.entry.outboundOnly) return undefined
  const internal = write(a, found, 'internal')
  const external = write(a, found, 'external')
  return isBounded(found, internal) && isBounded(found, external)
    ? { internal, external, entry: found.entry }
    : undefined
}

/** The entry for a domain or, failing that, the closest wildcard over it. */
export function lookUpDomain(claims: Claims, domain: string): Entry | undefined {
  return claims.get(`@${domain}`) ?? wildcardOver(claims, domain)
}

function mapped(a: Address, found: Cover | undefined, side: Side): Mapped {
  const given = a.text
  if (found === undefined) return { given, to: given }
  const to = write(a, found, side)
  // What no server would take is worse than what came.
  return isBounded(found, to) ? { given, to, entry: found.entry } : { given, to: given }
}

function cover(claims: Claims, a: Address): Cover | undefined {
  if (a.form !== 'person') return undefined
  const key = addressKey(a)
  const entry = claims.get(key)
  if (entry !== undefined) return { entry, key, tag: '', tagKey: '' }
  const split = splitTag(a)
  const baseKey = split === undefined ? undefined : addressKey(split.base)
  const owner = baseKey === undefined ? undefined : claims.get(baseKey)
  if (owner === undefined || split === undefined || baseKey === undefined) return coverByDomain(claims, key, baseKey)
  const tagKey = key.slice(baseKey.lastIndexOf('@'), key.lastIndexOf('@'))
  return takesTag(claims, owner, tagKey) ? { entry: owner, key, tag: split.tag, tagKey } : undefined
}

/** Would the address with the tag be looked up as this entry again? Not when it is quoted, has a tag already, or is another's. */
function takesTag(claims: Claims, entry: Entry, tagKey: string): boolean {
  const leadsBack = (text: string, key: string): boolean =>
    !text.startsWith('"') && !key.includes('+') && claims.get(withTag(key, tagKey)) === undefined
  return (
    leadsBack(entry.external, entry.externalKey) && (entry.outboundOnly || leadsBack(entry.internal, entry.internalKey))
  )
}

/** A domain entry does not cover a local part whose result an exact entry claims: it would become somebody else. */
function coverByDomain(claims: Claims, key: string, baseKey: string | undefined): Cover | undefined {
  const entry = lookUpDomain(claims, key.slice(key.lastIndexOf('@') + 1))
  if (entry === undefined) return undefined
  const isFree = (sideKey: string): boolean =>
    claims.get(inDomain(key, sideKey)) === undefined &&
    (baseKey === undefined || claims.get(inDomain(baseKey, sideKey)) === undefined)
  if (!isFree(entry.externalKey)) return undefined
  return entry.outboundOnly || isFree(entry.internalKey) ? { entry, key, tag: '', tagKey: '' } : undefined
}

function wildcardOver(claims: Claims, domain: string): Entry | undefined {
  for (let dot = -1, top = domain; ; top = domain.slice(dot + 1)) {
    const entry = claims.get(`*.${top}`)
    if (entry !== undefined && !entry.except.some((excluded) => isUnder(domain, excluded))) return entry
    dot = domain.indexOf('.', dot + 1)
    if (dot < 0) return undefined
  }
}

function write(a: Address, { entry, key, tag, tagKey }: Cover, side: Side): string {
  const text = side === 'internal' ? entry.internal : entry.external
  const sideKey = side === 'internal' ? entry.internalKey : entry.externalKey
  // What already is the wanted address stays byte for byte, in its own spelling.
  if (entry.kind !== 'exact') return key.endsWith(sideKey) ? a.text : inPlace(a, sideKey.slice(1))
  if (tag === '') return key === sideKey ? a.text : text
  return key === withTag(sideKey, tagKey) ? a.text : withTag(text, tag)
}

/** The local part as it came. International domains are A-labels, unless the local part is not ASCII itself (RFC 6531 section 3.2). */
function inPlace(a: Address, domain: string): string {
  const localAt = a.text.slice(0, -a.domain.length)
  return localAt + (beyondAscii.test(localAt) ? readableDomain(domain) : domain)
}

const beyondAscii = /[^\0-\x7f]/

/** The addresses of an entry itself were measured when it was read. */
function isBounded({ entry, tag }: Cover, to: string): boolean {
  return (entry.kind === 'exact' && tag === '') || !isTooLong(to)
}

function withTag(address: string, tag: string): string {
  const at = address.lastIndexOf('@')
  return address.slice(0, at) + tag + address.slice(at)
}

/** The key with another domain; `atDomain` is `@domain`. */
function inDomain(key: string, atDomain: string): string {
  return key.slice(0, key.lastIndexOf('@')) + atDomain
}
