/** How a tenant's mail is recognised: the names, networks and secrets under `from`. */
import { domainKey } from '../mail/address/address.ts'
import type { Demands } from './model.ts'
import { readAuthorities, readSecret } from './named-files.ts'
import { isHostName, readNetwork, secretHeaderProblem, show } from './names.ts'
import type { Reading } from './reading.ts'
import type { TenantDocument } from './schema.ts'
import type { Path } from './yaml-file.ts'

export function readDemands(reading: Reading, path: Path, from: TenantDocument['from'], of: string): Demands {
  const ca = from.ca === undefined ? undefined : readAuthorities(reading, [...path, 'ca'], from.ca)
  if (from.ca !== undefined && from.certificate === undefined) {
    reading.wrong(
      [...path, 'ca'],
      `from.ca of ${of} names authorities, but no certificate is demanded.`,
      'Add from.certificate with the name to expect, or remove ca.',
    )
  }
  const secret = from.secret === undefined ? undefined : readSecretHeader(reading, [...path, 'secret'], from.secret, of)
  const organisation =
    from.organisation === undefined
      ? undefined
      : readOrganisation(reading, [...path, 'organisation'], from.organisation, of)
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
    ...(organisation === undefined ? {} : { organisation }),
  }
}

function readCertificateNames(reading: Reading, path: Path, names: readonly string[], of: string): readonly string[] {
  return names.map((name, i) => {
    const bare = name.startsWith('*.') ? name.slice(2) : name
    const key = domainKey(bare)
    // `*.com` would be everybody whose name has two labels.
    if (key === '' || (name !== bare && !key.includes('.')))
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
  secret: NonNullable<TenantDocument['from']['secret']>,
  of: string,
): Demands['secret'] {
  const why = secretHeaderProblem(secret.header)
  if (why !== undefined)
    reading.wrong(
      [...path, 'header'],
      `The secret header ${show(secret.header)} of ${of} ${why}.`,
      'Choose a name of its own, such as X-Causeway-Key.',
    )
  const { header, valueFile, previousValueFile } = secret
  const value = readSecretValue(reading, [...path, 'valueFile'], valueFile, of)
  const previousValue =
    previousValueFile === undefined
      ? undefined
      : readSecretValue(reading, [...path, 'previousValueFile'], previousValueFile, of)
  if (value === undefined) return undefined
  if (value === previousValue)
    reading.warn(
      [...path, 'previousValueFile'],
      `Both values of the secret of ${of} are the same.`,
      'Put the new value into valueFile, or remove previousValueFile.',
    )
  return { header, value, ...(previousValue === undefined ? {} : { previousValue }) }
}

// What can be tried out by sending mail is no secret.
const minSecretLength = 8
const goodSecretLength = 16

/** The value itself is never repeated in a sentence. */
function readSecretValue(reading: Reading, path: Path, name: string, of: string): string | undefined {
  const value = readSecret(reading, path, name)
  if (value === undefined) return undefined
  if (value.trim() === '')
    return reading.wrong(path, `The secret of ${of} in ${show(name)} is empty.`, 'Put a long random value there.')
  if (!/^[!-~](?:[ -~]*[!-~])?$/.test(value)) {
    return reading.wrong(
      path,
      `The secret of ${of} in ${show(name)} is not one line of ASCII without spaces around it.`,
      'Use letters and digits on a single line.',
    )
  }
  const short = `The secret of ${of} is only ${value.length} characters long.`
  if (value.length < minSecretLength) return reading.wrong(path, short, 'Use 32 random characters or more.')
  if (value.length < goodSecretLength) reading.warn(path, short, 'Use 32 random characters or more.')
  return value
}

const tenantId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Microsoft writes the tenant ID into one field and the default domain into another; each is looked for in its own. */
function readOrganisation(reading: Reading, path: Path, text: string, of: string): Demands['organisation'] {
  const id = text.toLowerCase()
  if (tenantId.test(id)) return { header: 'X-MS-Exchange-CrossTenant-Id', value: id }
  const domain = domainKey(text)
  if (domain.includes('.')) return { header: 'X-OriginatorOrg', value: domain }
  return reading.wrong(
    path,
    `from.organisation of ${of} is ${show(text)}, which is neither a tenant ID nor a domain.`,
    'Write the tenant ID as the Entra admin center shows it, such as 00000000-1111-2222-3333-444444444444.',
  )
}
