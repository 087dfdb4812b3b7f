/** What must hold between the tenants of a project. */
import type { Tenant } from './model.ts'
import type { Piece, Reading } from './reading.ts'

/** No two tenants with one name or one domain: each mailbox lives in one place. */
export function checkTenants(reading: Reading, tenants: readonly Piece<Tenant>[]): void {
  const names = new Map<string, Piece<Tenant>>()
  const owners = new Map<string, Piece<Tenant>>()
  for (const tenant of tenants) {
    const twin = names.get(tenant.value.name.toLowerCase())
    if (twin !== undefined)
      reading.wrong(
        [...tenant.path, 'name'],
        `Two tenants are called ${tenant.value.name} (the other: line ${reading.at(twin.path).line}).`,
        'Give each its own name.',
      )
    names.set(tenant.value.name.toLowerCase(), tenant)
    for (const domain of tenant.value.domains) {
      const owner = owners.get(domain)
      if (owner !== undefined) reportOverlap(reading, domain, owner, tenant)
      owners.set(domain, owner ?? tenant)
    }
  }
}

function reportOverlap(reading: Reading, domain: string, owner: Piece<Tenant>, tenant: Piece<Tenant>): void {
  const text = `${domain} is a domain of tenant ${owner.value.name} (line ${reading.at([...owner.path, 'domains']).line}) and of tenant ${tenant.value.name}.`
  reading.wrong(
    [...tenant.path, 'domains'],
    text,
    "An accepted domain belongs to one tenant; list it under alsoSends of a tenant whose users send as another's domain.",
  )
}
