/**
 * Admission: whose message is it, may it be sent, and where may it go?
 *
 * Promises: the internet writes to people and domains that the project serves, a tenant also to the outside, by the relay
 *   rule. What is known only after DATA decides after DATA, for every recipient again.
 * Never: trusts an address, Microsoft's own certificate, or the From field as a proof of a tenant.
 * On failure: a refusal carries the reply for the sender and the exact reason for the trace.
 */
import { type FromReading, readFrom } from '../../mail/header/header.ts'
import type { Message } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Project } from '../../project/project.ts'
import type { Authentication } from '../authenticate/authenticate.ts'
import type { MailFrom, Recipient } from '../listen/listen.ts'
import { attribute, awaitsHeader, type Peer, type Supposition } from './attribute.ts'
import { loopProblem } from './loops.ts'
import { type Pass, readPass } from './pass.ts'
import { route, type Way } from './route.ts'

export { type Peer, proofFields, type Supposition, suppose, supposeTenant, type TenantPeer } from './attribute.ts'
export { type Direction, issuePass, type Pass, passField } from './pass.ts'
export { inRanges } from './ranges.ts'
export { type Route, route, routeAsOpen, type Way } from './route.ts'
export { standing, wantsCertificate } from './standing.ts'

export type Refusal = {
  readonly reply: Reply
  readonly why: string
  readonly recipient?: Recipient
  /** The recipient's domain says retry-later: the attempt goes into the ledger. */
  readonly retryLater?: string
}
export type Routed = { readonly recipient: Recipient; readonly route: Way }
/** The domain is on hold; `why` says so, `route` is where it would go. */
export type Held = Routed & { readonly why: string }
export type Admission = {
  readonly peer: Peer
  readonly from: FromReading
  readonly pass: Pass | undefined
  readonly routed: readonly Routed[]
  readonly held: readonly Held[]
  readonly refusals: readonly Refusal[]
  /** Of mail from the internet, once it was asked for: where it comes from. */
  readonly authentication?: Authentication
}

type Known = Pick<Admission, 'peer' | 'from' | 'pass'>

/** At RCPT: refuses what no supposition can make right. The message itself is judged by `admit`. */
export function admitRecipient(
  project: Project,
  supposed: Supposition,
  from: MailFrom,
  recipient: Recipient,
): Refusal | undefined {
  const isSettled = supposed.peers.some((peer) => !awaitsHeader(peer.tenant))
  const peers: Peer[] = isSettled ? [...supposed.peers] : [...supposed.peers, { kind: 'internet', why: supposed.why }]
  const ways = peers.map((peer) => route(project, peer, from, recipient))
  const refused = ways.filter((way) => way.kind === 'refused')
  const [first] = refused
  return first === undefined || refused.length < ways.length ? undefined : refusalOf(first, recipient)
}

/** After DATA: the peer is known, the message is judged, and each recipient has its way or its refusal. */
export function admit(
  project: Project,
  supposed: Supposition,
  from: MailFrom,
  recipients: readonly Recipient[],
  message: Message,
  passKey: Buffer,
  now: Date,
): Admission {
  const peer = attribute(supposed, message.header)
  const sender = readFrom(message.header)
  const pass = passOf(project, peer, message, passKey, now)
  const known = { peer, from: sender, pass }
  const problem = messageProblem(project, known, message)
  if (problem !== undefined) return { ...known, routed: [], held: [], refusals: [problem] }
  return { ...known, ...routeAll(project, peer, from, recipients) }
}

/** Our own work, when the tenant that it was handed to sends it back. */
function passOf(project: Project, peer: Peer, message: Message, passKey: Buffer, now: Date): Pass | undefined {
  if (peer.kind !== 'tenant') return undefined
  const pass = readPass(passKey, message.header, now.getTime())
  return pass?.project === project.name && pass.tenant === peer.tenant.name ? pass : undefined
}

/** Routes without a message, as `explain` does when it was given none. */
export function routeAll(project: Project, peer: Peer, from: MailFrom, recipients: readonly Recipient[]) {
  const routed: Routed[] = []
  const held: Held[] = []
  const refusals: Refusal[] = []
  for (const recipient of recipients) {
    const way = route(project, peer, from, recipient)
    if (way.kind === 'refused') refusals.push(refusalOf(way, recipient))
    else if (way.kind === 'held') held.push({ recipient, route: way.way, why: way.why })
    else routed.push({ recipient, route: way })
  }
  return { routed, held, refusals }
}

const refusalOf = ({ reply, why, retryLater }: Omit<Refusal, 'recipient'>, recipient: Recipient): Refusal => ({
  reply,
  why,
  recipient,
  ...(retryLater === undefined ? {} : { retryLater }),
})

function messageProblem(project: Project, { peer, from, pass }: Known, message: Message): Refusal | undefined {
  const loop = loopProblem(message.header, project.gateway.hostname)
  if (loop !== undefined) return loop
  if (from.kind === 'one' || project.policy.ambiguousFrom === 'pass') return undefined
  // From the internet it claims none of our names; with our pass we have read it before, when it had one reading.
  if (peer.kind === 'internet' || pass !== undefined) return undefined
  return { reply: replies.ambiguousFrom(), why: from.why }
}
