/** Which secrets of the vault a project names, and where. */

import { secretNamed } from '../secrets/vault/vault.ts'
import type { Project } from './model.ts'

/** Places such as `tenants.contoso.from.secret.valueFile`, by the name of the secret. Keys that lie there by default have one too. */
export function secretPlaces({
  document: { gateway, tenants },
  gateway: { arc },
  domains,
}: Project): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>()
  const walk = (value: unknown, place: string): void => {
    if (typeof value === 'string') {
      const name = secretNamed(value)
      if (name !== undefined) places.set(name, [...(places.get(name) ?? []), place])
    } else if (typeof value === 'object' && value !== null)
      for (const [field, inner] of Object.entries(value)) walk(inner, `${place}.${field}`)
  }
  walk({ ...gateway, arc }, 'gateway')
  for (const tenant of tenants) walk(tenant, `tenants.${tenant.name}`)
  for (const { name, dkim } of domains) walk({ dkim }, `domains.${name}`)
  return places
}
