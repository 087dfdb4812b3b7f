/** The straight attempt: every delivery at once, until the deadline. */
import { replies } from '../../mail/reply/reply.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { laneOf } from '../keep/keep.ts'
import type { Delivery } from '../plan/plan.ts'
import type { Matter, Settler } from './settle.ts'
import type { Settled } from './table.ts'

/** What takes longer than the attempt itself, such as a question to DNS, is not waited for beyond this. */
const graceMs = 1000

export type AttemptedAll = {
  readonly settled: readonly Settled[]
  /** The first delivery that threw. */
  readonly broken?: PromiseRejectedResult
}

export async function attemptAll(settler: Settler, matter: Matter): Promise<AttemptedAll> {
  const { memory } = settler
  const before = matter.deliveries.map((delivery) => recall(settler, matter, delivery))
  // While an attempt of an earlier try goes on nobody is sent anything: the sender comes back once more.
  const underWay = before.flat().filter(({ how }) => how === 'under way')
  if (memory.size > 0 && underWay.length > 0) return { settled: underWay }
  const deadline = makeDeadline(settler.deadlineMs, settler.hurry)
  const results = await Promise.allSettled(
    matter.deliveries.map(async (delivery, i) => {
      const known = before[i] ?? []
      const recipients = delivery.recipients.filter((one) => !known.some(({ recipient }) => recipient === one))
      const tried =
        recipients.length === 0 ? [] : await attemptOne(settler, matter, { ...delivery, recipients }, deadline)
      return [...known, ...tried]
    }),
  )
  deadline.stop()
  const broken = results.find((result) => result.status === 'rejected')
  const settled = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  return { settled, ...(broken === undefined ? {} : { broken }) }
}

/** Those who have the message by an earlier try, or for whom one still goes on. */
function recall({ memory }: Settler, { incoming, record }: Matter, delivery: Delivery): readonly Settled[] {
  if (memory.size === 0) return []
  return delivery.recipients.flatMap((recipient) => {
    const state = memory.recall(incoming, recipient.rewritten)
    if (state === undefined) return []
    const why = state === 'delivered' ? 'delivered at an earlier try' : 'the attempt of an earlier try is still running'
    record.skipped(delivery, recipient, why)
    const kind = state === 'delivered' ? 'delivered' : 'deferred'
    const reply = state === 'delivered' ? replies.ok() : replies.deadline()
    const outcome: Outcome = { kind, reply, remote: remoteOf(delivery), tls: '', why }
    return [{ delivery, recipient, outcome, how: state === 'delivered' ? 'recalled' : state }]
  })
}

async function attemptOne(
  settler: Settler,
  matter: Matter,
  delivery: Delivery,
  deadline: Deadline,
): Promise<readonly Settled[]> {
  const { dispatch } = settler
  const lane = laneOf(delivery)
  const trouble = dispatch.closed(lane)
  if (trouble !== undefined) {
    for (const recipient of delivery.recipients) matter.record.skipped(delivery, recipient, trouble.why)
    const outcome: Outcome = { kind: 'deferred', ...trouble, remote: remoteOf(delivery), tls: '', unreached: true }
    return delivery.recipients.map((recipient) => ({ delivery, recipient, outcome, how: 'untried' }))
  }
  const outcomes = await inTime(settler, matter, delivery, deadline)
  return delivery.recipients.map((recipient, i) => ({
    delivery,
    recipient,
    outcome: outcomes[i] ?? none(delivery),
    how: 'tried',
  }))
}

/** The lane learns of the outcome when there is one, even if that is too late for the sender. */
async function inTime(
  { dispatch }: Settler,
  matter: Matter,
  delivery: Delivery,
  deadline: Deadline,
): Promise<readonly Outcome[]> {
  const lane = laneOf(delivery)
  dispatch.began(lane)
  const attempt = matter.carry(delivery, deadline.signal)
  attempt.then(
    (outcomes) => dispatch.tried(lane, outcomes),
    () => dispatch.tried(lane, []),
  )
  const outcomes = await Promise.race([attempt, deadline.late])
  if (outcomes !== 'late') return outcomes
  const open = none(delivery)
  return delivery.recipients.map((_, i) => ({
    ...open,
    uncertain: true,
    later: attempt.then(
      (all) => all[i] ?? open,
      (error: unknown) => ({ ...open, why: String(error) }),
    ),
  }))
}

const none = (delivery: Delivery): Outcome => ({
  kind: 'deferred',
  reply: replies.deadline(),
  remote: remoteOf(delivery),
  tls: '',
  why: 'no outcome at the deadline',
})

const remoteOf = ({ nextHop: { host, port } }: Delivery): string => `${host}:${port}`

type Deadline = { readonly signal: AbortSignal; readonly late: Promise<'late'>; stop(): void }

/** After so long, or as soon as there is need to hurry. */
function makeDeadline(ms: number, hurry: AbortSignal | undefined): Deadline {
  const { promise, resolve } = Promise.withResolvers<'late'>()
  const abort = new AbortController()
  const stop = (): void => {
    clearTimeout(timer)
    hurry?.removeEventListener('abort', pass)
  }
  const pass = (): void => {
    stop()
    timer = setTimeout(resolve, graceMs, 'late')
    abort.abort()
  }
  let timer = setTimeout(pass, ms)
  if (hurry?.aborted === true) pass()
  else hurry?.addEventListener('abort', pass)
  return { signal: abort.signal, late: promise, stop }
}
