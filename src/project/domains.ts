/** The domains that the world sees, and the policy for all mail. */
import { addressKey, domainKey, parseAddress } from '../mail/address/address.ts'
import { compileArcKey, readSealers } from './arc.ts'
import { readBalancers } from './balancers.ts'
import { readLimits } from './limits.ts'
import { readSize, readSpan, spanText } from './measures.ts'
import type { DkimKey, Gateway, Identity, Policy, ServedDomain } from './model.ts'
import { readIdentity } from './named-files.ts'
import { didYouMean, isHostName, isSelector, show } from './names.ts'
import { readPostmaster } from './postmaster.ts'
import { attempt, type Piece, type Reading } from './reading.ts'
import type { DomainDocument, ProjectDocument } from './schema.ts'
import { compileSigningKey, type KeyDocument } from './signing-key.ts'
import type { Path } from './yaml-file.ts'

export function compileGateway(reading: Reading, piece: Piece<ProjectDocument['gateway']>): Gateway {
  const { hostname, tls, diskReserve, arc, proxies, postmaster, limits } = piece.value
  if (!isHostName(hostname))
    reading.wrong(
      [...piece.path, 'hostname'],
      `gateway.hostname is ${show(hostname)}, which is not a host name.`,
      'Write the full name under which others reach this server, such as gw.example.net.',
    )
  const identity: Identity | undefined =
    tls === undefined ? undefined : readIdentity(reading, [...piece.path, 'tls'], tls)
  const reserve = diskReserve === undefined ? undefined : readReserve(reading, piece.path, diskReserve)
  const arcKey = arc === undefined ? undefined : compileArcKey(reading, [...piece.path, 'arc'], arc)
  const reader = postmaster === undefined ? undefined : readPostmaster(reading, postmaster)
  return {
    hostname: hostname.toLowerCase().replace(/\.$/, ''),
    ...(identity === undefined ? {} : { tls: identity }),
    ...(proxies === undefined ? {} : { proxies: readBalancers(reading, [...piece.path, 'proxies'], proxies) }),
    ...(reserve === undefined ? {} : { diskReserveBytes: reserve }),
    ...(arcKey === undefined ? {} : { arc: arcKey }),
    ...(reader === undefined ? {} : { postmaster: reader }),
    ...(limits === undefined ? {} : { limits: readLimits(reading, [...piece.path, 'limits'], limits) }),
  }
}

function readReserve(reading: Reading, path: Path, text: string): number | undefined {
  const bytes = readSize(text)
  if (bytes !== undefined && bytes > 0) return bytes
  const what = `gateway.diskReserve is ${show(text)}, which is not a size.`
  return reading.wrong([...path, 'diskReserve'], what, 'Write a whole number of MB, GB or TB, such as 500MB or 1GB.')
}

/** `tenants` is undefined when their names are not all known; then no reference to one is judged. */
export function compileDomain(
  reading: Reading,
  { value, path }: Piece<DomainDocument>,
  tenants: readonly string[] | undefined,
): ServedDomain {
  const name = domainKey(value.name)
  if (name === '')
    reading.wrong(
      [...path, 'name'],
      `${show(value.name)} under domains is not a domain.`,
      'Write a domain such as contoso.com.',
    )
  const unknown = value.unknown ?? 'reject'
  if (unknown !== 'reject' && tenants !== undefined && !tenants.includes(unknown.tenant)) {
    const meant = didYouMean(unknown.tenant, tenants)
    const remedy = meant === undefined ? `The tenants are ${tenants.join(', ')}.` : `Did you mean ${meant}?`
    reading.wrong(
      [...path, 'unknown', 'tenant'],
      `Domain ${value.name} gives unknown people to tenant ${show(unknown.tenant)}, which does not exist.`,
      remedy,
    )
  }
  const dkim = value.dkim === undefined ? undefined : readDkim(reading, [...path, 'dkim'], value.dkim, value.name)
  return {
    name,
    mode: value.mode ?? 'open',
    unknown: unknown === 'reject' ? { kind: 'reject' } : { kind: 'tenant', tenant: unknown.tenant },
    ...(dkim === undefined ? {} : { dkim }),
  }
}

function readDkim(
  reading: Reading,
  path: Path,
  dkim: NonNullable<DomainDocument['dkim']>,
  of: string,
): ServedDomain['dkim'] {
  const rsa = readDkimKey(reading, path, dkim, 'rsa', of)
  if (dkim.ed25519 === undefined) return rsa
  const ed25519 = readDkimKey(reading, [...path, 'ed25519'], dkim.ed25519, 'ed25519', of)
  // A selector names one record, and a record holds one key (RFC 6376 section 3.6.2.2).
  if (ed25519.selector.toLowerCase() === rsa.selector.toLowerCase()) {
    reading.wrong(
      [...path, 'ed25519', 'selector'],
      `Both DKIM keys of ${of} have the selector ${rsa.selector}.`,
      'Give the Ed25519 key a selector of its own.',
    )
  }
  // The same by default is the same selector, which was told.
  if (ed25519.keyFile === rsa.keyFile && (dkim.keyFile ?? dkim.ed25519.keyFile) !== undefined)
    reading.wrong(
      [...path, 'ed25519', 'keyFile'],
      `Both DKIM keys of ${of} are in one place.`,
      'Give the Ed25519 key one of its own.',
    )
  return { ...rsa, ed25519 }
}

function readDkimKey(reading: Reading, path: Path, key: KeyDocument, kind: 'rsa' | 'ed25519', of: string): DkimKey {
  if (!isSelector(key.selector))
    reading.wrong(
      [...path, 'selector'],
      `The DKIM selector ${show(key.selector)} of ${of} is not one.`,
      'Use letters, digits and hyphens, such as cw1.',
    )
  return compileSigningKey(reading, path, key, kind, domainKey(of))
}

export function checkDomains(reading: Reading, domains: readonly Piece<ServedDomain>[]): void {
  const seen = new Map<string, Piece<ServedDomain>>()
  for (const domain of domains) {
    const twin = seen.get(domain.value.name)
    if (twin === undefined) seen.set(domain.value.name, domain)
    else if (domain.value.name !== '')
      reading.wrong(
        [...domain.path, 'name'],
        `${domain.value.name} stands twice under domains (the other: line ${reading.at(twin.path).line}).`,
        'Keep one of the two.',
      )
  }
}

export function compilePolicy(
  reading: Reading,
  piece: Piece<NonNullable<ProjectDocument['policy']>> | undefined,
): Policy {
  const policy = piece?.value ?? {}
  const partners = policy.notRewrittenFor ?? []
  return {
    fields: policy.fields ?? 'full',
    calendar: policy.calendar ?? true,
    reports: policy.reports ?? true,
    ambiguousFrom: policy.ambiguousFrom ?? 'refuse',
    dmarc: policy.dmarc ?? 'honour',
    trustedArcSealers: readSealers(reading, policy.trustedArcSealers ?? []),
    notRewrittenFor: partners.map((text, i) => readPartner(reading, ['policy', 'notRewrittenFor', i], text)),
    whenNextHopFails: policy.whenNextHopFails ?? 'queue',
    ...readPatience(reading, policy),
  }
}

const standard = { warnAfter: '4h', returnAfter: '2d' } as const
const longestMs = 30 * 86_400_000

/** How long the queue tries. A warning that comes with the return, or after it, would warn of nothing. */
function readPatience(
  reading: Reading,
  policy: NonNullable<ProjectDocument['policy']>,
): Pick<Policy, 'warnAfterMs' | 'returnAfterMs'> {
  const warn = attempt(reading, () => readWait(reading, 'warnAfter', policy.warnAfter))
  const back = attempt(reading, () => readWait(reading, 'returnAfter', policy.returnAfter))
  if (warn.isSound && back.isSound && back.value <= warn.value) {
    const field = policy.returnAfter === undefined ? 'warnAfter' : 'returnAfter'
    reading.wrong(
      ['policy', field],
      `policy.returnAfter (${spanText(back.value)}) is not longer than policy.warnAfter (${spanText(warn.value)}).`,
      'Senders are warned first, and get their mail back later: make returnAfter the longer one.',
    )
  }
  return { warnAfterMs: warn.value, returnAfterMs: back.value }
}

function readWait(reading: Reading, field: keyof typeof standard, text: string = standard[field]): number {
  const ms = readSpan(text)
  if (ms !== undefined && ms > 0 && ms <= longestMs) return ms
  const what = ms === undefined ? 'not a span of time' : ms === 0 ? 'no time at all' : 'longer than 30d'
  reading.wrong(
    ['policy', field],
    `policy.${field} is ${show(text)}, which is ${what}.`,
    'Write minutes, hours or days, at most 30d: 90m, 4h, 2d.',
  )
  return 0
}

function readPartner(reading: Reading, path: Path, text: string): string {
  const address = text.includes('@') ? parseAddress(text) : undefined
  if (address !== undefined) return addressKey(address)
  const wildcard = text.startsWith('*.')
  const key = domainKey(wildcard ? text.slice(2) : text)
  if (key === '')
    reading.wrong(
      path,
      `policy.notRewrittenFor has ${show(text)}, which is no address and no domain.`,
      'Write ann@partner.example, partner.example, or *.partner.example.',
    )
  return wildcard ? `*.${key}` : key
}
