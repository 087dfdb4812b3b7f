/** Who carries a message to the outside: the tenant it came from, the owner of the domain shown, a smart host, or we (design: return, handover, smarthost, direct). */
import { type Address, domainKey } from '../../mail/address/address.ts'
import { type NextHop, type Project, type Tenant, tenantOfDomain } from '../../project/project.ts'
import type { By, Question, View } from './delivery.ts'

export type WayOut = {
  readonly hop: { readonly by: By; readonly nextHop: NextHop; readonly tenant?: Tenant }
  /** The envelope sender must stay as it is for the next hop to let it pass. */
  readonly keepsSender: boolean
  readonly reasons: readonly string[]
}

/** The way out for a recipient in `domain`. Only a tenant's mail goes out, so anything else is a fault in admit. */
export function wayOut(question: Question, domain: string, view: View): WayOut {
  if (question.peer.kind !== 'tenant') throw new Error('only mail of a tenant may leave for the outside')
  const { tenant } = question.peer
  const { outbound } = tenant
  switch (outbound.kind) {
    case 'return':
      return back(tenant, 'outbound: return')
    case 'handover':
      return handover(question, tenant, view)
    case 'smarthost':
      return { hop: { by: 'smarthost', nextHop: outbound.hop }, keepsSender: false, reasons: ['outbound: smarthost'] }
    case 'direct':
      return {
        hop: { by: 'direct', nextHop: byMx(domain) },
        keepsSender: false,
        reasons: [`outbound: direct, by the MX of ${domain}`],
      }
  }
}

function back(tenant: Tenant, why: string): WayOut {
  const keepsSender = tenant.to.identity === undefined
  const reasons = keepsSender ? [why, 'the envelope sender stays: we present no certificate to the tenant'] : [why]
  return { hop: { by: 'return', nextHop: tenant.to, tenant }, keepsSender, reasons }
}

/** Through the tenant that owns the domain the world sees. Where that is the sending tenant, or From is nobody's, it is `return`. */
function handover({ project, from, mailFrom }: Question, tenant: Tenant, view: View): WayOut {
  const sender = from.kind === 'one' ? from.mailboxes[0]?.address : undefined
  const shown = sender ?? (mailFrom.path.kind === 'address' ? mailFrom.path.address : undefined)
  const owner = shown === undefined ? undefined : ownerOf(project, shown, view)
  if (owner === undefined)
    return back(tenant, 'outbound: handover, but nobody in the directory owns the sender: return')
  if (owner.name === tenant.name)
    return back(tenant, 'outbound: handover, but the sending tenant owns the domain itself: return')
  return {
    hop: { by: 'handover', nextHop: owner.to, tenant: owner },
    keepsSender: false,
    reasons: [`outbound: handover to ${owner.name}, which owns the domain shown`],
  }
}

/** Whose the address is that the reader of this copy sees. */
function ownerOf(project: Project, address: Address, view: View): Tenant | undefined {
  const mapped = project.table.external(address)
  if (mapped.entry === undefined) return undefined
  const shown = view === 'outside' ? mapped.to : address.text
  return tenantOfDomain(project, domainKey(shown.slice(shown.lastIndexOf('@') + 1)))
}

const byMx = (domain: string): NextHop => ({ host: domain, port: 25, tls: 'opportunistic', serverName: domain })
