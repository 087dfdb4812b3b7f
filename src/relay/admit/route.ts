/** Where a recipient belongs, and whether this peer may write there (docs/flow.md, "admit"). No I/O. */
import { type Address, domainKey } from '../../mail/address/address.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import {
  type Entry,
  type Project,
  servedDomain,
  type Tenant,
  tenantNamed,
  tenantOfDomain,
} from '../../project/project.ts'
import type { MailFrom, Recipient } from '../listen/listen.ts'
import type { Peer, TenantPeer } from './attribute.ts'

/** Where mail for a recipient goes. */
export type Way =
  | {
      readonly kind: 'inside'
      readonly tenant: Tenant
      readonly to: string
      readonly entry?: Entry
      readonly why: string
    }
  | { readonly kind: 'outside'; readonly domain: string; readonly why: string }
type Inside = Way & { readonly kind: 'inside' }
type Refused = {
  readonly kind: 'refused'
  readonly reply: Reply
  readonly why: string
  /** The domain that asks everybody to come back: an attempt that goes into the ledger. */
  readonly retryLater?: string
}
/** When it is asked: of a message that comes, or of one that was taken before and waits. */
type Time = 'first' | 'again'
export type Route =
  | Way
  /** The domain stands still and its mail is kept; `way` is where it would go. */
  | { readonly kind: 'held'; readonly domain: string; readonly way: Way; readonly why: string }
  | Refused

/**
 * The way of one recipient. The relay rule is applied to what lies outside, so the answer holds for this envelope only.
 * Mail that is refused in the end is not taken to be held first: hold comes after everything else has been judged.
 */
export function route(project: Project, peer: Peer, from: MailFrom, recipient: Recipient, time: Time = 'first'): Route {
  const domain = domainKey(recipient.address.domain)
  const mode = servedDomain(project, domain)?.mode ?? 'open'
  const why = `${domain} is in mode ${mode}`
  if (mode === 'retry-later')
    return { kind: 'refused', reply: replies.domainRetryLater(domain), why, retryLater: domain }
  const way = routeAsOpen(project, peer, from, recipient, time)
  return mode === 'hold' && way.kind !== 'refused' ? { kind: 'held', domain, way, why } : way
}

/** The same as if every domain were open. */
export function routeAsOpen(
  project: Project,
  peer: Peer,
  from: MailFrom,
  recipient: Recipient,
  time: Time = 'first',
): Way | Refused {
  const domain = domainKey(recipient.address.domain)
  if (domain === '' || isThisMachine(domain)) return toLiteral(recipient)
  return (
    ourPostmaster(project, peer, recipient, domain) ??
    inside(project, peer, recipient, domain, time) ??
    outside(peer, from, domain)
  )
}

/** RFC 6761 section 6.3. */
const isThisMachine = (domain: string): boolean => domain === 'localhost' || domain.endsWith('.localhost')

/** An address literal, or the name of this machine, would let anybody who may relay reach servers that only we can reach. */
function toLiteral({ text }: Recipient): Refused {
  return { kind: 'refused', reply: replies.domainNotServed(), why: `${text} names a server, not a domain` }
}

/** RFC 5321 section 4.5.1: everybody reaches the postmaster of this very server, who lives with a tenant, never outside. */
function ourPostmaster(project: Project, peer: Peer, recipient: Recipient, domain: string): Way | Refused | undefined {
  const { hostname, postmaster } = project.gateway
  const { address } = recipient
  if (address.local.toLowerCase() !== 'postmaster' || domain !== domainKey(hostname)) return undefined
  if (postmaster === undefined && project.table.internal(address).entry !== undefined) return undefined
  const way = (postmaster && homeOf(project, postmaster)) ?? firstPostmaster(project)
  return way && (goesRound(peer, recipient, way.tenant, way.to) ?? way)
}

/** Where somebody lives whom we know, or whose domain has a tenant. */
function homeOf(project: Project, address: Address): Inside | undefined {
  const { to, entry } = project.table.internal(address)
  const home = entry && tenantOfDomain(project, domainOf(to))
  if (home !== undefined && entry !== undefined) return person(home, to, entry)
  const domain = domainKey(address.domain)
  const unknown = servedDomain(project, domain)?.unknown
  const tenant = tenantOfDomain(project, domain) ?? (unknown?.kind === 'tenant' && tenantNamed(project, unknown.tenant))
  if (!tenant) return undefined
  return { kind: 'inside', tenant, to: address.text, why: `${address.text} is our postmaster` }
}

function firstPostmaster({ tenants: [tenant] }: Project): Inside | undefined {
  const domain = tenant?.domains[0]
  if (tenant === undefined || domain === undefined) return undefined
  const why = `the postmaster of the first tenant, ${tenant.name}, is ours too`
  return { kind: 'inside', tenant, to: `postmaster@${domain}`, why }
}

function inside(
  project: Project,
  peer: Peer,
  recipient: Recipient,
  domain: string,
  time: Time,
): Way | Refused | undefined {
  const internal = project.table.internal(recipient.address)
  if (internal.entry !== undefined) {
    const home = tenantOfDomain(project, domainOf(internal.to))
    if (home !== undefined) {
      const found = person(home, internal.to, internal.entry)
      return (time === 'first' && goesRound(peer, recipient, home, internal.to)) || found
    }
  }
  const owner = tenantOfDomain(project, domain) ?? bounceHome(project, recipient, domain)
  const isBounce = recipient.address.form !== 'person'
  if (owner !== undefined && (isBounce || asksAnother(project, peer, owner, domain)))
    return unchanged(peer, recipient, owner, isBounce ? 'a bounce address' : 'nobody in the directory')
  return unknownPerson(project, peer, recipient, domain, owner !== undefined)
}

/**
 * A tenant reaches the unknown people of the others. Its own unknown people come to us only where the domain has its
 * mailboxes in two tenants (internal relay, in Exchange's words): then `unknown` says where the others are.
 */
function asksAnother(project: Project, peer: Peer, owner: Tenant, domain: string): boolean {
  if (peer.kind !== 'tenant') return false
  return peer.tenant.name !== owner.name || servedDomain(project, domain)?.unknown.kind !== 'tenant'
}

function person(tenant: Tenant, to: string, entry: Entry): Inside {
  // An entry for many people says the same of each, so that a message to all of them has one reason.
  const who = entry.kind === 'exact' ? to : entry.internal
  const why = `${entry.id} says that ${who} lives in tenant ${tenant.name}`
  return { kind: 'inside', tenant, to, entry, why }
}

function unchanged(peer: Peer, recipient: Recipient, tenant: Tenant, who: string): Way | Refused {
  const to = recipient.text
  const why = `${who}: at ${domainOf(to)} such mail goes to tenant ${tenant.name}`
  return goesRound(peer, recipient, tenant, to) ?? { kind: 'inside', tenant, to, why }
}

/**
 * Going back into the tenant that the message came from is right when the recipient was rewritten, a loop when it was not. A person
 * who moves into that tenant while the message waits lives there by a name that was another's when it was taken: no loop.
 */
function goesRound(peer: Peer, recipient: Recipient, tenant: Tenant, to: string): Refused | undefined {
  if (peer.kind !== 'tenant' || peer.tenant.name !== tenant.name || to !== recipient.text) return undefined
  const why = `${to} came from tenant ${tenant.name} and would go back to it unchanged`
  return { kind: 'refused', reply: replies.loop(), why }
}

/** The internet reaches unknown people only in a domain that the project lists, and there as the project says. */
function unknownPerson(
  project: Project,
  peer: Peer,
  recipient: Recipient,
  domain: string,
  isTenants: boolean,
): Way | Refused | undefined {
  const served = servedDomain(project, domain)
  if (served === undefined && !isTenants) return undefined
  const tenant = served?.unknown.kind === 'tenant' ? tenantNamed(project, served.unknown.tenant) : undefined
  if (tenant !== undefined) return unchanged(peer, recipient, tenant, 'nobody in the directory')
  return {
    kind: 'refused',
    reply: replies.unknownRecipient(),
    why: `${recipient.text} is nobody that the directory knows`,
  }
}

/** Bounce addresses are no people; in a shared domain they find their tenant through the entry that covers the domain. */
function bounceHome(project: Project, recipient: Recipient, domain: string): Tenant | undefined {
  if (recipient.address.form === 'person') return undefined
  const entry = project.table.domainEntry(domain)
  return entry === undefined ? undefined : tenantOfDomain(project, domainOf(entry.internal))
}

function outside(peer: Peer, from: MailFrom, domain: string): Way | Refused {
  if (peer.kind === 'internet') {
    return {
      kind: 'refused',
      reply: replies.relayDenied(),
      why: `a stranger may not send to ${domain}: ${peer.why || 'no connector matches'}`,
    }
  }
  const verdict = mayRelay(peer, from)
  if (verdict.ok) return { kind: 'outside', domain, why: verdict.why }
  return { kind: 'refused', reply: verdict.reply, why: verdict.why }
}

export type Verdict =
  | { readonly ok: true; readonly why: string }
  | { readonly ok: false; readonly reply: Reply; readonly why: string }

/**
 * The relay rule that Exchange Online has had since November 2023: the domain of the certificate or of the envelope
 * sender is one of the tenant's accepted domains; the From field counts for nothing (Microsoft, "Office 365 Message
 * Attribution"). A null sender has no domain: a tenant that proved itself by more than its address may send it.
 */
export function mayRelay(peer: TenantPeer, from: MailFrom): Verdict {
  const { tenant, certificateNames, proofs } = peer
  const own = certificateNames.find((name) => tenant.domains.some((d) => isOrUnder(bare(name), d)))
  if (own !== undefined) return { ok: true, why: `the certificate's ${own} is an accepted domain of ${tenant.name}` }
  if (from.path.kind === 'null') return mayRelayNull(tenant, proofs)
  const domain = domainKey(from.path.address.domain)
  if (tenant.domains.includes(domain))
    return { ok: true, why: `the sender's ${domain} is an accepted domain of ${tenant.name}` }
  if (tenant.alsoSends.includes(domain)) return { ok: true, why: `${tenant.name} also sends as ${domain}` }
  const why = `neither a certificate nor the sender's ${domain} is an accepted domain of ${tenant.name}`
  return { ok: false, reply: replies.senderNotAccepted(), why }
}

function mayRelayNull(tenant: Tenant, proofs: readonly string[]): Verdict {
  if (proofs.includes('certificate') || proofs.includes('secret header')) {
    return { ok: true, why: `a report from ${tenant.name}, which proved itself by more than its address` }
  }
  const why = `a null sender proves nothing and ${tenant.name} is known by its address alone; let its connector present a certificate (from.certificate)`
  return { ok: false, reply: replies.nullSenderByAddress(), why }
}

const bare = (name: string): string => (name.startsWith('*.') ? name.slice(2) : name)
const isOrUnder = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`)
const domainOf = (address: string): string => domainKey(address.slice(address.lastIndexOf('@') + 1))
