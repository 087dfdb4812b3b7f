/**
 * Is a chain of certificates what it says it is? Checked from the leaf up against the authorities that the caller trusts, for one
 * connection at a time: a TLS library says only that *some* trusted authority signed, and the same name from another
 * tenant's authority must not count. RFC 5280 section 6, without revocation and policies.
 *
 * QUIRK: public authorities no longer issue certificates for client authentication, so Exchange Online presents one
 * for server authentication; either purpose is accepted (Chrome root programme policy, 2026).
 */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { authorityProblem, unknownDemand } from './extensions.ts'
import { certificateNames, subjectLine } from './names.ts'
import { costlyKey, weakKey, weakSignature } from './strength.ts'

export type Verified =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly why: string }

const maxDepth = 8

export const purposes = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  any: '2.5.29.37.0',
} as const

/** Certificates of a PEM bundle, in order. Throws when a block is not a certificate. */
export function readBundle(pem: Buffer | string): X509Certificate[] {
  const blocks = pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

let publicRoots: readonly X509Certificate[] | undefined
export function publicAuthorities(): readonly X509Certificate[] {
  publicRoots ??= rootCertificates.map((pem) => new X509Certificate(pem))
  return publicRoots
}

/** Checks a presented chain (DER, leaf first) against `roots` at the time `now`. */
export function verifyChain(chain: readonly Buffer[], roots: readonly X509Certificate[], now: Date): Verified {
  const presented = readChain(chain)
  if (presented === undefined) return { ok: false, why: 'the certificate cannot be read' }
  const [leaf, ...others] = presented
  if (leaf === undefined) return { ok: false, why: 'no certificate was presented' }
  const trouble = climb({ leaf, others, roots, now, names: certificateNames(leaf) })
  return trouble === undefined ? { ok: true, names: certificateNames(leaf) } : { ok: false, why: trouble }
}

function readChain(chain: readonly Buffer[]): readonly X509Certificate[] | undefined {
  try {
    return chain.slice(0, maxDepth).map((der) => new X509Certificate(der))
  } catch {
    return undefined
  }
}

/** For connections at all? Of an authority: no list of purposes means all of them. */
function purposeProblem(certificate: X509Certificate): string | undefined {
  // `keyUsage` is Node's name for the extended key usage.
  const listed: readonly string[] = certificate.keyUsage ?? []
  if (listed.length === 0 || Object.values(purposes).some((purpose) => listed.includes(purpose))) return undefined
  return 'is for neither client nor server authentication'
}

type Climb = {
  readonly leaf: X509Certificate
  readonly others: readonly X509Certificate[]
  readonly roots: readonly X509Certificate[]
  readonly now: Date
  readonly names: readonly string[]
}

/** From the leaf to a root, each step by signature. undefined when the top was reached. */
function climb(c: Climb): string | undefined {
  let current = c.leaf
  for (let depth = 0; depth < maxDepth; depth += 1) {
    const below = current
    const isPinned = c.roots.some((root) => root.raw.equals(below.raw))
    const why = problemOf(below, c.now) ?? (isPinned ? undefined : weakSignature(below))
    if (why !== undefined) return `${subjectLine(below)} ${why}`
    if (isPinned) return undefined
    const root = c.roots.find((candidate) => issued(candidate, below))
    const next = root ?? c.others.find((candidate) => issued(candidate, below) && mayIssue(candidate, depth, c.names))
    if (next === undefined) return whyNoIssuer(c, below, depth)
    if (root !== undefined) return rootProblem(root, c.now)
    current = next
  }
  return 'the certificate chain is too long'
}

/** What anybody may say about a certificate by itself. */
function problemOf(certificate: X509Certificate, now: Date): string | undefined {
  return (
    datesProblem(certificate, now) ?? purposeProblem(certificate) ?? weakKey(certificate) ?? unknownDemand(certificate)
  )
}

/** A root is trusted for what it is: its dates and its key count, its own signature proves nothing. */
function rootProblem(root: X509Certificate, now: Date): string | undefined {
  const why = datesProblem(root, now) ?? weakKey(root)
  return why === undefined ? undefined : `${subjectLine(root)} ${why}`
}

const mayIssue = (authority: X509Certificate, below: number, names: readonly string[]): boolean =>
  authorityProblem(authority, below, names) === undefined

function whyNoIssuer({ others, names }: Climb, below: X509Certificate, depth: number): string {
  const forbidden = others.find((candidate) => candidate.ca && issued(candidate, below))
  if (forbidden === undefined) return `no trusted authority issued ${subjectLine(below)}`
  return `${subjectLine(forbidden)} ${authorityProblem(forbidden, depth, names)}`
}

/** Nothing is computed with a key that a stranger may have made to keep us busy. */
const issued = (issuer: X509Certificate, subject: X509Certificate): boolean =>
  subject.checkIssued(issuer) && costlyKey(issuer) === undefined && subject.verify(issuer.publicKey)

function datesProblem(certificate: X509Certificate, now: Date): string | undefined {
  if (now < certificate.validFromDate) return 'is not valid yet'
  if (now > certificate.validToDate) return 'has expired'
  return undefined
}
