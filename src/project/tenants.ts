/** The tenants of a project: hosts, domains and certificates checked, files read. */
import { domainKey } from '../mail/address/address.ts'
import { checkDemands } from './attribution.ts'
import { readDemands } from './demands.ts'
import type { NextHop, Outbound, Tenant } from './model.ts'
import { readAuthorities, readIdentity } from './named-files.ts'
import { isHost, show } from './names.ts'
import { attempt, type Piece, type Reading } from './reading.ts'
import type { HopDocument, TenantDocument } from './schema.ts'
import type { TenantFields } from './shape.ts'
import type { Path } from './yaml-file.ts'

/**
 * A tenant in spite of what is wrong with it: `reading` holds that, and what else can be checked is. `isOwner`: its domains are
 * understood; `isKnown`: its demands are.
 */
export type ReadTenant = Piece<Tenant> & { readonly isOwner: boolean; readonly isKnown: boolean }

export function compileTenant(reading: Reading, { value, path }: Piece<TenantDocument>): ReadTenant {
  const name = `tenant ${value.name}`
  checkName(reading, [...path, 'name'], value.name)
  const domains = attempt(reading, () => readDomains(reading, [...path, 'domains'], value.domains, name))
  const from = attempt(reading, () => readDemands(reading, [...path, 'from'], value.from, name))
  const tenant: Tenant = {
    name: value.name,
    kind: value.kind,
    domains: domains.value,
    alsoSends: readDomains(reading, [...path, 'alsoSends'], value.alsoSends ?? [], name),
    from: from.value,
    to: readHop(reading, [...path, 'to'], value.to, `to of ${name}`),
    outbound: readOutbound(reading, [...path, 'outbound'], value.outbound ?? 'return', name),
  }
  if (from.isSound) checkDemands(reading, { value: tenant, path })
  return { value: tenant, path, isOwner: domains.isSound, isKnown: from.isSound }
}

function checkName(reading: Reading, path: Path, name: string): void {
  if (/^internet$/i.test(name)) {
    reading.wrong(path, `A tenant is called ${show(name)}.`, 'That word means everybody else; choose another.')
  }
  if (name !== name.trim()) reading.wrong(path, `The name ${show(name)} begins or ends with a space.`, 'Remove it.')
}

/** The rest of a tenant that has a field of the wrong shape: read for what is wrong with it, and for nothing else. */
export function checkFields(reading: Reading, { value, path }: Piece<TenantFields>): void {
  const name = value.name === undefined ? 'a tenant' : `tenant ${value.name}`
  if (value.domains !== undefined) readDomains(reading, [...path, 'domains'], value.domains, name)
  if (value.to !== undefined) readHop(reading, [...path, 'to'], value.to, `to of ${name}`)
  if (value.outbound !== undefined) readOutbound(reading, [...path, 'outbound'], value.outbound, name)
  const { from } = value
  if (from === undefined) return
  const read = attempt(reading, () => readDemands(reading, [...path, 'from'], from, name))
  const tenant = { name: value.name ?? '', kind: value.kind ?? 'smtp', from: read.value }
  if (read.isSound) checkDemands(reading, { value: tenant, path })
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
