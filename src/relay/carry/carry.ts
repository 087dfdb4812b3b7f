/**
 * Carries one delivery: our own fields above the copy, the signature, one attempt at the next hop.
 *
 * Promises: one outcome for each recipient of the delivery, in order; what is signed is what is sent.
 * Never: signs for the internet, for a From with two readings, or for a domain that we hold no key for.
 * On failure: a key or a question to DNS that cannot be had now is a deferral with its reason, never a shortcut.
 */
import { mailHosts, type Resolver } from '../../dns/dns.ts'
import { headerText } from '../../mail/header/header.ts'
import { type Content, hasBareLineEnds, type Message, normaliseLineEnds } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { NextHop, Project } from '../../project/project.ts'
import type { Admission } from '../admit/admit.ts'
import { type Attempt, type Deliverer, meaningOf, type Outcome, type Probed } from '../deliver/deliver.ts'
import type { Incoming } from '../listen/listen.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Steps } from '../record/record.ts'
import type { Copy } from '../rewrite/rewrite.ts'
import { type Signer, sign } from '../sign/sign.ts'
import { insideFields, sealerOf } from './inside-fields.ts'
import { originalRecipient } from './original-recipient.ts'
import { type OurFields, ourFields } from './our-fields.ts'
import { signingDomain } from './signing-domain.ts'

export { insideFields, type SealNote, sealerOf } from './inside-fields.ts'
export { type Signing, signingDomain } from './signing-domain.ts'

/** The keys for a domain, or why they cannot be had now. */
export type KeyRing = {
  signers(
    project: Project,
    domain: string,
    /** The key of an ARC seal where the gateway has one of its own; the domain's DKIM keys otherwise. */
    purpose?: 'seal',
  ): Promise<{ readonly signers: readonly Signer[] } | { readonly trouble: string }>
}

export type Load = {
  readonly project: Project
  readonly incoming: Incoming
  readonly message: Message
  readonly admission: Admission
  readonly delivery: Delivery
  readonly copy: Copy
  readonly record: Steps
  /** For our Received field; a copy out of the queue says when the message came. */
  readonly arrivedAt: Date
}
export type Finish = OurFields & {
  readonly message: Message
  /** Text for the top of a copy for the inside (`insideFields`). */
  readonly inside: string
}
export type Carrier = {
  /** At the deadline the outcomes that are still open are told as `Deliverer.attempt` says. */
  carry(load: Load, deadline?: AbortSignal): Promise<readonly Outcome[]>
  /** Would the next hop take mail for these recipients? Nothing is sent. */
  probe(project: Project, delivery: Delivery, deadline?: AbortSignal): Promise<readonly Probed[]>
}
export type CarrierParts = {
  readonly deliverer: Deliverer
  readonly keys: KeyRing
  readonly resolver: Resolver
  readonly passKey: Buffer
  readonly now: () => Date
}

export function makeCarrier(parts: CarrierParts): Carrier {
  return {
    carry: (load, deadline) => carry(parts, load, deadline),
    probe: (project, delivery, deadline) => probe(parts, project, delivery, deadline),
  }
}

async function probe(
  parts: CarrierParts,
  project: Project,
  delivery: Delivery,
  deadline: AbortSignal | undefined,
): Promise<readonly Probed[]> {
  const found = await hopsOf(parts, delivery, project)
  const addresses = delivery.recipients.map((recipient) => recipient.rewritten)
  if (found.kind === 'hops') return parts.deliverer.probe(found.hops, delivery.mailFrom.rewritten, addresses, deadline)
  const { kind, reply, why } = found.outcome
  return addresses.map(() => ({ kind: kind === 'refused' ? kind : 'unknown', reply, why }))
}

async function carry(parts: CarrierParts, load: Load, deadline: AbortSignal | undefined): Promise<readonly Outcome[]> {
  const { delivery, record } = load
  const found = await hopsOf(parts, delivery, load.project)
  if (found.kind === 'none') return record.carried(delivery, same(delivery, found.outcome))
  const finished = await finishedCopy(parts, load, found.hops)
  if (finished.kind === 'trouble') return record.carried(delivery, same(delivery, finished.outcome))
  const outcomes = await parts.deliverer.attempt(attemptOf(load, found.hops, finished.content), deadline)
  return record.carried(delivery, spread(delivery, outcomes.map(ourFault(delivery))))
}

/**
 * A host that the project names refuses for good what its operator can mend, such as a connector that does not match, or
 * because a limit is reached: that is no reason to send mail back (docs/flow.md, "dispatch"). A stranger's word is his own.
 */
function ourFault({ by }: Delivery): (outcome: Outcome) => Outcome {
  const isOurs = by !== 'direct'
  const softened = (outcome: Outcome): Outcome =>
    isOurs && outcome.kind === 'refused' && meaningOf(outcome.reply) !== undefined
      ? { ...outcome, kind: 'deferred' }
      : outcome
  return (outcome) => {
    const { later, ...rest } = softened(outcome)
    return later === undefined ? rest : { ...rest, later: later.then(softened) }
  }
}

type Finished =
  | { readonly kind: 'content'; readonly content: Content }
  | { readonly kind: 'trouble'; readonly outcome: Outcome }

/** The copy with our fields on top and its signatures; an outcome when it must not leave now. */
async function finishedCopy(parts: CarrierParts, load: Load, hops: readonly NextHop[]): Promise<Finished> {
  const { project, admission, delivery, copy, record } = load
  const signing = signingDomain(project, admission, delivery, copy)
  const ring = signing.kind === 'not' ? { signers: [] } : await parts.keys.signers(project, signing.domain)
  if ('trouble' in ring) return { kind: 'trouble', outcome: { ...deferred(delivery, ring.trouble), ours: true } }
  const sealer = await sealerOf(load, (domain) => parts.keys.signers(project, domain, 'seal'))
  const body = await bodyFor(parts, load, hops, ring.signers.length > 0 || sealer?.kind === 'signer')
  if (body === undefined) {
    const why = 'it came by BDAT with NUL, and the next hop has no CHUNKING'
    const outcome = outcomeAt(delivery.nextHop, 'refused', replies.nextHopLacksBinary(), why)
    return { kind: 'trouble', outcome: { ...outcome, ours: true } }
  }
  const now = parts.now()
  const inside = await insideFields({ ...load, now }, body, sealer)
  const of = { ...load, passKey: parts.passKey, id: record.id, now, inside: inside.text }
  const content = await finish(of, body, ring.signers)
  record.sealed(delivery, inside.seal)
  if (signing.kind === 'not') record.unsigned(delivery, signing.why)
  for (const signer of ring.signers) record.signed(delivery, signer)
  return { kind: 'content', content }
}

/** The bytes that leave: signatures, our fields, the copy. Our own fields are not signed; the next hop may add to them. */
export async function finish(of: Finish, body: Content, signers: readonly Signer[]): Promise<Content> {
  const signatures = signers.length === 0 ? [] : await sign(of.copy.header, body, signers, of.now)
  const head = of.inside + signatures.join('') + ourFields(of) + headerText(of.copy.header) + separator(of.message)
  return [Buffer.from(head, 'latin1'), ...body]
}

/** The empty line before the body, where the message had one. */
function separator(message: Message): string {
  return headerText(message.header).length < message.bodyStart ? '\r\n' : ''
}

/**
 * What came by BDAT with bare line ends goes on by BDAT as it is (RFC 3030; Exchange Online sends such mail). It is
 * normalised first where the next hop does not take that, and where we sign: a server that stores lines would break a
 * signature over anything else (docs/decisions/bare-line-ends.md). undefined: it cannot be sent without changing more.
 */
async function bodyFor(
  parts: CarrierParts,
  { incoming, copy }: Load,
  [hop]: readonly NextHop[],
  isSigned: boolean,
): Promise<Content | undefined> {
  if (hop === undefined || incoming.via !== 'BDAT' || !hasBareLineEnds(incoming.raw)) return copy.body
  const offers = await parts.deliverer.offers(hop)
  if ('trouble' in offers) return copy.body
  const hasNul = copy.body.some((piece) => piece.includes(0))
  if (hasNul) return offers.chunking ? copy.body : undefined
  return offers.chunking && !isSigned ? copy.body : [normaliseLineEnds(Buffer.concat(copy.body))]
}

async function hopsOf({ resolver }: CarrierParts, { by, nextHop }: Delivery, project: Project): Promise<Hops> {
  if (by !== 'direct') return { kind: 'hops', hops: [nextHop] }
  const found = await mailHosts(resolver, nextHop.host, project.gateway.hostname)
  switch (found.kind) {
    case 'found':
      return { kind: 'hops', hops: found.value.map((host) => ({ ...nextHop, host, serverName: host })) }
    case 'absent':
      return { kind: 'none', outcome: outcomeAt(nextHop, 'refused', replies.noMailHost(nextHop.host), found.why ?? '') }
    case 'unknown': {
      const outcome = outcomeAt(nextHop, 'deferred', replies.dnsTrouble(nextHop.host), found.why)
      return { kind: 'none', outcome: { ...outcome, unreached: true } }
    }
  }
}

type Hops =
  | { readonly kind: 'hops'; readonly hops: readonly NextHop[] }
  | { readonly kind: 'none'; readonly outcome: Outcome }

function attemptOf({ project, incoming, delivery }: Load, hops: readonly NextHop[], content: Content): Attempt {
  const { mailFrom } = incoming
  return {
    hop: hops,
    mailFrom: delivery.mailFrom.rewritten,
    recipients: unique(delivery).map(({ rewritten, recipient }) => ({
      address: rewritten,
      ...(recipient.notify === undefined ? {} : { notify: recipient.notify }),
      ...originalRecipient(project, delivery.view, rewritten, recipient),
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

/** Two addresses of one person are one recipient of the copy. */
function unique(delivery: Delivery): Delivery['recipients'] {
  const first = new Map<string, Delivery['recipients'][number]>()
  // The first that was written to is the one that a report shall name.
  for (const recipient of delivery.recipients)
    if (!first.has(recipient.rewritten)) first.set(recipient.rewritten, recipient)
  return [...first.values()]
}

function spread(delivery: Delivery, outcomes: readonly Outcome[]): readonly Outcome[] {
  const byAddress = new Map(unique(delivery).map((r, i) => [r.rewritten, outcomes[i]]))
  return delivery.recipients.map(
    (r) => byAddress.get(r.rewritten) ?? deferred(delivery, 'the next hop gave no outcome for this recipient'),
  )
}

const same = (delivery: Delivery, outcome: Outcome): readonly Outcome[] => delivery.recipients.map(() => outcome)

const deferred = (delivery: Delivery, why: string): Outcome =>
  outcomeAt(delivery.nextHop, 'deferred', replies.tryLater(), why)

const outcomeAt = (hop: NextHop, kind: Outcome['kind'], reply: Reply, why: string): Outcome => ({
  kind,
  reply,
  remote: `${hop.host}:${hop.port}`,
  tls: '',
  why,
})
