/** Which secrets of the vault a project names, and where. */
import type { Project } from './model.ts'
import { secretNamed } from './named-files.ts'

/** Places such as `tenants.contoso.from.secret.valueFile`, by the name of the secret. */
export function secretPlaces({ document: { gateway, tenants } }: Project): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>()
  const walk = (value: unknown, place: string): void => {
    if (typeof value === 'string') {
      const name = secretNamed(value)
      if (name !== undefined) places.set(name, [...(places.get(name) ?? []), place])
    } else if (typeof value === 'object' && value !== null)
      for (const [field, inner] of Object.entries(value)) walk(inner, `${place}.${field}`)
  }
  walk(gateway, 'gateway')
  for (const tenant of tenants) walk(tenant, `tenants.${tenant.name}`)
  return places
}
