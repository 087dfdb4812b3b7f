/** Takes over what `settle` has put as running: recipients whose first attempt is known, or is still going on. */
import { contentLength } from '../../mail/message/message.ts'
import type { KeptMessage, Lease, NewMessage } from '../../queue/queue.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { laneOf, readEnvelope } from '../keep/keep.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Pending } from './dispatch.ts'
import type { Ended } from './judge.ts'
import { type WorkerParts, whileHeld, writeDown } from './worker.ts'

/** What is known is written down together, so that one report tells of it; what is waited for when it comes. */
export async function follow(
  parts: WorkerParts,
  lease: Lease,
  message: NewMessage,
  pending: readonly Pending[],
): Promise<void> {
  const kept = readEnvelope(message.envelope)
  const project = parts.project()
  if ('why' in kept || project === undefined) throw new Error(`message ${message.id} cannot be read back`)
  const tell = (known: readonly Ended[]) =>
    writeDown(
      parts,
      { lease, message: asKept(parts, message) },
      { direct: [], ended: known, outcomes: [], by: { project, kept } },
    )
  const known = pending.filter(({ outcome }) => outcome.later === undefined)
  const late = Map.groupBy(
    pending.filter(({ outcome }) => outcome.later !== undefined),
    ({ delivery }) => delivery,
  )
  const follows = async (delivery: Delivery, some: readonly Pending[]): Promise<void> => {
    const outcomes = await Promise.all(some.map(async ({ outcome }) => outcome.later ?? outcome))
    cameLate(parts, message, { ...delivery, recipients: some.map(({ recipient }) => recipient) }, outcomes)
    await tell(some.flatMap((one, i) => endOf(message, one, outcomes[i] ?? one.outcome)))
  }
  await whileHeld(parts, lease, async () => {
    const later = [...late].map(([delivery, some]) => follows(delivery, some))
    await Promise.all([tell(known.flatMap((one) => endOf(message, one, one.outcome))), ...later])
  })
}

/** As the queue will give it out. */
function asKept({ queue }: WorkerParts, m: NewMessage): KeptMessage {
  const { id, sender, peer, messageId, subject, envelope } = m
  return { id, sender, peer, messageId, subject, envelope, receivedAt: queue.now(), size: contentLength(m.content) }
}

function endOf(message: NewMessage, { n, delivery, recipient }: Pending, outcome: Outcome): readonly Ended[] {
  const kept = message.recipients[n]
  if (kept === undefined) return []
  const { tenant } = delivery
  const where = {
    lane: laneOf(delivery),
    rewritten: recipient.rewritten,
    ...(tenant === undefined ? {} : { tenant: tenant.name }),
  }
  return [{ kept: { ...kept, n, nextAt: 0 }, recipient: recipient.recipient, ...where, outcome }]
}

function cameLate(
  { lanes, recorder }: WorkerParts,
  message: NewMessage,
  delivery: Delivery,
  outcomes: readonly Outcome[],
): void {
  const { id, messageId, sender } = message
  lanes.late(laneOf(delivery), outcomes)
  recorder.again({ id, messageId, sender }).carried(delivery, outcomes)
}
