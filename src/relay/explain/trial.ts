/** A trial run: the stages of the relay up to the point where something would be sent. */
import { type Content, type Message, readMessage } from '../../mail/message/message.ts'
import { type Entry, type Project, servedDomain } from '../../project/project.ts'
import { type Admission, admit, type Held, type Peer, type Refusal, type Supposition } from '../admit/admit.ts'
import type { Authenticator } from '../authenticate/authenticate.ts'
import { finish, insideFields, type SealNote, type Signing, sealerOf, signingDomain } from '../carry/carry.ts'
import type { Client, Incoming, MailFrom, Recipient } from '../listen/listen.ts'
import { type Delivery, type Given, plan } from '../plan/plan.ts'
import { type Copy, rewrite } from '../rewrite/rewrite.ts'
import type { Signer } from '../sign/sign.ts'
import { type Connection, type NotChecked, originOf } from './origin.ts'

export type { Connection, NotChecked } from './origin.ts'

/** Keys as they lie there now, and a sentence about each that is not there or cannot be used; none is made. */
export type ExistingKeys = (
  project: Project,
  domain: string,
  purpose?: 'seal',
) => { readonly signers: readonly Signer[]; readonly missing: readonly string[] }

export type TrialQuestion = {
  /** Asks the DNS where mail from the internet comes from; it is not asked without it. */
  readonly authenticator?: Authenticator
  readonly connection: Connection
  readonly project: Project
  readonly supposed: Supposition
  readonly mailFrom: MailFrom
  readonly recipients: readonly Recipient[]
  readonly raw: Buffer
  readonly keys: ExistingKeys
  readonly passKey: Buffer
  readonly now: Date
}

export type ExplainedAddress = { readonly given: string; readonly rewritten: string; readonly entry: string | null }
export type ExplainedDelivery = {
  readonly side: 'inside' | 'outside'
  readonly by: Delivery['by']
  readonly tenant?: string
  readonly nextHop: { readonly host: string; readonly port: number }
  readonly mailFrom: ExplainedAddress
  readonly recipients: readonly ExplainedAddress[]
  readonly changes: readonly {
    readonly field: string
    readonly old: string
    readonly new: string
    readonly entry: string
  }[]
  readonly signed: readonly { readonly domain: string; readonly selector: string }[]
  readonly file?: string
  readonly reasons: readonly string[]
}
export type Explanation = {
  readonly peer: string
  readonly refused?: { readonly code: number; readonly enhanced: string; readonly text: string; readonly why: string }
  /** Present where the prediction leaves a check out. */
  readonly notChecked?: NotChecked
  readonly deliveries: readonly ExplainedDelivery[]
  readonly reasons: readonly string[]
}
export type Tried = { readonly explanation: Explanation; readonly copies: readonly Content[] }

export async function tryOut(question: TrialQuestion): Promise<Tried> {
  const { project, supposed, mailFrom, recipients, raw, passKey, now } = question
  const message = readMessage(raw)
  const admitted = admit(project, supposed, mailFrom, recipients, message, passKey, now)
  const { admission, reasons, notChecked } = await originOf(question, message, admitted)
  const { deliveries } = plan({ project, mailFrom, ...admission })
  const explained = await Promise.all(
    deliveries.map((delivery) => explainDelivery(question, message, admission, delivery)),
  )
  const refused = refusedPart(admission.refusals)
  return {
    explanation: {
      peer: peerName(admission.peer),
      ...(refused === undefined ? {} : { refused }),
      ...(notChecked === undefined ? {} : { notChecked }),
      deliveries: explained.map((e) => e.delivery),
      reasons: [
        peerReason(admission.peer),
        ...admission.held.map(heldReason),
        ...admission.refusals.map(refusalReason),
        ...reasons,
      ],
    },
    copies: explained.map((e) => e.content),
  }
}

async function explainDelivery(question: TrialQuestion, message: Message, admission: Admission, delivery: Delivery) {
  const { project, passKey, now } = question
  const copy = rewrite(project, message, delivery.view, admission.peer.kind)
  const signing = signingDomain(project, admission, delivery, copy)
  const keys = signing.kind === 'not' ? { signers: [], missing: [] } : question.keys(project, signing.domain)
  const incoming = incomingOf(question)
  const sealer = await sealerOf({ project, admission, delivery }, async (name) => question.keys(project, name, 'seal'))
  const inside = await insideFields({ project, admission, delivery, copy, now }, copy.body, sealer)
  const content = await finish(
    {
      project,
      incoming,
      admission,
      delivery,
      copy,
      passKey,
      id: 'explain',
      now,
      arrivedAt: now,
      message,
      inside: inside.text,
    },
    copy.body,
    keys.signers,
  )
  return {
    content,
    delivery: describe(project, delivery, copy, signing, [...keys.missing, ...sealReason(inside.seal)]),
  }
}

function describe(
  project: Project,
  delivery: Delivery,
  copy: Copy,
  signing: Signing,
  aboutKeys: readonly string[],
): ExplainedDelivery {
  return {
    side: delivery.side,
    by: delivery.by,
    ...(delivery.tenant === undefined ? {} : { tenant: delivery.tenant.name }),
    nextHop: { host: delivery.nextHop.host, port: delivery.nextHop.port },
    mailFrom: address(delivery.mailFrom),
    recipients: delivery.recipients.map(address),
    changes: copy.changes,
    signed: signing.kind === 'not' ? [] : selectorsOf(project, signing.domain),
    reasons: [
      ...delivery.reasons,
      ...copy.left.map(({ field, why }) => `${field} is left as it is: ${why}`),
      ...(signing.kind === 'not' ? [`not signed: ${signing.why}`] : []),
      ...aboutKeys,
    ],
  }
}

function sealReason(seal: SealNote): readonly string[] {
  if (seal === undefined) return []
  return seal.kind === 'not'
    ? [`not sealed: ${seal.why}`]
    : [`sealed for ${seal.signer.domain} (ARC i=${seal.instance}, selector ${seal.signer.selector})`]
}

function selectorsOf(project: Project, domain: string): ExplainedDelivery['signed'] {
  const dkim = servedDomain(project, domain)?.dkim
  if (dkim === undefined) return []
  const both = dkim.ed25519 === undefined ? [dkim] : [dkim, dkim.ed25519]
  return both.map(({ selector }) => ({ domain, selector }))
}

const address = ({ given, rewritten, entry }: Given & { readonly entry?: Entry }): ExplainedAddress => ({
  given,
  rewritten,
  entry: entry?.id ?? null,
})

/** The connection of an explanation has no address of its own; documentation addresses stand in (RFC 5737). */
const client: Client = {
  id: 'explain',
  address: '192.0.2.1',
  port: 0,
  localPort: 25,
  helo: 'explain.invalid',
  esmtp: true,
}

const incomingOf = ({ connection, mailFrom, recipients, raw }: TrialQuestion): Incoming => ({
  client: { ...client, address: connection.address || client.address, helo: connection.helo || client.helo },
  mailFrom,
  recipients,
  raw,
  via: 'DATA',
})

const peerName = (peer: Peer): string => (peer.kind === 'tenant' ? `tenant:${peer.tenant.name}` : 'internet')

function peerReason(peer: Peer): string {
  if (peer.kind === 'tenant') return `it comes from tenant ${peer.tenant.name}, known by ${peer.proofs.join(' and ')}`
  return peer.why === '' ? 'it comes from the internet' : `it comes from the internet (${peer.why})`
}

function refusedPart(refusals: readonly Refusal[]): Explanation['refused'] {
  const [first] = refusals
  return first && { ...first.reply, why: first.why }
}

const heldReason = ({ recipient, why, route }: Held): string =>
  `mail for ${recipient.text} is kept until it is released: ${why}; it would go: ${route.why}`

const refusalReason = ({ recipient, reply, why }: Refusal): string =>
  `${recipient === undefined ? 'the message' : recipient.text} is refused, ${reply.code} ${reply.enhanced}: ${why}`
