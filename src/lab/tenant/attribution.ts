/**
 * Which tenant owns an SMTP session, and may it relay? The rule that Exchange Online has had since November 2023
 * (Microsoft, "Office 365 Message Attribution"): certificate first, then address; the connector must match and the domain of the
 * certificate or of MAIL FROM must be an accepted domain. The From field counts for nothing.
 */
import { X509Certificate } from 'node:crypto'
import { domainOf } from '../post/post.ts'

/** An inbound connector of type OnPremises. */
export type Connector = {
  readonly name: string
  /** TlsSenderCertificateName: a domain, or `*.domain`. */
  readonly certificate?: string
  /** SenderIPAddresses: single ones. */
  readonly addresses?: readonly string[]
}

/** What is known of a session before anything is believed. */
export type Session = { readonly address: string; readonly certificateNames: readonly string[] }

export type Attribution =
  | { readonly kind: 'originating'; readonly connector: string; readonly why: string }
  /** A connector matches, but nothing shows that the sender is the tenant's: ATTR36. */
  | { readonly kind: 'not owned'; readonly connector: string }
  | { readonly kind: 'incoming' }

type Border = { readonly domains: readonly string[]; readonly connectors: readonly Connector[] }

export function attribute(border: Border, session: Session, mailFrom: string): Attribution {
  const connector =
    border.connectors.find((c) => matchesCertificate(c, session)) ??
    border.connectors.find((c) => c.addresses?.includes(session.address))
  if (connector === undefined) return { kind: 'incoming' }
  const owned = ownedBy(border, connector, session, mailFrom)
  if (owned === undefined) return { kind: 'not owned', connector: connector.name }
  return { kind: 'originating', connector: connector.name, why: owned }
}

function matchesCertificate({ certificate }: Connector, { certificateNames }: Session): boolean {
  return certificate !== undefined && certificateNames.some((name) => nameMatches(certificate, name))
}

function ownedBy(border: Border, connector: Connector, session: Session, mailFrom: string): string | undefined {
  const presented = matchesCertificate(connector, session)
    ? [...session.certificateNames, connector.certificate ?? ''].map(bare)
    : []
  const domain = presented.find((name) => border.domains.includes(name))
  if (domain !== undefined) return `the certificate is for ${domain}, an accepted domain`
  const sender = domainOf(mailFrom)
  return mailFrom !== '' && border.domains.includes(sender)
    ? `MAIL FROM is in ${sender}, an accepted domain`
    : undefined
}

function nameMatches(wanted: string, name: string): boolean {
  if (!wanted.startsWith('*.')) return name === wanted
  return name === wanted || name === bare(wanted) || name.endsWith(wanted.slice(1))
}

const bare = (name: string): string => (name.startsWith('*.') ? name.slice(2) : name)

/** The names in a client certificate whose chain leads to one of the roots; [] when it does not, or is not valid now. */
export function verifiedNames(
  chain: readonly Buffer[],
  roots: readonly X509Certificate[],
  now: Date,
): readonly string[] {
  const certificates = chain.map((der) => new X509Certificate(der))
  const [leaf] = certificates
  if (leaf === undefined || !certificates.every((c) => now >= c.validFromDate && now <= c.validToDate)) return []
  return leadsTo(leaf, certificates.slice(1), roots) ? namesOf(leaf) : []
}

function leadsTo(
  certificate: X509Certificate,
  above: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  const signed = (by: X509Certificate): boolean =>
    by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey)
  if (roots.some(signed)) return true
  const [next, ...rest] = above
  return next !== undefined && signed(next) && leadsTo(next, rest, roots)
}

function namesOf(leaf: X509Certificate): readonly string[] {
  const alternative = [...(leaf.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map((match) => match[1] ?? '')
  const common = /(?:^|\n)CN=(.+)/.exec(leaf.subject)?.[1]
  return [...alternative, ...(common === undefined ? [] : [common])].map((name) => name.toLowerCase())
}
