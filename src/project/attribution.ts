/**
 * Can a tenant's mail be told from everybody else's by what its `from` demands? Source addresses and Microsoft's own
 * certificate are shared by every Microsoft 365 customer ("Office 365 Message Attribution", Microsoft), and a server name is
 * known to whoever wants to know it: leaning on these alone would be an open relay for all of them.
 */
import type { Tenant } from './model.ts'
import { isUnder, networksOverlap } from './names.ts'
import type { Piece, Reading } from './reading.ts'

/** Under these Exchange Online presents itself, in every national cloud, for every customer. */
const exchangeOnline = ['outlook.com', 'outlook.cn', 'outlook.de', 'office365.us', 'exchangelabs.com']
const microsoft = [
  ...exchangeOnline,
  'office365.com',
  'office.com',
  'microsoft.com',
  'onmicrosoft.com',
  'microsoftonline.com',
]

/** Where Exchange Online sends from, for every customer ("Office 365 URLs and IP address ranges", Microsoft). */
const microsoftNetworks = [
  '40.92.0.0/15',
  '40.107.0.0/16',
  '52.100.0.0/14',
  '104.47.0.0/17',
  '2a01:111:f400::/48',
  '2a01:111:f403::/48',
]

type Demanding = Pick<Tenant, 'name' | 'kind' | 'from'>
type At = Piece<Tenant>['path']

export function checkDemands(reading: Reading, { value: tenant, path }: Piece<Demanding>): void {
  const { certificate, secret } = tenant.from
  const at = [...path, 'from']
  if (demandsNothing(tenant.from))
    reading.wrong(
      at,
      `from of tenant ${tenant.name} demands nothing: everybody would be this tenant.`,
      'Give a certificate, addresses or a secret by which its mail is recognised.',
    )
  else if (secret !== undefined) return
  else if (certificate.length > 0) checkCertificates(reading, tenant, [...at, 'certificate'])
  else if (tenant.kind === 'exchange-online') checkExchangeOnline(reading, tenant, at)
  else checkServer(reading, tenant, at)
}

function demandsNothing({ certificate, addresses, serverName, secret, organisation }: From): boolean {
  const one = serverName ?? secret ?? organisation
  return certificate.length === 0 && addresses.length === 0 && one === undefined
}

const remedy =
  'Add from.secret: a header that a transport rule of this tenant sets. Or from.certificate with a certificate for a domain of its own.'

/** A name that every customer's mail comes with says who carried the mail; whose it is, only the organisation beside it. */
function checkCertificates(reading: Reading, { name, from }: Demanding, at: At): void {
  const shared = from.certificate.filter((one) => microsoft.some((domain) => touches(one, domain)))
  const told =
    from.organisation === undefined
      ? shared
      : shared.filter((one) => !exchangeOnline.some((domain) => isUnder(bare(one), domain)))
  const [first] = told
  if (first !== undefined)
    reading.wrong(
      at,
      `Tenant ${name} is recognised by the certificate ${first}, which every Microsoft 365 customer's mail comes with.`,
      remedy,
    )
}

const bare = (name: string): string => name.replace(/^\*\./, '')
const touches = (name: string, domain: string): boolean => isUnder(bare(name), domain) || covers(name, domain)

/** Neither certificate nor secret: nothing that is left tells one customer from another. */
function checkExchangeOnline(reading: Reading, { name, from }: Demanding, at: At): void {
  const by =
    from.organisation !== undefined
      ? "an organisation in a header, which anybody can write: it counts beside Microsoft's certificate only"
      : from.addresses.length > 0
        ? 'source addresses, which every Microsoft 365 customer shares'
        : 'a server name, which anybody can ask for'
  reading.wrong(at, `Tenant ${name} is recognised only by ${by}.`, remedy)
}

function checkServer(reading: Reading, { name, from }: Demanding, at: At): void {
  const shared = from.addresses.find((network) => microsoftNetworks.some((other) => networksOverlap(network, other)))
  if (shared !== undefined)
    reading.wrong(
      [...at, 'addresses'],
      `Tenant ${name} is recognised by ${shared}, from where Exchange Online sends for every Microsoft 365 customer.`,
      remedy,
    )
  else if (from.addresses.length === 0) {
    const by =
      from.serverName === undefined
        ? 'an organisation in a header alone, which anybody can write'
        : `the server name ${from.serverName} alone, which anybody can ask for`
    reading.wrong(at, `Tenant ${name} is recognised by ${by}.`, 'Add a certificate, addresses or a secret.')
  }
}

/** Two tenants whose demands one connection could meet: nobody could say whose mail it is. */
export function checkPairs(reading: Reading, tenants: readonly Piece<Tenant>[]): void {
  tenants.forEach((b, i) => {
    for (const a of tenants.slice(0, i)) checkPair(reading, a.value, b)
  })
}

function checkPair(reading: Reading, a: Tenant, b: Piece<Tenant>): void {
  const verdicts = [byCertificate, byAddress, byServerName, bySecret, byOrganisation].map((compare) =>
    compare(a.from, b.value.from),
  )
  if (verdicts.includes('apart')) return
  const path = [...b.path, 'from']
  const differ =
    'Let them differ in something that both demand: certificate, addresses, serverName, secret or organisation.'
  if (verdicts.includes('overlap'))
    reading.wrong(
      path,
      `One connection could be both tenant ${a.name} and tenant ${b.value.name}: what they demand overlaps.`,
      differ,
    )
  else
    reading.warn(
      path,
      `Tenant ${a.name} and tenant ${b.value.name} demand different things; a connection that has all of them belongs to the one with a certificate or a secret, and to neither when both or none have one.`,
      differ,
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

/** Each tenant knows its own secret only; the value before is still one. */
function bySecret(a: From, b: From): Verdict {
  if (a.secret === undefined || b.secret === undefined) return 'unlike'
  const [ours, theirs] = [valuesOf(a.secret), valuesOf(b.secret)]
  return ours.some((value) => theirs.includes(value)) ? 'overlap' : 'apart'
}

const valuesOf = ({ value, previousValue }: NonNullable<From['secret']>): readonly string[] =>
  previousValue === undefined ? [value] : [value, previousValue]

/** An organisation has one tenant ID and one default domain, and its mail carries both. */
function byOrganisation(a: From, b: From): Verdict {
  if (a.organisation === undefined || a.organisation.header !== b.organisation?.header) return 'unlike'
  return a.organisation.value === b.organisation.value ? 'overlap' : 'apart'
}
