/**
 * A message in, a message out: the main path, told in the order of docs/flow.md.
 *
 * Promises: 250 means that every recipient's next hop has the message, or the queue has it on disk. A sender that is asked to
 *   come back is not sent to a recipient twice; that it was asked by a domain that stands still is written down first.
 * Never: changes, signs or sends before the message was admitted; mixes two versions of the routing table in one message.
 * On failure: each refusal and each deferral has a reply for the sender and an exact reason in the trace; an exception is
 *   the listener's 451 4.3.0.
 */
import { fieldValue, first, unfold } from '../mail/header/header.ts'
import { hasBareLineEnds, type Message, normaliseLineEnds, readMessage } from '../mail/message/message.ts'
import { type Reply, replies } from '../mail/reply/reply.ts'
import type { Project } from '../project/project.ts'
import type { Queue } from '../queue/queue.ts'
import {
  type Admission,
  admit,
  admitRecipient,
  type Refusal,
  type Supposition,
  standing,
  suppose,
  wantsCertificate,
} from './admit/admit.ts'
import { type Authenticator, verdictOn } from './authenticate/authenticate.ts'
import type { Carrier, Load } from './carry/carry.ts'
import type { Outcome } from './deliver/deliver.ts'
import type { Backend, Client, Incoming, MailFrom, Recipient, Soon } from './listen/listen.ts'
import { plan, type View } from './plan/plan.ts'
import { makePressure, type PressureParts } from './pressure.ts'
import type { Record, Recorder } from './record/record.ts'
import { type Copy, rewrite } from './rewrite/rewrite.ts'
import { type Matter, type Settler, settle } from './settle/settle.ts'

export { queuePart } from './pressure.ts'

export type Relay = {
  /** The project as it is now; a message asks once and stays with the answer. */
  readonly project: () => Project | undefined
  readonly authenticator: Authenticator
  readonly carrier: Carrier
  readonly settler: Settler
  readonly recorder: Recorder
  readonly queue: Pick<Queue, 'now' | 'attempted' | 'cameBack'>
  readonly pressure: PressureParts
  /** 32 bytes; seals the pass. */
  readonly passKey: Buffer
  readonly now: () => Date
}

/** The gateway as the listener sees it. */
export function makeBackend(relay: Relay): Backend {
  const pressure = makePressure(relay.pressure)
  return {
    standing: (client) => standing(relay.project(), client, relay.now()),
    wantsCertificate: (client) => wantsCertificate(relay.project(), client),
    mail: () => (relay.project() === undefined ? replies.tryLater() : pressure()),
    rcpt: (client, from, to) => recipientReply(relay, client, from, to),
    message: (incoming) => relayMessage(relay, incoming),
    refused: (client, what, reply) => relay.recorder.protocolError(client, what, reply),
  }
}

async function relayMessage(relay: Relay, came: Incoming): Promise<Reply> {
  const project = relay.project()
  if (project === undefined) return replies.tryLater()
  const incoming = readable(came)
  const message = readMessage(incoming.raw)
  const about = describe(message)
  const record = relay.recorder.begin(incoming, about, project.table.version)
  try {
    return await throughStages(relay, { project, incoming, message, about, record })
  } catch (error) {
    record.broke(error)
    throw error
  }
}

type Arrived = Pick<Matter, 'project' | 'incoming' | 'message' | 'about' | 'record'>

async function throughStages(relay: Relay, arrived: Arrived): Promise<Reply> {
  const { project, incoming, message, record } = arrived
  const { client, mailFrom, recipients } = incoming
  const arrivedAt = relay.now()
  const supposed = supposition(project, client, arrivedAt)
  const admitted = admit(project, supposed, mailFrom, recipients, message, relay.passKey, arrivedAt)
  record.received(admitted.peer, isUnproven(supposed, admitted))
  const admission = await withOrigin(relay, project, incoming, message, admitted, record)
  if (admission.refusals.length > 0) return refuse(relay, incoming, admission, record)

  const question = { project, mailFrom, ...admission }
  const { deliveries } = plan(question)
  const { deliveries: heldDeliveries } = plan({ ...question, routed: admission.held })
  const carry = carrying(relay, { project, incoming, message, admission, arrivedAt, record })
  const lateAtOnce = (recipient: Recipient): void => {
    relay.recorder.lateAtOnce()
    noteDone(relay, mailFrom, [recipient])
  }
  const matter = { ...arrived, admission, deliveries, heldDeliveries, arrivedAt, carry, lateAtOnce }
  const { reply, tally, done } = await settle(relay.settler, matter)
  noteDone(relay, mailFrom, done)
  return record.answered(reply, tally)
}

/** Others share what the tenant's connector demands of a connection, and write to us too: only what they may not is worth an alarm. */
const isUnproven = (supposed: Supposition, { peer, refusals }: Admission): boolean =>
  peer.kind === 'internet' && supposed.peers.length > 0 && refusals.some(({ reply }) => reply.enhanced === '5.7.1')

/** One copy for each view: deliveries that look the same share it, and the hash of its body. */
function carrying(relay: Relay, load: Omit<Load, 'delivery' | 'copy'>): Matter['carry'] {
  const copies = new Map<View, Copy>()
  return async (delivery, deadline) => {
    const copy =
      copies.get(delivery.view) ?? rewrite(load.project, load.message, delivery.view, load.admission.peer.kind)
    copies.set(delivery.view, copy)
    load.record.rewritten(delivery, copy)
    const attempt = relay.carrier.carry({ ...load, delivery, copy }, deadline)
    load.incoming.inHandUntil?.(attempt.then(lastOf))
    return attempt
  }
}

/** An attempt may go on when its sender has been answered. */
const lastOf = (outcomes: readonly Outcome[]): Promise<unknown> =>
  Promise.allSettled(outcomes.flatMap((outcome) => outcome.later ?? []))

/**
 * The whole message is refused before any of it is sent or kept. Where one recipient is to be tried later, so are all: the
 * others are refused at RCPT next time.
 */
async function refuse(relay: Relay, incoming: Incoming, { refusals }: Admission, record: Record): Promise<Reply> {
  const { client, mailFrom, recipients } = incoming
  for (const refusal of refusals) await writeAttempt(relay, client, mailFrom, refusal)
  const telling = refusals.find(({ reply }) => reply.code < 500) ?? refusals[0]
  if (telling !== undefined && telling.reply.code >= 500) noteDone(relay, mailFrom, recipients)
  return record.rejected(refusals, telling?.reply ?? replies.internalError())
}

/** Of mail from the internet: where it comes from, checked before anything is changed, and what the project makes of that. */
async function withOrigin(
  { authenticator }: Relay,
  project: Project,
  { client, mailFrom, recipients }: Incoming,
  message: Message,
  admission: Admission,
  record: Record,
): Promise<Admission> {
  if (admission.peer.kind !== 'internet' || admission.refusals.length > 0) return admission
  const { hostname } = project.gateway
  const authentication = await authenticator.authenticate({ client, mailFrom, message, hostname })
  const verdict = verdictOn(project.policy, authentication)
  record.authenticated(authentication, verdict)
  const refusals = verdict.kind === 'passes' ? [] : recipients.map((recipient) => ({ ...verdict, recipient }))
  return { ...admission, authentication, refusals }
}

function recipientReply(relay: Relay, client: Client, from: MailFrom, to: Recipient): Soon<Reply | undefined> {
  const project = relay.project()
  if (project === undefined) return replies.tryLater()
  const refusal: Refusal | undefined = admitRecipient(project, supposition(project, client, relay.now()), from, to)
  if (refusal === undefined) return undefined
  relay.recorder.recipientRefused(client, from, refusal)
  if (refusal.reply.code >= 500) noteDone(relay, from, [to])
  if (refusal.retryLater === undefined) return refusal.reply
  return writeAttempt(relay, client, from, refusal).then(() => refusal.reply)
}

/** For the ledger: whoever was asked to come back for them has come, and has the last word. No, too, is told to its sender. */
function noteDone({ queue }: Relay, from: MailFrom, recipients: readonly Recipient[]): void {
  for (const { text } of recipients) queue.cameBack(from.text, text, queue.now())
}

/** Who was asked to come back is on disk before he hears it: the ledger tells whose mail may be lost (docs/flow.md, "admit"). */
async function writeAttempt(
  { queue, settler }: Relay,
  client: Client,
  from: MailFrom,
  refusal: Refusal,
): Promise<void> {
  const { retryLater: domain, recipient } = refusal
  if (domain === undefined || recipient === undefined) return
  const tls = client.tls === undefined ? '' : `${client.tls.protocol} ${client.tls.cipher}`
  const who = { address: client.address, helo: client.helo, tls, sender: from.text, recipient: recipient.text }
  try {
    await queue.attempted({ domain, at: queue.now(), ...who })
  } catch (error) {
    settler.onTrouble(`an attempt for ${domain} is not in the ledger: ${String(error)}`)
    void settler.disk.look()
  }
}

/** BDAT may bring bare line ends (RFC 3030). In a body they are content; a header that has them cannot be read before it is normalised. */
function readable(incoming: Incoming): Incoming {
  if (incoming.via !== 'BDAT') return incoming
  const end = incoming.raw.indexOf('\r\n\r\n')
  const header = end < 0 ? incoming.raw : incoming.raw.subarray(0, end)
  return hasBareLineEnds(header) ? { ...incoming, raw: normaliseLineEnds(incoming.raw) } : incoming
}

/** What a connection proves is worked out once for each connection and version of the project. */
const supposed = new WeakMap<Client, { readonly project: Project; readonly supposition: Supposition }>()

function supposition(project: Project, client: Client, now: Date): Supposition {
  const known = supposed.get(client)
  if (known !== undefined && known.project === project) return known.supposition
  const fresh = suppose(project, client, now)
  supposed.set(client, { project, supposition: fresh })
  return fresh
}

function describe(message: Message): { readonly messageId: string; readonly subject: string } {
  const text = (key: string): string => {
    const field = first(message.header, key)
    return field === undefined ? '' : Buffer.from(unfold(fieldValue(field)), 'latin1').toString('utf8')
  }
  return { messageId: text('message-id'), subject: text('subject') }
}
