/** The tenants of a project: hosts, domains and certificates checked, files read. */
import { domainKey } from '../mail/address/address.ts'
import { checkDemands } from './attribution.ts'
import type { Demands, NextHop, Outbound, Tenant } from './model.ts'
import { readAuthorities, readIdentity, readSecret } from './named-files.ts'
import { isHost, isHostName, readNetwork, secretHeaderProblem, show } from './names.ts'
import type { Piece, Reading } from './reading.ts'
import type { HopDocument, TenantDocument } from './schema.ts'
import type { TenantFields } from './shape.ts'
import type { Path } from './yaml-file.ts'

/** A tenant in spite of what is wrong with it: `reading` holds that, and the checks between tenants can go on. */
export function compileTenant(reading: Reading, { value, path }: Piece<TenantDocument>): Tenant {
  const name = `tenant ${value.name}`
  if (/^internet$/i.test(value.name)) {
    reading.wrong(
      [...path, 'name'],
      `A tenant is called ${show(value.name)}.`,
      'That word means everybody else; choose another.',
    )
  }
  if (value.name !== value.name.trim())
    reading.wrong([...path, 'name'], `The name ${show(value.name)} begins or ends with a space.`, 'Remove it.')
  return {
    name: value.name,
    kind: value.kind,
    domains: readDomains(reading, [...path, 'domains'], value.domains, name),
    alsoSends: readDomains(reading, [...path, 'alsoSends'], value.alsoSends ?? [], name),
    from: readDemands(reading, [...path, 'from'], value.from, name),
    to: readHop(reading, [...path, 'to'], value.to, `to of ${name}`),
    outbound: readOutbound(reading, [...path, 'outbound'], value.outbound ?? 'return', name),
  }
}

/** The rest of a tenant that has a field of the wrong shape: read for what is wrong with it, and for nothing else. */
export function checkFields(reading: Reading, { value, path }: Piece<TenantFields>): void {
  const name = value.name === undefined ? 'a tenant' : `tenant ${value.name}`
  if (value.domains !== undefined) readDomains(reading, [...path, 'domains'], value.domains, name)
  if (value.to !== undefined) readHop(reading, [...path, 'to'], value.to, `to of ${name}`)
  if (value.outbound !== undefined) readOutbound(reading, [...path, 'outbound'], value.outbound, name)
  if (value.from === undefined) return
  const from = readDemands(reading, [...path, 'from'], value.from, name)
  checkDemands(reading, { value: { name: value.name ?? '', kind: value.kind ?? 'smtp', from }, path })
}

function readDomains(reading: Reading, path: Path, names: readonly string[], of: string): readonly string[] {
  const seen = new Set<string>()
  names.forEach((name, i) => {
    const key = domainKey(name)
    if (key === '')
      reading.wrong([...path, i], `${show(name)} of ${of} is not a domain.`, 'Write a domain such as contoso.com.')
    else if (seen.has(key)) reading.wrong([...path, i], `${of} lists the domain ${key} twice.`, 'Keep one of the two.')
    else seen.add(key)
  })
  return [...seen]
}

function readDemands(reading: Reading, path: Path, from: TenantDocument['from'], of: string): Demands {
  const ca = from.ca === undefined ? undefined : readAuthorities(reading, [...path, 'ca'], from.ca)
  if (from.ca !== undefined && from.certificate === undefined) {
    reading.wrong(
      [...path, 'ca'],
      `from.ca of ${of} names authorities, but no certificate is demanded.`,
      'Add from.certificate with the name to expect, or remove ca.',
    )
  }
  const secret = from.secret === undefined ? undefined : readSecretHeader(reading, [...path, 'secret'], from.secret, of)
  const serverName = from.serverName?.toLowerCase().replace(/\.$/, '')
  if (serverName !== undefined && !isHostName(serverName)) {
    reading.wrong(
      [...path, 'serverName'],
      `from.serverName of ${of} is ${show(from.serverName)}, which is not a host name.`,
      'Write the name that it connects to, such as t1.gw.example.net.',
    )
  }
  return {
    certificate: readCertificateNames(reading, [...path, 'certificate'], from.certificate ?? [], of),
    addresses: readNetworks(reading, [...path, 'addresses'], from.addresses ?? [], of),
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(secret === undefined ? {} : { secret }),
  }
}

function readCertificateNames(reading: Reading, path: Path, names: readonly string[], of: string): readonly string[] {
  return names.map((name, i) => {
    const bare = name.startsWith('*.') ? name.slice(2) : name
    const key = domainKey(bare)
    if (key === '')
      reading.wrong(
        [...path, i],
        `from.certificate of ${of} names ${show(name)}, which is not the name of a certificate.`,
        'Write a name such as contoso.com or *.contoso.com.',
      )
    return name.startsWith('*.') ? `*.${key}` : key
  })
}

function readNetworks(reading: Reading, path: Path, networks: readonly string[], of: string): readonly string[] {
  return networks.flatMap((text, i) => {
    const network = readNetwork(text)
    if ('cidr' in network) return [network.cidr]
    reading.wrong(
      [...path, i],
      `from.addresses of ${of} has ${show(text)}, which ${network.why}.`,
      'Write an address such as 192.0.2.1, or a network such as 192.0.2.0/24 or 2001:db8::/48.',
    )
    return []
  })
}

function readSecretHeader(
  reading: Reading,
  path: Path,
  secret: { readonly header: string; readonly valueFile: string },
  of: string,
): { header: string; value: string } | undefined {
  const why = secretHeaderProblem(secret.header)
  if (why !== undefined)
    reading.wrong(
      [...path, 'header'],
      `The secret header ${show(secret.header)} of ${of} ${why}.`,
      'Choose a name of its own, such as X-Causeway-Key.',
    )
  const value = readSecret(reading, [...path, 'valueFile'], secret.valueFile)
  if (value === undefined) return undefined
  // The value itself is never repeated here.
  if (value.trim() === '')
    return reading.wrong(
      [...path, 'valueFile'],
      `The secret of ${of} in ${show(secret.valueFile)} is empty.`,
      'Put a long random value there.',
    )
  if (!/^[!-~](?:[ -~]*[!-~])?$/.test(value)) {
    return reading.wrong(
      [...path, 'valueFile'],
      `The secret of ${of} in ${show(secret.valueFile)} is not one line of ASCII without spaces around it.`,
      'Use letters and digits on a single line.',
    )
  }
  if (value.length < 16)
    reading.warn(
      [...path, 'valueFile'],
      `The secret of ${of} is only ${value.length} characters long.`,
      'Use 32 random characters or more.',
    )
  return { header: secret.header, value }
}

export function readHop(reading: Reading, path: Path, hop: HopDocument, of: string): NextHop {
  const host = hop.host.toLowerCase().replace(/\.$/, '')
  const serverName = (hop.serverName ?? host).toLowerCase().replace(/\.$/, '')
  if (!isHost(host))
    reading.wrong(
      [...path, 'host'],
      `${of} has the host ${show(hop.host)}, which is neither a host name nor an IP address.`,
      'Write the name alone, without port, brackets or smtp://.',
    )
  if (hop.serverName !== undefined && !isHost(serverName)) {
    reading.wrong(
      [...path, 'serverName'],
      `${of} has the serverName ${show(hop.serverName)}, which is not a host name.`,
      "Write the name in the server's certificate.",
    )
  }
  const tls = hop.tls ?? 'required'
  if (tls === 'none' && hop.certificate !== undefined) {
    reading.warn(
      [...path, 'certificate'],
      `${of} presents a certificate, but tls is none: it will never be shown.`,
      'Set tls: required, or remove the certificate.',
    )
  }
  const ca = hop.ca === undefined ? undefined : readAuthorities(reading, [...path, 'ca'], hop.ca)
  const identity =
    hop.certificate === undefined ? undefined : readIdentity(reading, [...path, 'certificate'], hop.certificate)
  return {
    host,
    port: hop.port ?? 25,
    tls,
    serverName,
    ...(ca === undefined ? {} : { ca }),
    ...(identity === undefined ? {} : { identity }),
  }
}

function readOutbound(
  reading: Reading,
  path: Path,
  outbound: NonNullable<TenantDocument['outbound']>,
  of: string,
): Outbound {
  if (typeof outbound === 'string') return { kind: outbound }
  return {
    kind: 'smarthost',
    hop: readHop(reading, [...path, 'smarthost'], outbound.smarthost, `the smart host of ${of}`),
  }
}

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
