/** A lab for a project: its tenants with the people whom the directory places there, and somebody outside. */
import type { Entry, Project, Tenant } from '../../project/project.ts'
import { domainOf } from '../post/post.ts'
import type { LabPlan, Resident, TenantPlan } from '../start.ts'

/** Somebody whom nobody in a real project is called. */
export const visitor = { name: 'Rehearsal Visitor', address: 'visitor@outside-of-the-project.example' }

export function labPlanFor(project: Project): LabPlan {
  const people = [...project.table.entries()].filter((entry) => entry.kind === 'exact' && !entry.outboundOnly)
  return {
    gatewayHost: project.gateway.hostname,
    tenants: project.tenants.map((tenant) => tenantPlan(tenant, people)),
    outside: {
      hostname: 'mx.outside-of-the-project.example',
      domains: [domainOf(visitor.address)],
      people: [{ person: visitor }],
    },
  }
}

function tenantPlan(tenant: Tenant, people: readonly Entry[]): TenantPlan {
  const { from } = tenant
  const isHere = (address: string): boolean => tenant.domains.includes(domainOf(address))
  const [residents, others] = [people.filter((e) => isHere(e.internal)), people.filter((e) => !isHere(e.internal))]
  const [certificate] = from.certificate
  return {
    name: tenant.name,
    domains: tenant.domains,
    people: residents.map((entry) => resident(entry, isHere)),
    redirected: others.flatMap((entry) => [entry.external, ...entry.aliases].filter(isHere)),
    ...(from.secret === undefined ? {} : { secret: from.secret }),
    ...(from.organisation === undefined ? {} : { organisation: from.organisation }),
    ...(certificate === undefined ? {} : { certificate: certificate.replace(/^\*\./, 'rehearsal.') }),
    ...(from.serverName === undefined ? {} : { connectsTo: from.serverName }),
  }
}

function resident(entry: Entry, isHere: (address: string) => boolean): Resident {
  const name = entry.internal.slice(0, entry.internal.lastIndexOf('@'))
  return { person: { name, address: entry.internal }, proxies: [entry.external, ...entry.aliases].filter(isHere) }
}
