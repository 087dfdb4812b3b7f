/** Whose domain is it: what entries are checked against. */
import { domainKey } from '../mail/address/address.ts'
import type { Entry } from './entry.ts'
import { type Findings, type Problem, problem } from './findings.ts'
import { isUnder } from './names.ts'

export type Territory = {
  /** The tenant that has it as accepted domain. */
  tenantOf(domain: string): string | undefined
  /** The tenants with an accepted domain at or under this one. */
  tenantsUnder(domain: string): readonly string[]
  /** Does it stand under `domains`? */
  isServed(domain: string): boolean
  /** Does the tenant hand its mail to the owner of the external domain? */
  handsOver(tenant: string): boolean
}

type Owner = {
  readonly name: string
  readonly domains: readonly string[]
  readonly outbound: { readonly kind: string }
}

export function makeTerritory(tenants: readonly Owner[], served: readonly { readonly name: string }[]): Territory {
  const owners = new Map(tenants.flatMap((t) => t.domains.map((d) => [d, t.name] as const)))
  const names = new Set(served.map((d) => d.name))
  const handing = new Set(tenants.filter((t) => t.outbound.kind === 'handover').map((t) => t.name))
  return Object.freeze({
    tenantOf: (domain: string) => owners.get(domain),
    tenantsUnder: (top: string) => [...new Set([...owners].flatMap(([d, name]) => (isUnder(d, top) ? [name] : [])))],
    isServed: (domain: string) => names.has(domain),
    handsOver: (tenant: string) => handing.has(tenant),
  })
}

/** What is wrong with an entry in this project: domains that are nobody's, a way out that does not exist. */
export function checkEntry(e: Entry, territory: Territory, findings: Findings): void {
  const homes = homesOf(e, territory)
  const domain = domainOfKey(e.externalKey)
  const owner = territory.tenantOf(domain)
  if (homes.length === 0) {
    const remedy = 'Add the domain to `domains` of the tenant where the mailbox is, or correct the address.'
    findings.problems.push(problem(e.source, `No tenant has the domain of the internal address ${e.internal}.`, remedy))
  }
  if (owner === undefined && !territory.isServed(domain)) {
    const remedy = 'Add the domain under `domains`, or correct the address.'
    findings.problems.push(
      problem(
        e.source,
        `The domain of the external address ${e.external} is no tenant's and does not stand under \`domains\`.`,
        remedy,
      ),
    )
  } else if (owner === undefined && homes.some((home) => territory.handsOver(home))) {
    const text = `Tenant ${homes.find((home) => territory.handsOver(home))} hands its mail to the tenant that owns the external domain, but no tenant owns ${domain} (${e.id}).`
    findings.problems.push(
      problem(e.source, text, "Add the domain to a tenant's `domains`, or choose another `outbound` for that tenant."),
    )
  }
  findings.warnings.push(...aliasWarnings(e, territory))
}

export function aliasWarnings(e: Entry, territory: Territory): readonly Problem[] {
  const stray = e.aliases.filter((alias) => !isKnown(territory, domainOf(alias)))
  return stray.map((alias) =>
    problem(
      e.source,
      `The domain of the alias ${alias} (${e.id}) is no tenant's and does not stand under \`domains\`.`,
      'If its mail is to arrive here, add the domain under `domains`; if not, this does no harm.',
    ),
  )
}

/** The same of a key, in which the domain needs no folding any more. */
function domainOfKey(key: string): string {
  return key.slice(key.lastIndexOf('@') + 1)
}

/** Of an address or an `@domain`. */
export function domainOf(text: string): string {
  return domainKey(text.slice(text.lastIndexOf('@') + 1))
}

function isKnown(territory: Territory, domain: string): boolean {
  return territory.tenantOf(domain) !== undefined || territory.isServed(domain)
}

function homesOf(e: Entry, territory: Territory): readonly string[] {
  if (e.kind === 'wildcard') return territory.tenantsUnder(e.internalKey.slice(2))
  const home = territory.tenantOf(domainOfKey(e.internalKey))
  return home === undefined ? [] : [home]
}
