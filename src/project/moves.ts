/** People who move: the change of the directory that a stage of a move, or another tenant, means for one of them. */
import { type Address, addressKey, parseAddress } from '../mail/address/address.ts'
import type { DirectoryChange } from './change.ts'
import { type Entry, type EntryText, type Mode, noPlace } from './entry.ts'
import { problem, type Result, refusal } from './findings.ts'
import type { Project, Tenant } from './model.ts'
import { didYouMean, show } from './names.ts'
import { inMode, type Pair } from './people.ts'
import { modes } from './schema.ts'
import { domainOf } from './territory.ts'

/**
 * Sets the stage of somebody's move. An entry that was never given one is taken for somebody who has not moved yet: internal is
 * the old address. Somebody covered by a domain entry gets an entry of their own.
 */
export function setMode(p: Project, address: string, mode: Mode): Result<DirectoryChange> {
  const found = personAt(p, address)
  if (!found.ok) return found
  const pair = pairOf(p, found.value)
  if (pair === undefined) {
    return no(
      `${address} has one address in a tenant, or more than two: nothing says which other one they move to.`,
      'Put the entry again with source and target, from a people file with one row or by hand.',
    )
  }
  const next = inMode(mode, pair)
  return put(found.value, { ...next, aliases: [...next.aliases, ...others(found.value, [pair.source, pair.target])] })
}

/** The mailbox is in another tenant from now on: its address there becomes the internal one, the old one an alias. */
export function move(p: Project, address: string, tenantName: string): Result<DirectoryChange> {
  const tenant = p.tenants.find((t) => t.name === tenantName)
  if (tenant === undefined) return no(`There is no tenant ${show(tenantName)}.`, tenantsRemedy(p, tenantName))
  const found = personAt(p, address)
  if (!found.ok) return found
  const person = found.value
  if (isIn(tenant, person.internal))
    return {
      ok: true,
      value: {},
      warnings: [problem(noPlace, `${person.internal} is in tenant ${tenant.name} already.`, 'Nothing is changed.')],
    }
  const internal = [...person.aliases, person.external].find((text) => isIn(tenant, text))
  if (internal === undefined) {
    return no(
      `Nothing says which address ${person.external} has in tenant ${tenant.name}.`,
      `Add an alias in ${tenant.domains.join(' or ')} to the entry.`,
    )
  }
  const { external } = person
  const pair = pairOf(p, person)
  const mode =
    person.mode === undefined || pair === undefined
      ? undefined
      : modes.find((m) => isSame(inMode(m, pair), { internal, external }))
  const first = mode === undefined || pair === undefined ? [] : inMode(mode, pair).aliases
  return put(person, {
    internal,
    external,
    aliases: [...first, ...others(person, [internal, external, ...first])],
    mode,
  })
}

/** Somebody in the directory, with an entry of their own or covered by one for their domain. */
type Somebody = {
  readonly internal: string
  readonly external: string
  readonly aliases: readonly string[]
  readonly mode: Mode | undefined
  readonly name: string | undefined
}

function personAt(p: Project, text: string): Result<Somebody> {
  const address = parseAddress(text)
  if (address === undefined) return no(`${show(text)} is not an address.`, 'Write an address such as ann@contoso.com.')
  const person = p.table.person(address)
  if (person === undefined) return no(`${text} is nobody in the directory.`, whyNobody(p, address))
  const { entry } = person
  const value = entry.kind === 'exact' ? own(entry) : { ...person, aliases: [], mode: undefined, name: undefined }
  return { ok: true, value, warnings: [] }
}

function own(e: Entry): Somebody {
  return { internal: e.internal, external: e.external, aliases: e.aliases, mode: e.mode, name: e.name }
}

function whyNobody(p: Project, address: Address): string {
  const outward = p.table.external(address).entry
  if (outward !== undefined)
    return `The entry ${outward.id} is for the way out only; somebody who moves needs an entry for both ways.`
  return '`causeway directory list` shows who is in it.'
}

/** Old and new address. */
function pairOf(p: Project, { internal, external, aliases, mode }: Somebody): Pair | undefined {
  const [first] = aliases
  if (keyOf(internal) !== keyOf(external))
    return mode === 'DayTwo' ? { source: external, target: internal } : { source: internal, target: external }
  if (mode !== undefined && first !== undefined)
    return mode === 'Done' ? { source: first, target: internal } : { source: internal, target: first }
  const home = p.tenants.find((t) => isIn(t, internal))
  const elsewhere = aliases.filter((alias) => p.tenants.some((t) => t !== home && isIn(t, alias)))
  return elsewhere.length === 1 && elsewhere[0] !== undefined ? { source: internal, target: elsewhere[0] } : undefined
}

/** All other addresses that the person has. */
function others({ internal, external, aliases }: Somebody, without: readonly string[]): readonly string[] {
  const gone = new Set(without.map(keyOf))
  return [...new Set([internal, external, ...aliases])].filter((text) => !gone.has(keyOf(text)))
}

function put(person: Somebody, text: EntryText): Result<DirectoryChange> {
  const named = person.name === undefined ? {} : { name: person.name }
  return { ok: true, value: { put: [{ ...text, ...named }] }, warnings: [] }
}

function isSame(
  a: { readonly internal: string; readonly external: string },
  b: { readonly internal: string; readonly external: string },
): boolean {
  return keyOf(a.internal) === keyOf(b.internal) && keyOf(a.external) === keyOf(b.external)
}

function isIn(tenant: Tenant, address: string): boolean {
  return tenant.domains.includes(domainOf(address))
}

function keyOf(text: string): string {
  const address = parseAddress(text)
  return address === undefined ? text : addressKey(address)
}

function tenantsRemedy(p: Project, name: string): string {
  const names = p.tenants.map((t) => t.name)
  const meant = didYouMean(name, names)
  return meant === undefined ? `The tenants are ${names.join(', ')}.` : `Did you mean ${meant}?`
}

function no<T>(text: string, remedy: string): Result<T> {
  return refusal(problem(noPlace, text, remedy))
}
