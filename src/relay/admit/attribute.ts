/**
 * Attribution: to which tenant, or to the internet, does a connection belong? A connection is a tenant's when everything
 * that the tenant's connector demands holds. Addresses and Microsoft's own certificate are shared by every Microsoft 365
 * customer, so a connector that also demands a header (a secret, Microsoft's word for the organisation) is only *supposed*
 * until the header has been seen. What the header of Microsoft is worth: docs/decisions/organisation-header.md.
 */
import { timingSafeEqual } from 'node:crypto'
import { all, fieldValue, type Header, unfold } from '../../mail/header/header.ts'
import type { Project, Tenant } from '../../project/project.ts'
import { publicAuthorities, readBundle, verifyChain } from '../../secrets/certificate/certificate.ts'
import type { Client } from '../listen/listen.ts'
import { nameMatches } from './certificate.ts'
import { inRanges } from './ranges.ts'

/** How a tenant proved itself. */
export type Proof =
  | 'certificate'
  | 'address'
  | 'server name'
  | 'secret header'
  /** Beside `secret header`: the tenant's rule still sets the value that is being given up. */
  | 'its previous value'
  | 'organisation'

export type Peer =
  | { readonly kind: 'internet'; readonly why: string }
  | {
      readonly kind: 'tenant'
      readonly tenant: Tenant
      readonly proofs: readonly Proof[]
      /** Names in the certificate, verified for this connection. */
      readonly certificateNames: readonly string[]
    }
export type TenantPeer = Extract<Peer, { kind: 'tenant' }>

/** What a connection alone says: the tenants that it may be. Empty: the internet. */
export type Supposition = { readonly peers: readonly TenantPeer[]; readonly why: string }

/** The tenants whose demands on the connection hold. */
export function suppose(project: Project, client: Client, now: Date): Supposition {
  const peers: TenantPeer[] = []
  const misses: string[] = []
  for (const tenant of project.tenants) {
    const found = demandsHold(tenant, client, now)
    if (typeof found === 'string') misses.push(`${tenant.name}: ${found}`)
    else peers.push(found)
  }
  return { peers, why: misses.join('; ') }
}

/** Does the message itself have a say in whose it is? */
export const awaitsHeader = ({ from }: Tenant): boolean => from.secret !== undefined || from.organisation !== undefined

/** The tenant itself, once the header of the message is there. */
export function attribute(supposed: Supposition, header: Header): Peer {
  const misses: string[] = []
  const matches: TenantPeer[] = []
  for (const peer of supposed.peers) {
    const found = headerHolds(peer.tenant, header)
    if (typeof found === 'string') misses.push(`${peer.tenant.name}: ${found}`)
    else matches.push({ ...peer, proofs: [...peer.proofs, ...found] })
  }
  return decided(matches, [...misses, supposed.why].filter((s) => s !== '').join('; '))
}

/** The demands on the header; a string says which one failed, and never what it should hold. */
function headerHolds({ from: { secret, organisation } }: Tenant, header: Header): readonly Proof[] | string {
  const proofs: Proof[] = []
  if (secret !== undefined) {
    const current = carries(header, secret.header, secret.value)
    const previous = secret.previousValue !== undefined && carries(header, secret.header, secret.previousValue)
    if (!current && !previous) return `the secret header ${secret.header} is missing or wrong`
    proofs.push('secret header')
    if (!current) proofs.push('its previous value')
  }
  if (organisation !== undefined) {
    const names = onlyValue(header, organisation.header)?.toLowerCase()
    if (names !== organisation.value) return `the header ${organisation.header} is missing or names somebody else`
    proofs.push('organisation')
  }
  return proofs
}

/** What a message of this tenant shows, for an example of one. */
export function proofFields({ from: { secret, organisation } }: Tenant): readonly string[] {
  return [secret, organisation].flatMap((field) => (field === undefined ? [] : [`${field.header}: ${field.value}`]))
}

/** One tenant, or nobody: where the demands of two hold, what only that tenant can have beats an address that it may share. */
function decided(matches: readonly TenantPeer[], misses: string): Peer {
  const proven = matches.filter(({ proofs }) => proofs.includes('certificate') || proofs.includes('secret header'))
  const [only, ...others] = proven.length > 0 ? proven : matches
  if (only === undefined) return { kind: 'internet', why: misses }
  if (others.length === 0) return only
  const names = [only, ...others].map((peer) => peer.tenant.name).join(' and ')
  return { kind: 'internet', why: `the demands of ${names} hold alike, so it belongs to neither` }
}

/** What `explain --peer tenant:NAME` supposes: everything that the connector demands of the connection holds. */
export function supposeTenant(tenant: Tenant): Supposition {
  const { certificate, addresses, serverName } = tenant.from
  const proofs: Proof[] = []
  if (certificate.length > 0) proofs.push('certificate')
  if (addresses.length > 0) proofs.push('address')
  if (serverName !== undefined) proofs.push('server name')
  return { peers: [{ kind: 'tenant', tenant, proofs, certificateNames: certificate }], why: '' }
}

/** The demands on the connection, one by one; a string says which one failed. */
function demandsHold(tenant: Tenant, client: Client, now: Date): TenantPeer | string {
  const { certificate, addresses, serverName } = tenant.from
  const proofs: Proof[] = []
  if (addresses.length > 0) {
    if (!inRanges(addresses, client.address)) return `address ${client.address} is not one of its own`
    proofs.push('address')
  }
  if (serverName !== undefined) {
    const asked = client.tls?.serverName.toLowerCase() ?? ''
    if (asked !== serverName.toLowerCase()) return `the server name asked for is ${asked === '' ? 'none' : asked}`
    proofs.push('server name')
  }
  if (certificate.length === 0) return { kind: 'tenant', tenant, proofs, certificateNames: [] }
  const names = verifiedNames(tenant, client, now)
  if (typeof names === 'string') return names
  const matches = names.some((name) => certificate.some((demanded) => nameMatches(demanded.toLowerCase(), name)))
  if (!matches) return `the certificate names ${names.join(', ') || 'nobody'}`
  return { kind: 'tenant', tenant, proofs: [...proofs, 'certificate'], certificateNames: names }
}

/** Chain checks of one connection, by the authorities that were asked about: a connection may carry many messages. */
const checked = new WeakMap<object, Map<Buffer | undefined, readonly string[] | string>>()

function verifiedNames(tenant: Tenant, client: Client, now: Date): readonly string[] | string {
  const tls = client.tls
  if (tls === undefined || tls.peerChain.length === 0) return 'no client certificate was presented'
  // A resumed connection shows what an earlier one had shown, to another name perhaps; ours are never resumed.
  if (tls.resumed) return 'the connection was resumed: its certificate was not presented now'
  const known = checked.get(tls) ?? new Map<Buffer | undefined, readonly string[] | string>()
  checked.set(tls, known)
  const before = known.get(tenant.from.ca)
  if (before !== undefined) return before
  const roots = tenant.from.ca === undefined ? publicAuthorities() : readBundle(tenant.from.ca)
  const verified = verifyChain(tls.peerChain, roots, now)
  const result = verified.ok ? verified.names : verified.why
  known.set(tenant.from.ca, result)
  return result
}

/** Compared in constant time; a header given twice proves nothing. */
function carries(header: Header, name: string, value: string): boolean {
  const given = Buffer.from(onlyValue(header, name) ?? '', 'latin1')
  const wanted = Buffer.from(value, 'utf8')
  const padded = Buffer.alloc(wanted.length)
  given.copy(padded)
  return timingSafeEqual(padded, wanted) && given.length === wanted.length
}

/** Of a field that stands there once: one more may be the sender's own, and nobody could say which is whose. */
function onlyValue(header: Header, name: string): string | undefined {
  const fields = all(header, name.toLowerCase())
  const [field] = fields
  return field === undefined || fields.length !== 1 ? undefined : unfold(fieldValue(field))
}
