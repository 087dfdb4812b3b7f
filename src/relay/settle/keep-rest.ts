/** Puts what the next hops have not taken into the queue, in one commit, before the sender hears 250. */
import { domainKey } from '../../mail/address/address.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { NewMessage, NewRecipient } from '../../queue/queue.ts'
import type { Held, Peer } from '../admit/admit.ts'
import { meaningOf } from '../deliver/deliver.ts'
import type { Pending } from '../dispatch/dispatch.ts'
import { contentToKeep, envelopeText, factsText, type KeptPeer, laneOf, lastWords } from '../keep/keep.ts'
import type { Recipient } from '../listen/listen.ts'
import type { Matter, Settler } from './settle.ts'
import type { ToKeep } from './table.ts'

export async function keepRest(settler: Settler, matter: Matter, keep: readonly ToKeep[]): Promise<Reply> {
  const message = toMessage(matter, keep)
  const put = await settler.queue.put(message)
  if (!put.ok) {
    settler.onTrouble(`message ${message.id} cannot be kept: ${put.why}`)
    if (!put.isFull) return replies.cannotKeep()
    // Before the answer: what comes next is told at MAIL, not after it has sent its message in vain.
    await settler.disk.look()
    return replies.diskFull()
  }
  trace(matter, keep)
  const pending = keep.flatMap(({ as, ...one }, n): Pending[] => (as === 'pending' ? [{ n, ...one }] : []))
  if (put.lease !== undefined) settler.dispatch.follow(put.lease, message, pending)
  return replies.ok()
}

function toMessage(matter: Matter, keep: readonly ToKeep[]): NewMessage {
  const { project, incoming, message, about, admission, arrivedAt, record } = matter
  const { peer, pass, authentication } = admission
  const { client, mailFrom, via } = incoming
  return {
    id: record.id,
    sender: mailFrom.text,
    peer: peer.kind === 'tenant' ? peer.tenant.name : 'internet',
    ...about,
    envelope: envelopeText({
      client,
      mailFrom,
      peer: toKeptPeer(peer),
      via,
      arrivedAt: arrivedAt.getTime(),
      ...(pass === undefined ? {} : { pass }),
      ...(authentication === undefined ? {} : { authentication }),
    }),
    content: contentToKeep(project, message),
    recipients: [...keep.map(toRecipient), ...admission.held.map((held) => toHeld(matter, held))],
  }
}

export function toKeptPeer(peer: Peer): KeptPeer {
  if (peer.kind === 'internet') return peer
  const { tenant, proofs, certificateNames } = peer
  return { kind: 'tenant', tenant: tenant.name, proofs, certificateNames }
}

function toRecipient({ delivery, recipient: { recipient }, outcome, as }: ToKeep): NewRecipient {
  // Who was not even tried shows the trouble of the next hop from the start.
  const state =
    as === 'pending'
      ? ({ state: 'running' } as const)
      : ({ state: 'waiting', trouble: meaningOf(outcome.reply) ?? 'temporary' } as const)
  return {
    ...named(recipient),
    ...state,
    lane: laneOf(delivery),
    attempts: 0,
    reply: lastWords(outcome),
    why: outcome.why,
  }
}

function toHeld({ heldDeliveries }: Matter, { recipient, why }: Held): NewRecipient {
  const delivery = heldDeliveries.find(({ recipients }) => recipients.some((one) => one.recipient === recipient))
  const lane = delivery === undefined ? '' : laneOf(delivery)
  return { ...named(recipient), lane, state: 'held', cause: 'domain', attempts: 0, reply: '', why }
}

const named = (recipient: Recipient) => ({
  address: recipient.text,
  domain: domainKey(recipient.address.domain),
  facts: factsText(recipient),
})

function trace({ admission, record }: Matter, keep: readonly ToKeep[]): void {
  for (const { outcome, recipient, as } of keep) {
    if (outcome.kind === 'refused') continue
    const why = outcome.later === undefined ? 'it will be tried again' : 'the attempt goes on'
    record.queued('KEEP', recipient.given, as === 'waiting' ? `not tried yet: ${outcome.why}` : why)
  }
  for (const { recipient, why } of admission.held) record.queued('HOLD', recipient.text, why)
}
