/**
 * Turns what the relay does into events of the trace and into counts. One record for each message; its events are written
 * together when the answer is known, late ones when they come. A message that is tried again goes on under its id.
 */
import { randomUUIDv7 } from 'node:crypto'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { NewMessage } from '../../queue/queue.ts'
import type { Trace, TraceEvent } from '../../trace/trace.ts'
import type { Peer, Refusal } from '../admit/admit.ts'
import { type Authentication, resultsLine, type Verdict } from '../authenticate/authenticate.ts'
import type { Client, Incoming, MailFrom } from '../listen/listen.ts'
import { type Counts, noCounts } from './counts.ts'
import { makeSteps, oneLine, type Steps, type Write } from './steps.ts'

export { type Account, account, type Counts, imbalance, noCounts } from './counts.ts'
export { oneLine, type Steps } from './steps.ts'

/** Recipients whose fate is ours from now on, and of them those that were decided while the sender waited; the queue counts its own. */
export type Tally = { readonly accepted: number; readonly delivered: number; readonly refused: number }

export type Record = Steps & {
  /** `isUnproven`: it came as a tenant's would, lacks the header that proves it, and is refused for that. */
  received(peer: Peer, isUnproven: boolean): void
  /** What SPF, DKIM, DMARC and ARC say of mail from the internet, and what was made of that. */
  authenticated(found: Authentication, verdict: Verdict): void
  rejected(refusals: readonly Refusal[], reply: Reply): Reply
  answered(reply: Reply, tally: Tally): Reply
  /** A report about it was put into the queue, as a message of its own. */
  reported(report: NewMessage): void
  /** Something threw: the sender is told 451, and the trace keeps what was done until then. */
  broke(error: unknown): void
}

/** What the trace says of the message everywhere. */
export type Known = { readonly id: string; readonly messageId: string; readonly sender: string }

export type Recorder = {
  readonly counts: Readonly<Counts>
  begin(
    incoming: Incoming,
    about: { readonly messageId: string; readonly subject: string },
    tableVersion: number,
  ): Record
  /** The story of a message in the queue goes on. */
  again(known: Known): Steps
  /** Reports of our own were put into the queue. */
  reported(reports: readonly NewMessage[]): void
  /** A recipient whom the sender was told nothing of has the message after all: it was not kept. */
  lateAtOnce(): void
  recipientRefused(client: Client, from: MailFrom, refusal: Refusal): void
  protocolError(client: Client, what: string, reply: Reply): void
}

export function makeRecorder(trace: Pick<Trace, 'write'>, now: () => Date): Recorder {
  const counts = noCounts()
  const write = (event: Omit<TraceEvent, 'at'>): void => trace.write([{ at: now().getTime(), ...event }])
  return {
    counts,
    begin: (incoming, about, tableVersion) => makeRecord(trace, now, counts, incoming, { ...about, tableVersion }),
    again: (known) => makeSteps(known.id, counts, (kind, more) => write({ kind, ...known, ...more })),
    reported(reports) {
      for (const report of reports) noteReport(counts, write, report)
    },
    lateAtOnce() {
      counts.recipientsAccepted += 1
      counts.deliveredAtOnce += 1
    },
    recipientRefused(client, from, { recipient, reply, why }) {
      counts.recipientsRefused += 1
      const recipients = recipient === undefined ? [] : [recipient.text]
      const facts = { sender: from.text, recipients, client: client.address }
      write({ id: newId(), kind: 'REJECT', ...facts, reply: oneLine(reply), why })
    },
    protocolError(client, what, reply) {
      counts.protocolErrors += 1
      write({ id: newId(), kind: 'REJECT', client: client.address, reply: oneLine(reply), why: what })
    },
  }
}

type About = { readonly messageId: string; readonly subject: string; readonly tableVersion: number }

function makeRecord(
  trace: Pick<Trace, 'write'>,
  now: () => Date,
  counts: Counts,
  incoming: Incoming,
  about: About,
): Record {
  const id = newId()
  let waiting: TraceEvent[] | undefined = []
  const base = { id, messageId: about.messageId, sender: incoming.mailFrom.text }
  const event: Write = (kind, more) => {
    const made: TraceEvent = { at: now().getTime(), kind, ...base, ...more }
    if (waiting === undefined) trace.write([made])
    else waiting.push(made)
  }
  const done = (reply: Reply): Reply => {
    if (waiting !== undefined) trace.write(waiting)
    waiting = undefined
    return reply
  }
  return {
    ...makeSteps(id, counts, event),
    received(peer, isUnproven) {
      counts.received += 1
      if (isUnproven) counts.unproven += 1
      event('RECEIVE', { ...receiveFacts(incoming, peer), subject: about.subject, tableVersion: about.tableVersion })
    },
    authenticated(found, { why }) {
      if (found.dmarc.result === 'fail') counts.dmarcFailed += 1
      if (found.dmarc.result === 'temperror') counts.dmarcUnknown += 1
      const facts = { client: incoming.client.address, new: resultsLine(found) }
      event('AUTH', why === '' ? facts : { ...facts, why })
    },
    rejected(refusals, reply) {
      counts[reply.code < 500 ? 'deferred' : 'refused'] += 1
      for (const refusal of refusals) event('REJECT', rejectFacts(incoming, refusal))
      return done(reply)
    },
    answered(reply, { accepted, delivered, refused }) {
      counts[reply.code < 300 ? 'accepted' : reply.code < 500 ? 'deferred' : 'refused'] += 1
      counts.recipientsAccepted += accepted
      counts.deliveredAtOnce += delivered
      counts.refusedAtOnce += refused
      return done({ ...reply, text: reply.code < 300 ? `${reply.text} id=${id}` : reply.text })
    },
    reported: (report) => noteReport(counts, (one) => trace.write([{ at: now().getTime(), ...one }]), report),
    broke(error) {
      counts.deferred += 1
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
      event('DEFER', { reply: oneLine(replies.internalError()), why })
      done(replies.internalError())
    },
  }
}

/** It is accepted by us from us, and has a trace under an id of its own. */
function noteReport(
  counts: Counts,
  write: (event: Omit<TraceEvent, 'at'>) => void,
  { id, messageId, recipients }: NewMessage,
): void {
  for (const { address, why } of recipients) {
    counts.recipientsAccepted += 1
    write({ id, kind: 'KEEP', messageId, sender: '', recipients: [address], why })
  }
}

function receiveFacts(incoming: Incoming, peer: Peer): Partial<TraceEvent> {
  return {
    peer: peer.kind === 'tenant' ? peer.tenant.name : 'internet',
    client: incoming.client.address,
    bytes: incoming.raw.length,
    recipients: incoming.recipients.map((r) => r.text),
    why: peer.kind === 'tenant' ? `known by ${peer.proofs.join(' and ')}` : peer.why,
  }
}

function rejectFacts(incoming: Incoming, { recipient, reply, why }: Refusal): Partial<TraceEvent> {
  const recipients = recipient === undefined ? {} : { recipients: [recipient.text] }
  return { ...recipients, client: incoming.client.address, reply: oneLine(reply), why }
}

const newId = (): string => randomUUIDv7()
