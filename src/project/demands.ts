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
