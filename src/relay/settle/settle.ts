/**
 * Settles a message: the outcomes of its deliveries become the one answer to the sender, and what is left goes to the queue.
 *
 * Promises: 250 only when every recipient was delivered or is in the queue, on disk; a recipient who was delivered is not sent
 *   a second copy when the sender must be asked to come back.
 * Never: answers much later than the deadline; keeps a recipient of a message that it answers 4xx or 5xx, or whose sender does
 *   not wait for the answer any more.
 * On failure: what the queue cannot take is 451 or 452; what all next hops refused for good is their refusal, cleaned.
 */
import type { Message } from '../../mail/message/message.ts'
import { cleanText, type Reply, replies } from '../../mail/reply/reply.ts'
import type { Project } from '../../project/project.ts'
import type { DiskWatch, Queue } from '../../queue/queue.ts'
import type { Admission } from '../admit/admit.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { type Dispatch, mayBeTold } from '../dispatch/dispatch.ts'
import type { Incoming, Recipient } from '../listen/listen.ts'
import { readerOf, wordsFor } from '../notify/notify.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Record, Tally } from '../record/record.ts'
import { attemptAll } from './attempt-all.ts'
import { keepRest } from './keep-rest.ts'
import type { Memory } from './memory.ts'
import { remember } from './remember.ts'
import { decide, type Settled } from './table.ts'
import { tellRelayed } from './tell-relayed.ts'

export { type Memory, makeMemory } from './memory.ts'

export type Settler = {
  readonly memory: Memory
  /** How long a sender waits for its next hops. */
  readonly deadlineMs: number
  /** We are to stop: no deadline is later than this, so that whoever waits is answered before he is cut off. */
  readonly hurry?: AbortSignal
  readonly queue: Pick<Queue, 'put'>
  readonly dispatch: Pick<Dispatch, 'closed' | 'began' | 'tried' | 'follow'>
  readonly disk: Pick<DiskWatch, 'look'>
  /** The queue did not take a message. */
  readonly onTrouble: (why: string) => void
}

/** One message on its way through, and how one of its deliveries is made. */
export type Matter = {
  readonly project: Project
  readonly incoming: Incoming
  readonly message: Message
  readonly about: { readonly messageId: string; readonly subject: string }
  readonly admission: Admission
  readonly deliveries: readonly Delivery[]
  /** Where those who are held would go. */
  readonly heldDeliveries: readonly Delivery[]
  readonly arrivedAt: Date
  readonly record: Record
  readonly carry: (delivery: Delivery, deadline: AbortSignal) => Promise<readonly Outcome[]>
  /** A recipient of a message that was answered 4xx has it after all. */
  readonly lateAtOnce: (recipient: Recipient) => void
}
export type Answer = {
  readonly reply: Reply
  readonly tally: Tally
  /** Those with whom the sender need not come back: they have it, it is kept for them, or the sender is told that it is not. */
  readonly done: readonly Recipient[]
}

export async function settle(settler: Settler, matter: Matter): Promise<Answer> {
  if (isGone(matter)) return answered(matter, [], replies.tryLater())
  const { settled, broken } = await attemptAll(settler, matter)
  await tellRelayed(settler, matter, settled)
  if (broken !== undefined) {
    remember(settler, matter, settled)
    throw broken.reason
  }
  const reply = await answerFor(settler, matter, settled)
  // 4xx brings the sender back; any other answer is the last one, and the same message once more is meant as one more.
  if (reply.code >= 400 && reply.code < 500) remember(settler, matter, settled)
  else for (const { recipient } of settled) settler.memory.forget(matter.incoming, recipient.rewritten)
  return answered(matter, settled, reply)
}

/** Whoever has gone hears no answer and comes back: what was kept for him would be a second copy, and who has it is remembered. */
const isGone = ({ incoming }: Matter): boolean => incoming.isGone?.() === true

function answered(matter: Matter, settled: readonly Settled[], reply: Reply): Answer {
  const { recipients } = matter.incoming
  const have = settled.flatMap(({ recipient, outcome }) => (outcome.kind === 'delivered' ? recipient.recipient : []))
  const done = reply.code >= 400 && reply.code < 500 ? have : recipients
  return { reply, tally: tally(matter, settled, reply), done }
}

async function answerFor(settler: Settler, matter: Matter, settled: readonly Settled[]): Promise<Reply> {
  const { project, admission, incoming } = matter
  if (settled.some(({ how }) => how === 'under way')) return replies.deadline()
  if (isGone(matter)) return replies.tryLater()
  const decision = decide(settled, {
    whenNextHopFails: project.policy.whenNextHopFails,
    mayBeTold: mayBeTold({ peer: admission.peer, mailFrom: incoming.mailFrom }),
    hasHeld: admission.held.length > 0,
    words: (about) => wordsOf(matter, settled, about),
  })
  return decision.kind === 'answer' ? decision.reply : keepRest(settler, matter, decision.keep)
}

/** What a next hop said of one recipient, without addresses and hosts that its reader does not know. */
function wordsOf({ project, admission }: Matter, settled: readonly Settled[], about: Settled): string {
  const tenant = admission.peer.kind === 'tenant' ? admission.peer.tenant.name : undefined
  const reader = readerOf(
    project,
    tenant,
    settled.map(({ recipient }) => recipient),
  )
  const isOwn = about.delivery.tenant === undefined || about.delivery.tenant.name === tenant
  const [, host = '', address = ''] = /^(\S+) \[([^\]]+)\]/.exec(about.outcome.remote) ?? []
  const names = isOwn ? [] : [host, address].filter((name) => name !== '')
  return cleanText(wordsFor(reader, about.recipient, about.outcome.reply.text, names))
}

/** Recipients are counted once, however often their sender comes back. */
function tally({ admission }: Matter, settled: readonly Settled[], reply: Reply): Tally {
  const fresh = settled.filter(({ how }) => how !== 'recalled')
  const delivered = fresh.filter(({ outcome }) => outcome.kind === 'delivered').length
  if (reply.code >= 400 && reply.code < 500) return { accepted: delivered, delivered, refused: 0 }
  const refused = reply.code >= 500 ? fresh.length - delivered : 0
  return { accepted: fresh.length + admission.held.length, delivered, refused }
}
