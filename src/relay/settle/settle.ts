/**
 * Settles a message: the outcomes of its deliveries become the one answer to the sender.
 *
 * Promises: 250 only when every recipient was delivered; a recipient who was delivered is not sent a second copy when the
 *   sender tries again after 451.
 * Never: keeps a message, or answers later than the deadline.
 * On failure: what could not be taken now is 451; what was refused for good is the next hop's refusal, cleaned, and it names
 *   who was refused when others have the message.
 */
import { cleanText, type Reply, replies } from '../../mail/reply/reply.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Incoming } from '../listen/listen.ts'
import type { Delivery, PlannedRecipient } from '../plan/plan.ts'
import type { Memory } from './memory.ts'

export { type Memory, makeMemory } from './memory.ts'

export type Settler = { readonly memory: Memory; readonly deadlineMs: number }
/** Hears of recipients who are not tried now, and why. */
export type Skipped = (delivery: Delivery, recipient: PlannedRecipient, why: string) => void
export type Carry = (delivery: Delivery) => Promise<readonly Outcome[]>
type Settled = { readonly recipient: PlannedRecipient; readonly outcome: Outcome | 'late' }

export async function settle(
  settler: Settler,
  incoming: Incoming,
  deliveries: readonly Delivery[],
  carry: Carry,
  skipped: Skipped = () => {},
): Promise<Reply> {
  const deadline = timer(settler.deadlineMs)
  const results = await Promise.allSettled(
    deliveries.map((delivery) => settleOne(settler, incoming, delivery, carry, deadline.passed, skipped)),
  )
  deadline.stop()
  const all = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  const broken = results.find((result) => result.status === 'rejected')
  const reply = broken === undefined ? answer(all) : replies.internalError()
  // 451 brings the sender back; any other answer is the last one, and the same message once more is meant as one more.
  if (reply.code < 500 && reply.code >= 400) remember(settler.memory, incoming, all)
  else forget(settler.memory, incoming, all)
  if (broken !== undefined) throw broken.reason
  return reply
}

async function settleOne(
  settler: Settler,
  incoming: Incoming,
  delivery: Delivery,
  carry: Carry,
  passed: Promise<'late'>,
  skipped: Skipped,
): Promise<Settled[]> {
  const { memory } = settler
  const before = delivery.recipients.map((recipient) => ({
    recipient,
    state: memory.recall(incoming, recipient.rewritten),
  }))
  const fresh = before.filter((b) => b.state === undefined).map((b) => b.recipient)
  const settled: Settled[] = []
  for (const { recipient, state } of before) {
    if (state === undefined) continue
    const outcome = remembered(delivery, state)
    skipped(delivery, recipient, outcome.why)
    settled.push({ recipient, outcome })
  }
  if (fresh.length === 0) return settled
  const attempt = carry({ ...delivery, recipients: fresh })
  const outcomes = await Promise.race([attempt, passed])
  if (outcomes === 'late') watch(memory, incoming, fresh, attempt)
  fresh.forEach((recipient, i) => {
    settled.push({ recipient, outcome: outcomes === 'late' ? 'late' : (outcomes[i] ?? 'late') })
  })
  return settled
}

/** An attempt still running at the deadline goes on; if it succeeds, the sender's next try skips that recipient. */
function watch(
  memory: Memory,
  incoming: Incoming,
  recipients: readonly PlannedRecipient[],
  attempt: Promise<readonly Outcome[]>,
): void {
  for (const { rewritten } of recipients) memory.note(incoming, rewritten, 'under way')
  attempt.then(
    (outcomes) =>
      recipients.forEach(({ rewritten }, i) => {
        if (outcomes[i]?.kind === 'delivered') memory.note(incoming, rewritten, 'delivered')
        else memory.forget(incoming, rewritten)
      }),
    () => {
      for (const { rewritten } of recipients) memory.forget(incoming, rewritten)
    },
  )
}

function remember(memory: Memory, incoming: Incoming, settled: readonly Settled[]): void {
  for (const { recipient, outcome } of settled) {
    if (outcome !== 'late' && outcome.kind === 'delivered') memory.note(incoming, recipient.rewritten, 'delivered')
  }
}

function forget(memory: Memory, incoming: Incoming, settled: readonly Settled[]): void {
  for (const { recipient } of settled) memory.forget(incoming, recipient.rewritten)
}

function remembered(delivery: Delivery, state: 'delivered' | 'under way'): Outcome {
  const remote = `${delivery.nextHop.host}:${delivery.nextHop.port}`
  if (state === 'delivered')
    return { kind: 'delivered', reply: replies.ok(), remote, tls: '', why: 'delivered at an earlier try' }
  return {
    kind: 'deferred',
    reply: replies.deadline(),
    remote,
    tls: '',
    why: 'the attempt of an earlier try is still running',
  }
}

/** The table of docs/flow.md, "settle". */
function answer(settled: readonly Settled[]): Reply {
  const late = settled.find((s) => s.outcome === 'late')
  const deferred = settled.find((s) => s.outcome !== 'late' && s.outcome.kind === 'deferred')
  if (deferred !== undefined) return shown(deferred, replies.nextHopDeferred)
  if (late !== undefined) return replies.deadline()
  const refused = settled.filter((s) => s.outcome !== 'late' && s.outcome.kind === 'refused')
  const first = refused[0]
  if (first === undefined) return replies.ok()
  if (refused.length === settled.length) return shown(first, replies.nextHopRefused)
  return replies.partlyRefused(refused.map((s) => s.recipient.given).join(', '), wordsOf(first))
}

function shown(settled: Settled, reply: (enhanced: string, words: string) => Reply): Reply {
  const enhanced = settled.outcome === 'late' ? '' : settled.outcome.reply.enhanced
  return reply(enhanced, wordsOf(settled))
}

/** The next hop's own words; where they name an internal address, in any case, the one that was written to stands instead. */
function wordsOf({ recipient: { given, rewritten }, outcome }: Settled): string {
  if (outcome === 'late') return ''
  const literally = new RegExp(rewritten.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`), 'gi')
  return cleanText(outcome.reply.text.replaceAll(literally, () => given))
}

function timer(ms: number): { readonly passed: Promise<'late'>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<'late'>()
  const handle = setTimeout(resolve, ms, 'late')
  return { passed: promise, stop: () => clearTimeout(handle) }
}
