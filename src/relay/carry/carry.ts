/**
 * Carries one delivery: our own fields above the copy, the signature, one attempt at the next hop.
 *
 * Promises: one outcome for each recipient of the delivery, in order; what is signed is what is sent.
 * Never: signs for the internet, for a From with two readings, or for a domain that we hold no key for.
 * On failure: a key or a question to DNS that cannot be had now is a deferral with its reason, never a shortcut.
 */
import { domainKey } from '../../mail/address/address.ts'
import { headerText } from '../../mail/header/header.ts'
import { type Content, hasBareLineEnds, type Message, normaliseLineEnds } from '../../mail/message/message.ts'
import { replies } from '../../mail/reply/reply.ts'
import type { NextHop, Project } from '../../project/project.ts'
import type { Admission } from '../admit/admit.ts'
import type { Attempt, Deliverer, Outcome } from '../deliver/deliver.ts'
import type { Incoming } from '../listen/listen.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Record } from '../record/record.ts'
import type { Copy } from '../rewrite/rewrite.ts'
import { type Signer, sign } from '../sign/sign.ts'
import { type OurFields, ourFields } from './our-fields.ts'
import { signingDomain } from './signing-domain.ts'

export { signingDomain } from './signing-domain.ts'

/** The keys for a domain, or why they cannot be had now. */
export type KeyRing = { signers(project: Project, domain: string): Promise<readonly Signer[] | { readonly trouble: string }> }

/** The hosts that take mail for a domain, best first. */
export type MxLookup = (domain: string) => Promise<
  | { readonly kind: 'found'; readonly hosts: readonly string[] }
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }
>

export type Load = {
  readonly project: Project
  readonly incoming: Incoming
  readonly message: Message
  readonly admission: Admission
  readonly delivery: Delivery
  readonly copy: Copy
  readonly record: Record
}
export type Finish = OurFields & { readonly message: Message }
export type Carrier = { carry(load: Load): Promise<readonly Outcome[]> }
export type CarrierParts = {
  readonly deliverer: Deliverer
  readonly keys: KeyRing
  readonly mailHosts: MxLookup
  readonly passKey: Buffer
  readonly now: () => Date
}

export function makeCarrier(parts: CarrierParts): Carrier {
  return { carry: (load) => carry(parts, load) }
}

async function carry(parts: CarrierParts, load: Load): Promise<readonly Outcome[]> {
  const { delivery, record } = load
  const hops = await hopsOf(parts, delivery, load.project)
  if (!Array.isArray(hops)) return record.carried(delivery, same(delivery, hops))
  const body = await bodyFor(parts, load, hops[0] ?? delivery.nextHop)
  const content = await finished(parts, load, body)
  if ('kind' in content) return record.carried(delivery, same(delivery, content))
  const outcomes = await parts.deliverer.attempt(attemptOf(load, hops, content.content))
  return record.carried(delivery, spread(delivery, outcomes))
}

/** The copy with our fields on top and its signatures; an outcome when it must not leave now. */
async function finished(parts: CarrierParts, load: Load, body: Content): Promise<{ readonly content: Content } | Outcome> {
  const { project, admission, delivery, copy, record } = load
  const domain = signingDomain(project, admission.peer, delivery, copy)
  const signers = domain === undefined ? [] : await parts.keys.signers(project, domain)
  if ('trouble' in signers) return deferred(delivery, signers.trouble)
  const content = await finish({ ...load, passKey: parts.passKey, id: record.id, now: parts.now() }, body, signers)
  for (const signer of signers) record.signed(delivery, signer)
  return { content }
}

/** The bytes that leave: signatures, our fields, the copy. Our own fields are not signed; the next hop may add to them. */
export async function finish(of: Finish, body: Content, signers: readonly Signer[]): Promise<Content> {
  const signatures = signers.length === 0 ? [] : await sign(of.copy.header, body, signers, of.now)
  const head = signatures.join('') + ourFields(of) + headerText(of.copy.header) + separator(of.message)
  return [Buffer.from(head, 'latin1'), ...body]
}

/** The empty line before the body, where the message had one. */
function separator(message: Message): string {
  return headerText(message.header).length < message.bodyStart ? '\r\n' : ''
}

/**
 * What came by BDAT with bare line ends goes on by BDAT as it is; where the next hop does not take that, it is normalised
 * first and signed afterwards (RFC 3030; Exchange Online sends such mail).
 */
async function bodyFor(parts: CarrierParts, { incoming, copy }: Load, hop: NextHop): Promise<Content> {
  if (incoming.via !== 'BDAT' || !hasBareLineEnds(incoming.raw)) return copy.body
  const offers = await parts.deliverer.offers(hop)
  return 'trouble' in offers || offers.chunking ? copy.body : [normaliseLineEnds(Buffer.concat(copy.body))]
}

async function hopsOf(parts: CarrierParts, delivery: Delivery, project: Project): Promise<readonly NextHop[] | Outcome> {
  if (delivery.by !== 'direct') return [delivery.nextHop]
  const found = await parts.mailHosts(delivery.nextHop.host)
  if (found.kind === 'unknown') return deferred(delivery, found.why)
  if (found.kind === 'none') return refused(delivery, replies.noMailHost(delivery.nextHop.host), found.why)
  if (found.hosts.some((host) => domainKey(host) === domainKey(project.gateway.hostname))) {
    return refused(delivery, replies.loop(), `the MX of ${delivery.nextHop.host} points back at this gateway`)
  }
  return found.hosts.map((host) => ({ ...delivery.nextHop, host, serverName: host }))
}

function attemptOf({ project, incoming, delivery }: Load, hops: readonly NextHop[], content: Content): Attempt {
  const { mailFrom } = incoming
  return {
    hop: hops,
    mailFrom: delivery.mailFrom.rewritten,
    recipients: unique(delivery).map(({ rewritten, recipient }) => ({
      address: rewritten,
      ...(recipient.notify === undefined ? {} : { notify: recipient.notify }),
      ...originalRecipient(rewritten, recipient.text, recipient.orcpt),
    })),
    content,
    body: mailFrom.body,
    smtputf8: mailFrom.smtputf8,
    via: incoming.via,
    helo: project.gateway.hostname,
    ...(mailFrom.ret === undefined ? {} : { ret: mailFrom.ret }),
    ...(mailFrom.envid === undefined ? {} : { envid: mailFrom.envid }),
  }
}

/** A report shall name the address that was written to (RFC 3461 section 4.2), so a mapped recipient keeps it as ORCPT. */
function originalRecipient(rewritten: string, written: string, orcpt: string | undefined): { readonly orcpt?: string } {
  if (orcpt !== undefined) return { orcpt }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: xtext names the ASCII range
  if (rewritten === written || !/^[\x21-\x7e]+$/.test(written)) return {}
  const xtext = written.replaceAll(/[+=]/g, (c) => `+${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return { orcpt: `rfc822;${xtext}` }
}

/** Two addresses of one person are one recipient of the copy. */
function unique(delivery: Delivery): Delivery['recipients'] {
  const seen = new Map(delivery.recipients.map((r) => [r.rewritten, r]))
  return [...seen.values()]
}

function spread(delivery: Delivery, outcomes: readonly Outcome[]): readonly Outcome[] {
  const byAddress = new Map(unique(delivery).map((r, i) => [r.rewritten, outcomes[i]]))
  return delivery.recipients.map((r) => byAddress.get(r.rewritten) ?? deferred(delivery, 'the next hop gave no outcome for this recipient'))
}

const same = (delivery: Delivery, outcome: Outcome): readonly Outcome[] => delivery.recipients.map(() => outcome)

const remote = (delivery: Delivery): string => `${delivery.nextHop.host}:${delivery.nextHop.port}`
const deferred = (delivery: Delivery, why: string): Outcome => ({ kind: 'deferred', reply: replies.tryLater(), remote: remote(delivery), tls: '', why })
const refused = (delivery: Delivery, reply: Outcome['reply'], why: string): Outcome => ({ kind: 'refused', reply, remote: remote(delivery), tls: '', why })
