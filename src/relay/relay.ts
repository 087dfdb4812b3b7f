/**
 * A message in, a message out: the main path, told in the order of docs/flow.md.
 *
 * Promises: 250 means that every recipient's next hop has the message; nothing is kept here. What no next hop takes now is
 *   answered 451, and a sender that comes back is not sent to a recipient twice.
 * Never: changes, signs or sends before the message was admitted; mixes two versions of the routing table in one message.
 * On failure: each refusal and each deferral has a reply for the sender and an exact reason in the trace; an exception is
 *   the listener's 451 4.3.0.
 */
import { fieldValue, first, unfold } from '../mail/header/header.ts'
import { hasBareLineEnds, type Message, normaliseLineEnds, readMessage } from '../mail/message/message.ts'
import { type Reply, replies } from '../mail/reply/reply.ts'
import type { Project } from '../project/project.ts'
import {
  type Admission,
  admit,
  admitRecipient,
  type Refusal,
  type Supposition,
  standing,
  suppose,
} from './admit/admit.ts'
import { type Authenticator, verdictOn } from './authenticate/authenticate.ts'
import type { Carrier } from './carry/carry.ts'
import type { Backend, Client, Incoming, MailFrom, Recipient } from './listen/listen.ts'
import { type Delivery, plan, type View } from './plan/plan.ts'
import type { Record, Recorder } from './record/record.ts'
import { type Copy, rewrite } from './rewrite/rewrite.ts'
import { type Settler, settle } from './settle/settle.ts'

export type Relay = {
  /** The project as it is now; a message asks once and stays with the answer. */
  readonly project: () => Project | undefined
  readonly authenticator: Authenticator
  readonly carrier: Carrier
  readonly settler: Settler
  readonly recorder: Recorder
  /** 32 bytes; seals the pass. */
  readonly passKey: Buffer
  readonly now: () => Date
}

/** The gateway as the listener sees it. */
export function makeBackend(relay: Relay): Backend {
  return {
    standing: (client) => standing(relay.project(), client, relay.now()),
    mail: () => (relay.project() === undefined ? replies.tryLater() : undefined),
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
  const record = relay.recorder.begin(incoming, describe(message), project.table.version)
  try {
    return await throughStages(relay, project, incoming, message, record)
  } catch (error) {
    record.broke(error)
    throw error
  }
}

async function throughStages(
  relay: Relay,
  project: Project,
  incoming: Incoming,
  message: Message,
  record: Record,
): Promise<Reply> {
  const { client, mailFrom, recipients } = incoming
  const supposed = supposition(project, client, relay.now())
  const admitted = admit(project, supposed, mailFrom, recipients, message, relay.passKey, relay.now())
  record.received(admitted.peer)
  const admission = await withOrigin(relay, project, incoming, message, admitted, record)
  const refusal = admission.refusals[0]
  if (refusal !== undefined) return record.rejected(admission.refusals, refusal.reply)

  const { deliveries } = plan({ project, mailFrom, ...admission })
  // One copy for each view: deliveries that look the same share it, and the hash of its body.
  const copies = new Map<View, Copy>()
  const carry = (delivery: Delivery) => {
    const copy = copies.get(delivery.view) ?? rewrite(project, message, delivery.view)
    copies.set(delivery.view, copy)
    record.rewritten(delivery, copy)
    return relay.carrier.carry({ project, incoming, message, admission, delivery, copy, record })
  }
  return record.answered(await settle(relay.settler, incoming, deliveries, carry, (...what) => record.skipped(...what)))
}

/** Of mail from the internet: where it comes from, checked before anything is changed, and what the project makes of that. */
async function withOrigin(
  { authenticator }: Relay,
  project: Project,
  { client, mailFrom }: Incoming,
  message: Message,
  admission: Admission,
  record: Record,
): Promise<Admission> {
  if (admission.peer.kind !== 'internet' || admission.refusals.length > 0) return admission
  const { hostname } = project.gateway
  const authentication = await authenticator.authenticate({ client, mailFrom, message, hostname })
  const verdict = verdictOn(project.policy, authentication)
  record.authenticated(authentication, verdict)
  return { ...admission, authentication, refusals: verdict.kind === 'passes' ? [] : [verdict] }
}

function recipientReply(relay: Relay, client: Client, from: MailFrom, to: Recipient): Reply | undefined {
  const project = relay.project()
  if (project === undefined) return replies.tryLater()
  const refusal: Refusal | undefined = admitRecipient(project, supposition(project, client, relay.now()), from, to)
  if (refusal === undefined) return undefined
  relay.recorder.recipientRefused(client, from, refusal)
  return refusal.reply
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
