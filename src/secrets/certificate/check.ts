/**
 * Is this certificate good for a tenant? Point by point what Exchange Online and the guides to coexistence ask of the certificate
 * by which a tenant's connectors know the gateway, with what public authorities issue today beside it.
 */
import type { X509Certificate } from 'node:crypto'
import { domainKey } from '../../mail/address/address.ts'
import type { Candidate } from './candidate.ts'
import { publicAuthorities, purposes, verifyChain } from './chain.ts'
import { certificateNames, commonName, subjectLine } from './names.ts'
import { weakKey, weakSignature } from './strength.ts'

export type Point = {
  readonly point: string
  readonly verdict: 'pass' | 'warning' | 'failure'
  readonly text: string
  /** What to do about it; '' when nothing is to be done. */
  readonly remedy: string
}
export type Demand = {
  /** Accepted domains of the tenant, one of which the certificate must name. */
  readonly domains: readonly string[]
  /** When the project ends, as far as that is known. */
  readonly until?: Date
  readonly now: Date
  /** Default: the public authorities. */
  readonly roots?: readonly X509Certificate[]
}

export function checkCertificate(c: Candidate, demand: Demand): readonly Point[] {
  const [leaf] = c.certificates
  if (leaf === undefined)
    return [failure('file', 'there is no certificate in it', 'Export it again with the certificate and its chain.')]
  return [
    ...filePoints(c),
    keyPoint(c, leaf),
    ...namePoints(leaf, demand),
    strengthPoint(leaf),
    purposePoint(leaf),
    chainPoint(c, demand),
    ...datePoints(c, leaf, demand),
    friendlyNamePoint(c),
  ]
}

const pass = (point: string, text: string): Point => ({ point, verdict: 'pass', text, remedy: '' })
const warning = (point: string, text: string, remedy: string): Point => ({ point, verdict: 'warning', text, remedy })
const failure = (point: string, text: string, remedy: string): Point => ({ point, verdict: 'failure', text, remedy })

function filePoints(c: Candidate): readonly Point[] {
  if (c.form === 'pem') return [pass('file', 'PEM; Causeway takes it as it is, other products want a PFX')]
  const form = c.hasPassword
    ? pass('file', 'PFX with a password')
    : warning('file', 'a PFX without a password', 'Export it again with one: whoever gets the file has the key.')
  if (c.oldCiphers.length === 0) return [form]
  const text = `encrypted with ${c.oldCiphers.join(' and ')}, which Causeway reads and newer programs do not`
  return [form, warning('encryption', text, 'Export it again with AES-256 and SHA-256.')]
}

function keyPoint({ key }: Candidate, leaf: X509Certificate): Point {
  if (key === undefined)
    return failure('private key', 'there is none in it', 'Export it again and say that the private key goes with it.')
  return leaf.checkPrivateKey(key)
    ? pass('private key', 'there, and belongs to the certificate')
    : failure('private key', 'is that of another certificate', 'Name the key that this certificate was issued for.')
}

function namePoints(leaf: X509Certificate, demand: Demand): readonly Point[] {
  const names = [...new Set(certificateNames(leaf))]
  const common = commonName(leaf)?.toLowerCase()
  const own = names.find((name) => name === common) ?? names[0]
  if (own === undefined)
    return [failure('name', 'it names no domain', 'Order a certificate for one accepted domain of the tenant.')]
  return [namePoint(own), domainPoint(own, demand.domains), furtherPoint(own, names)]
}

function namePoint(own: string): Point {
  return own.includes('*')
    ? failure('name', `${own} is a wildcard`, 'Order a certificate for one accepted domain, without *.')
    : pass('name', own)
}

/** Exchange Online since November 2023: the domain of the certificate must be an accepted domain of the tenant. */
function domainPoint(own: string, domains: readonly string[]): Point {
  const accepted = domains.map(domainKey)
  if (accepted.length === 0)
    return warning('accepted domain', 'not compared with any', 'Say which domains the tenant accepts: --domain DOMAIN.')
  if (accepted.includes(own)) return pass('accepted domain', `${own} is an accepted domain of the tenant`)
  const remedy =
    'Order a certificate for exactly an accepted domain, or make its name an accepted domain of the tenant.'
  return failure('accepted domain', `${own} is none of ${accepted.join(', ')}`, remedy)
}

/** Public authorities always write the name as a subject alternative name too; only others are further names. */
function furtherPoint(own: string, names: readonly string[]): Point {
  const further = names.filter((name) => name !== own)
  return further.length === 0
    ? pass('further names', 'none')
    : failure('further names', further.join(', '), `Order a single-domain certificate for ${own} alone.`)
}

function strengthPoint(leaf: X509Certificate): Point {
  const weak = weakKey(leaf) ?? weakSignature(leaf)
  if (weak !== undefined)
    return failure('strength', `it ${weak}`, 'Order one with an RSA key of 2048 bits or more, signed with SHA-256.')
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = leaf.publicKey
  if (type === 'rsa') return pass('strength', `RSA, ${details?.modulusLength} bits`)
  const text = `a key of the kind ${details?.namedCurve ?? type}; what the other side asks for is RSA of 2048 bits or more`
  return warning('strength', text, 'It works with Causeway; order RSA where another product reads the file.')
}

function purposePoint(leaf: X509Certificate): Point {
  const listed: readonly string[] = leaf.keyUsage ?? []
  const isFor = (purpose: string) => listed.length === 0 || listed.includes(purpose) || listed.includes(purposes.any)
  if (!isFor(purposes.server))
    return failure('purposes', 'it is not for server authentication', 'Order a certificate for TLS servers.')
  if (isFor(purposes.client)) return pass('purposes', 'server and client authentication')
  return warning(
    'purposes',
    'server authentication only: public authorities no longer issue client authentication (since 2026)',
    'Nothing to do for Exchange Online, which takes it as it is.',
  )
}

function chainPoint(c: Candidate, { roots, now }: Demand): Point {
  const [leaf, ...others] = c.certificates
  if (leaf?.checkIssued(leaf) === true && roots === undefined)
    return failure(
      'chain',
      'it signed itself',
      'Exchange Online takes none but those of public authorities: order one there.',
    )
  // Whether it has run out is a point of its own.
  const at = leaf === undefined ? now : new Date(clamp(now.getTime(), leaf))
  const verified = verifyChain(
    c.certificates.map((one) => one.raw),
    roots ?? publicAuthorities(),
    at,
  )
  if (verified.ok) return pass('chain', `complete, with ${others.length} above it in the file`)
  const last = c.certificates.at(-1)
  const remedy = /no trusted authority/.test(verified.why)
    ? `Export it with all certificates in its path; what is missing is ${issuerLine(last)}, or that authority is not a public one.`
    : 'Have it issued again by a public authority.'
  return failure('chain', verified.why, remedy)
}

const clamp = (now: number, leaf: X509Certificate): number =>
  Math.min(Math.max(now, leaf.validFromDate.getTime()), leaf.validToDate.getTime())

const issuerLine = (last: X509Certificate | undefined): string =>
  `"${last?.issuer.replaceAll('\n', ', ').slice(0, 200)}"`

const dayMs = 24 * 60 * 60 * 1000
const day = (date: Date): string => date.toISOString().slice(0, 10)

function datePoints(c: Candidate, leaf: X509Certificate, { now, until }: Demand): readonly Point[] {
  const points = [validityPoint(c, leaf, now)]
  if (until === undefined) return points
  const lasts = leaf.validToDate >= until
  return [
    ...points,
    lasts
      ? pass('project', `valid until ${day(leaf.validToDate)}, past its end on ${day(until)}`)
      : failure(
          'project',
          `valid until ${day(leaf.validToDate)}, and the project ends on ${day(until)}`,
          'Order one that lasts longer; or renew it under the same name before that day: Causeway takes the new file by itself.',
        ),
  ]
}

function validityPoint(c: Candidate, leaf: X509Certificate, now: Date): Point {
  const order = 'Renew it under the same name and put the new file in the place of this one.'
  if (now < leaf.validFromDate)
    return failure('validity', `valid from ${day(leaf.validFromDate)} on only`, 'Wait, or look at the clock.')
  const first = c.certificates.reduce((a, b) => (b.validToDate < a.validToDate ? b : a), leaf)
  const end = first.validToDate
  const whose = first === leaf ? '' : `${subjectLine(first)} in its chain: `
  if (end < now) return failure('validity', `${whose}expired on ${day(end)}`, order)
  const days = Math.floor((end.getTime() - now.getTime()) / dayMs)
  const text = `${whose}valid until ${day(end)}, ${days} days from now`
  return days < 30 ? warning('validity', text, order) : pass('validity', text)
}

function friendlyNamePoint({ friendlyName }: Candidate): Point {
  if (friendlyName === undefined) return pass('friendly name', 'PEM has none; it is asked for in a PFX only')
  return friendlyName === ''
    ? warning(
        'friendly name',
        'there is none',
        'Give it one when you export it: openssl pkcs12 -export -name "contoso" ...',
      )
    : pass('friendly name', friendlyName)
}
