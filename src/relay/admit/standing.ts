/**
 * Whose places a connection takes at the listener, so that tenants find one however many strangers come. It decides about load
 * and nothing else: an address shared by all of Microsoft's customers is good enough for that, and for nothing more.
 */
import type { Project, Tenant } from '../../project/project.ts'
import type { Client, Standing } from '../listen/listen.ts'
import { suppose } from './attribute.ts'
import { inRanges } from './ranges.ts'

export function standing(project: Project | undefined, client: Client, now: Date): Standing {
  if (project === undefined) return { kind: 'internet' }
  const byAddress = project.tenants.find(({ from }) => inRanges(from.addresses, client.address))
  if (byAddress !== undefined) return { kind: 'tenant', name: byAddress.name }
  const [supposed] = client.tls === undefined ? [] : suppose(project, client, now).peers
  if (supposed !== undefined) return { kind: 'tenant', name: supposed.tenant.name }
  return { kind: 'internet', mayProve: client.tls === undefined && project.tenants.some(showsItselfInTls) }
}

/** Where no certificate makes anybody a tenant, none is asked for. */
export function wantsCertificate(project: Project | undefined, client: Client): boolean {
  const could = ({ from }: Tenant): boolean =>
    from.certificate.length > 0 && (from.addresses.length === 0 || inRanges(from.addresses, client.address))
  return project?.tenants.some(could) ?? false
}

function showsItselfInTls({ from }: Tenant): boolean {
  return from.addresses.length === 0 && (from.certificate.length > 0 || from.serverName !== undefined)
}
