/**
 * Can a tenant's mail be told from everybody else's by what its `from` demands? Source addresses and Microsoft's own
 * certificate are shared by every Microsoft 365 customer ("Office 365 Message Attribution", Microsoft), and a server name is
 * known to whoever wants to know it: leaning on these alone would be an open relay for all of them.
 */
import type { Tenant } from './model.ts'
import { isUnder, networksOverlap } from './names.ts'
import type { Piece, Reading } from './reading.ts'

const microsoft = [
  'outlook.com',
  'office365.com',
  'office.com',
  'microsoft.com',
  'onmicrosoft.com',
  'exchangelabs.com',
  'office365.us',
  'partner.outlook.cn',
  'outlook.cn',
  'outlook.de',
  'microsoftonline.com',
]

type Demanding = Pick<Tenant, 'name' | 'kind' | 'from'>

export function checkDemands(reading: Reading, { value: tenant, path }: Piece<Demanding>): void {
  const { certificate, addresses, serverName, secret } = tenant.from
  const at = [...path, 'from']
  const demandsNothing =
    certificate.length === 0 && addresses.length === 0 && serverName === undefined && secret === undefined
  if (demandsNothing) {
    reading.wrong(
      at,
      `from of tenant ${tenant.name} demands nothing: everybody would be this tenant.`,
      'Give a certificate, addresses or a secret by which its mail is recognised.',
    )
  } else if (tenant.kind === 'exchange-online' && secret === undefined) checkProof(reading, tenant, at)
  else if (certificate.length === 0 && addresses.length === 0 && secret === undefined) {
    reading.wrong(
      at,
      `Tenant ${tenant.name} is recognised by the server name ${serverName} alone, which anybody can ask for.`,
      'Add a certificate, addresses or a secret.',
    )
  }
}

/** Exchange Online without a secret: only a certificate of its own says which customer is speaking. */
function checkProof(reading: Reading, tenant: Demanding, at: Piece<Tenant>['path']): void {
  const { certificate, addresses } = tenant.from
  const remedy =
    'Add from.secret: a header that a transport rule of this tenant sets. Or from.certificate with a certificate for a domain of its own.'
  const shared = certificate.find((name) => microsoft.some((domain) => isUnder(name.replace(/^\*\./, ''), domain)))
  if (shared !== undefined) {
    reading.wrong(
      [...at, 'certificate'],
      `Tenant ${tenant.name} is recognised by the certificate ${shared}, which every Microsoft 365 customer's mail comes with.`,
      remedy,
    )
  } else if (certificate.length === 0) {
    const by =
      addresses.length > 0
        ? 'source addresses, which every Microsoft 365 customer shares'
        : 'a server name, which anybody can ask for'
    reading.wrong(at, `Tenant ${tenant.name} is recognised only by ${by}.`, remedy)
  }
}

/** Two tenants whose demands one connection could meet: nobody could say whose mail it is. */
export function checkPairs(reading: Reading, tenants: readonly Piece<Tenant>[]): void {
  tenants.forEach((b, i) => {
    for (const a of tenants.slice(0, i)) checkPair(reading, a.value, b)
  })
}

function checkPair(reading: Reading, a: Tenant, b: Piece<Tenant>): void {
  const verdicts = [byCertificate, byAddress, byServerName, bySecret].map((compare) => compare(a.from, b.value.from))
  if (verdicts.includes('apart')) return
  const path = [...b.path, 'from']
  const remedy = 'Let them differ in something that both demand: certificate, addresses, serverName or secret.'
  if (verdicts.includes('overlap'))
    reading.wrong(
      path,
      `One connection could be both tenant ${a.name} and tenant ${b.value.name}: what they demand overlaps.`,
      remedy,
    )
  else
    reading.warn(
      path,
      `Tenant ${a.name} and tenant ${b.value.name} demand different things; a connection that has all of them belongs to the one with a certificate or a secret, and to neither when both or none have one.`,
      remedy,
    )
}

type Verdict = 'apart' | 'overlap' | 'unlike'
type From = Tenant['from']

function byCertificate(a: From, b: From): Verdict {
  if (a.certificate.length === 0 || b.certificate.length === 0) return 'unlike'
  return a.certificate.some((one) => b.certificate.some((two) => covers(one, two) || covers(two, one)))
    ? 'overlap'
    : 'apart'
}

/** `*.contoso.example` covers one label. */
function covers(demanded: string, name: string): boolean {
  return demanded === name || (demanded.startsWith('*.') && name.slice(name.indexOf('.') + 1) === demanded.slice(2))
}

function byAddress(a: From, b: From): Verdict {
  if (a.addresses.length === 0 || b.addresses.length === 0) return 'unlike'
  return a.addresses.some((one) => b.addresses.some((two) => networksOverlap(one, two))) ? 'overlap' : 'apart'
}

function byServerName(a: From, b: From): Verdict {
  if (a.serverName === undefined || b.serverName === undefined) return 'unlike'
  return a.serverName === b.serverName ? 'overlap' : 'apart'
}

/** Each tenant knows its own secret only. */
function bySecret(a: From, b: From): Verdict {
  if (a.secret === undefined || b.secret === undefined) return 'unlike'
  return a.secret.value === b.secret.value ? 'overlap' : 'apart'
}
