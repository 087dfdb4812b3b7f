/** Puts a lab together: DNS, an authority, tenants, the outside world. Each party has its own loopback address. */
import { asIdentity, type Ca, issue, type KeyPair, makeCa } from './certificates/certificates.ts'
import { type DnsServer, startDns } from './dns-server/dns-server.ts'
import type { Place } from './gateway.ts'
import type { Person } from './letter/letter.ts'
import { type Outside, startOutside } from './outside/outside.ts'
import type { Ports } from './post/post.ts'
import { type SimulatedTenant, startTenant } from './tenant/tenant.ts'

export type Resident = { readonly person: Person; readonly proxies?: readonly string[] }

export type TenantPlan = {
  readonly name: string
  /** Accepted domains; the first one names the border and the certificates. */
  readonly domains: readonly string[]
  readonly people: readonly Resident[]
  /** Addresses in its domains whose mailbox is elsewhere: a transport rule hands their mail to the gateway. */
  readonly redirected?: readonly string[]
  readonly contacts?: readonly (readonly string[])[]
  readonly secret?: { readonly header: string; readonly value: string }
  readonly organisation?: { readonly header: string; readonly value: string }
  /** The name in the client certificate that its outbound connector presents. Default: the first domain. */
  readonly certificate?: string
  /** The host name under which it connects to the gateway. Default: the gateway's own. */
  readonly connectsTo?: string
}

export type LabPlan = {
  readonly gatewayHost: string
  readonly tenants: readonly TenantPlan[]
  readonly outside: {
    readonly hostname: string
    readonly domains: readonly string[]
    readonly people: readonly Resident[]
  }
}

export type LabTenant = {
  readonly plan: TenantPlan
  readonly tenant: SimulatedTenant
  /** What the gateway presents to this tenant: the connector knows it by this certificate. */
  readonly gatewayIdentity: KeyPair
}

export type Lab = {
  readonly dns: DnsServer
  readonly ca: Ca
  readonly gatewayIdentity: KeyPair
  readonly tenants: readonly LabTenant[]
  readonly outside: Outside
  /** Throws when the plan has none of that name. */
  tenant(name: string): SimulatedTenant
  /** Tells everybody where the gateway listens. */
  connectGateway(at: Place): void
  /** May be called again. */
  close(): Promise<void>
}

/** The gateway's own: Linux takes it for connections to other loopback addresses unless told otherwise. */
const gatewayAddress = '127.0.0.1'
const outsideAddress = '127.0.0.40'
/** One name for the addresses that all tenants share, as spf.protection.outlook.com is. */
export const tenantsSpf = 'spf.protection.example'

export async function startLab(plan: LabPlan): Promise<Lab> {
  const dns = await startDns()
  const ports: Ports = new Map()
  const ca = makeCa({ name: 'Causeway lab root' })
  let closing: Promise<void> | undefined
  const identityFor = (...names: readonly string[]) => asIdentity(issue({ ca, names }))
  publish(dns, plan)
  const tenants = await Promise.all(plan.tenants.map((each, i) => openTenant(each, addressOf(i), { dns, ports, ca })))
  const outside = await startOutside({
    ...plan.outside,
    address: outsideAddress,
    server: identityFor(plan.outside.hostname),
    dnsServer: dns.address,
    ports,
  })
  return {
    dns,
    ca,
    gatewayIdentity: identityFor(...gatewayNames(plan)),
    tenants,
    outside,
    tenant(name) {
      const found = tenants.find((each) => each.plan.name === name)
      if (found === undefined) throw new Error(`the lab has no tenant ${name}`)
      return found.tenant
    },
    connectGateway({ port }) {
      ports.set(plan.gatewayHost, port)
      for (const { plan: its, tenant } of tenants) {
        const host = its.connectsTo ?? plan.gatewayHost
        const hop = { host, port, tls: 'required', serverName: host, ca: Buffer.from(ca.cert) } as const
        const { secret, organisation } = its
        tenant.connectGateway({ hop, ...(secret && { secret }), ...(organisation && { organisation }) })
      }
    },
    close() {
      closing ??= closeAll([...tenants.map((each) => each.tenant), outside], dns)
      return closing
    },
  }
}

async function closeAll(parties: readonly { close(): Promise<void> }[], dns: DnsServer): Promise<void> {
  await Promise.all(parties.map((party) => party.close()))
  await dns.close()
}

const gatewayNames = (plan: LabPlan): readonly string[] => [
  ...new Set([plan.gatewayHost, ...plan.tenants.flatMap((t) => t.connectsTo ?? [])]),
]

/** Its loopback address, as it shows when it connects. */
export const addressOf = (index: number): string => `127.0.0.${11 + index}`

/** `contoso-example.mail.protection.example`, as Microsoft names the border of contoso.example. */
export const borderName = (domain: string): string => `${domain.replaceAll('.', '-')}.mail.protection.example`

type Ground = { readonly dns: DnsServer; readonly ports: Ports; readonly ca: Ca }

async function openTenant(plan: TenantPlan, address: string, { dns, ports, ca }: Ground): Promise<LabTenant> {
  const [domain = ''] = plan.domains
  const hostname = borderName(domain)
  const tenant = await startTenant({
    ...plan,
    hostname,
    address,
    connectors: [{ name: 'From Causeway', certificate: domain }],
    identity: {
      server: asIdentity(issue({ ca, names: [hostname] })),
      client: asIdentity(issue({ ca, names: [plan.certificate ?? domain] })),
    },
    roots: [ca.cert],
    dnsServer: dns.address,
    ports,
  })
  return { plan, tenant, gatewayIdentity: asIdentity(issue({ ca, names: [domain] })) }
}

/** The records that the world has before the gateway comes: hosts, MX of the parties, SPF and DMARC of their domains. */
function publish(dns: DnsServer, plan: LabPlan): void {
  dns.addZone('')
  for (const name of gatewayNames(plan)) dns.add({ name, type: 'A', address: gatewayAddress })
  dns.add({ name: plan.outside.hostname, type: 'A', address: outsideAddress })
  for (const domain of plan.outside.domains) publishDomain(dns, domain, plan.outside.hostname, `ip4:${outsideAddress}`)
  plan.tenants.forEach(({ domains }, i) => {
    const host = borderName(domains[0] ?? '')
    dns.add({ name: host, type: 'A', address: addressOf(i) })
    for (const domain of domains) publishDomain(dns, domain, host, `include:${tenantsSpf}`)
  })
  const addresses = plan.tenants.map((_, i) => `ip4:${addressOf(i)}`)
  dns.add({ name: tenantsSpf, type: 'TXT', text: `v=spf1 ${addresses.join(' ')} -all` })
}

/** A domain with mail: where it goes, who may send for it, and that everything else be refused. */
export function publishDomain(dns: DnsServer, domain: string, mx: string, spf: string): void {
  dns.add(
    { name: domain, type: 'MX', exchange: mx, preference: 10 },
    { name: domain, type: 'TXT', text: `v=spf1 ${spf} -all` },
    { name: `_dmarc.${domain}`, type: 'TXT', text: 'v=DMARC1; p=reject' },
  )
}
