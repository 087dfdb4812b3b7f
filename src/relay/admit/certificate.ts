/**
 * Whose certificate did the other side present? The chain is built and checked here for one tenant's authorities at a
 * time, because a TLS library says only that *some* trusted authority signed it: the same name from another tenant's
 * authority must not count.
 *
 * QUIRK: public authorities no longer issue certificates for client authentication, so Exchange Online presents one
 * for server authentication; either purpose is accepted (Chrome root programme policy, 2026).
 */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'

export type Verified =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly why: string }

const maxDepth = 8
const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'
const anyPurpose = '2.5.29.37.0'

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

/** Checks a presented chain (DER, leaf first) against `roots` at the time `now` (RFC 5280 section 6, without revocation). */
export function verifyChain(chain: readonly Buffer[], roots: readonly X509Certificate[], now: Date): Verified {
  const presented = readChain(chain)
  if (presented === undefined) return { ok: false, why: 'the certificate cannot be read' }
  const leaf = presented[0]
  if (leaf === undefined) return { ok: false, why: 'no certificate was presented' }
  const purpose = purposeProblem(leaf)
  if (purpose !== undefined) return { ok: false, why: purpose }
  const trouble = climb(leaf, presented.slice(1), roots, now)
  return trouble === undefined ? { ok: true, names: certificateNames(leaf) } : { ok: false, why: trouble }
}

/** DNS names of a certificate in lower case; the common name counts only where there is no DNS name (RFC 6125 section 6.4.4). */
export function certificateNames(certificate: X509Certificate): readonly string[] {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(
    (m) => m[1]?.toLowerCase() ?? '',
  )
  if (names.length > 0) return names
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return common === undefined ? [] : [common.toLowerCase()]
}

/** Does a name of the certificate satisfy the name that a connector demands? `*.contoso.example` covers one label. */
export function nameMatches(demanded: string, presented: string): boolean {
  if (demanded === presented) return true
  const dot = presented.indexOf('.')
  return demanded.startsWith('*.') && dot > 0 && presented.slice(dot + 1) === demanded.slice(2)
}

function readChain(chain: readonly Buffer[]): readonly X509Certificate[] | undefined {
  try {
    return chain.slice(0, maxDepth).map((der) => new X509Certificate(der))
  } catch {
    return undefined
  }
}

function purposeProblem(leaf: X509Certificate): string | undefined {
  // `keyUsage` is Node's name for the extended key usage.
  const purposes: readonly string[] = leaf.keyUsage ?? []
  if (purposes.length === 0 || purposes.some((p) => p === serverAuth || p === clientAuth || p === anyPurpose))
    return undefined
  return 'the certificate is for neither client nor server authentication'
}

/** From the leaf to a root, each step by signature. undefined when the top was reached. */
function climb(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: Date,
): string | undefined {
  let current = leaf
  for (let depth = 0; depth < maxDepth; depth += 1) {
    const expired = datesProblem(current, now)
    if (expired !== undefined) return expired
    const below = current
    if (roots.some((root) => root.raw.equals(below.raw))) return undefined
    const root = roots.find((candidate) => issued(candidate, below))
    if (root !== undefined) return datesProblem(root, now)
    const next = others.find((candidate) => candidate.ca && issued(candidate, below))
    if (next === undefined) return `no trusted authority issued ${subjectLine(below)}`
    current = next
  }
  return 'the certificate chain is too long'
}

const issued = (issuer: X509Certificate, subject: X509Certificate): boolean =>
  subject.checkIssued(issuer) && subject.verify(issuer.publicKey)

function datesProblem(certificate: X509Certificate, now: Date): string | undefined {
  if (now < certificate.validFromDate) return `${subjectLine(certificate)} is not valid yet`
  if (now > certificate.validToDate) return `${subjectLine(certificate)} has expired`
  return undefined
}

const subjectLine = (certificate: X509Certificate): string =>
  `"${certificate.subject.replaceAll('\n', ', ').slice(0, 200)}"`
