/** Next hops by name. What shares a lane shares its back-off: a tenant whichever way it is used, a domain, a smart host. */
import type { Delivery } from '../plan/plan.ts'

export function laneOf({ by, tenant, nextHop: { host, port } }: Pick<Delivery, 'by' | 'tenant' | 'nextHop'>): string {
  if (tenant !== undefined) return laneOfTenant(tenant.name)
  return by === 'direct' ? `mx:${host.toLowerCase()}` : `smarthost:${host.toLowerCase()}:${port}`
}

export const laneOfTenant = (name: string): string => `tenant:${name}`
