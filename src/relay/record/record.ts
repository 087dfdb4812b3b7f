/**
 * Turns what the relay does into events of the trace and into counts. One record for each message; its events are written
 * together when the answer is known, late ones when they come.
 */
import { randomUUIDv7 } from 'node:crypto'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Trace, TraceEvent } from '../../trace/trace.ts'
import type { Peer, Refusal } from '../admit/admit.ts'
import { type Authentication, resultsLine, type Verdict } from '../authenticate/authenticate.ts'
import type { SealNote } from '../carry/carry.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Client, Incoming, MailFrom } from '../listen/listen.ts'
import type { Delivery, PlannedRecipient } from '../plan/plan.ts'
import type { Copy } from '../rewrite/rewrite.ts'
import type { Signer } from '../sign/sign.ts'

export type Counts = {
  received: number
  accepted: number
  refused: number
  deferred: number
  recipientsRefused: number
  delivered: number
  rewritten: number
  signed: number
  protocolErrors: number
}

export type Record = {
  readonly id: string
  received(peer: Peer): void
  /** What SPF, DKIM, DMARC and ARC say of mail from the internet, and what was made of that. */
  authenticated(found: Authentication, verdict: Verdict): void
  rejected(refusals: readonly Refusal[], reply: Reply): Reply
  rewritten(delivery: Delivery, copy: Copy): void
  signed(delivery: Delivery, signer: Signer): void
  unsigned(delivery: Delivery, why: string): void
  /** Of a copy for the inside: our ARC seal, or why it has none. */
  sealed(delivery: Delivery, seal: SealNote): void
  skipped(delivery: Delivery, recipient: PlannedRecipient, why: string): void
  carried(delivery: Delivery, outcomes: readonly Outcome[]): readonly Outcome[]
  answered(reply: Reply): Reply
  /** Something threw: the sender is told 451, and the trace keeps what was done until then. */
  broke(error: unknown): void
}

export type Recorder = {
  readonly counts: Readonly<Counts>
  begin(
    incoming: Incoming,
    about: { readonly messageId: string; readonly subject: string },
    tableVersion: number,
  ): Record
  recipientRefused(client: Client, from: MailFrom, refusal: Refusal): void
  protocolError(client: Client, what: string, reply: Reply): void
}

export function makeRecorder(trace: Pick<Trace, 'write'>, now: () => Date): Recorder {
  const counts: Counts = {
    received: 0,
    accepted: 0,
    refused: 0,
    deferred: 0,
    recipientsRefused: 0,
    delivered: 0,
    rewritten: 0,
    signed: 0,
    protocolErrors: 0,
  }
  return {
    counts,
    begin: (incoming, about, tableVersion) => makeRecord(trace, now, counts, incoming, { ...about, tableVersion }),
    recipientRefused(client, from, { recipient, reply, why }) {
      counts.recipientsRefused += 1
      const recipients = recipient === undefined ? [] : [recipient.text]
      const event = {
        at: now().getTime(),
        id: newId(),
        kind: 'REJECT',
        sender: from.text,
        recipients,
        client: client.address,
      } as const
      trace.write([{ ...event, reply: oneLine(reply), why }])
    },
    protocolError(client, what, reply) {
      counts.protocolErrors += 1
      trace.write([
        { at: now().getTime(), id: newId(), kind: 'REJECT', client: client.address, reply: oneLine(reply), why: what },
      ])
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
  const event = (kind: TraceEvent['kind'], more: Partial<TraceEvent>): void => {
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
    id,
    received(peer) {
      counts.received += 1
      const recipients = incoming.recipients.map((r) => r.text)
      const why = peer.kind === 'tenant' ? `known by ${peer.proofs.join(' and ')}` : peer.why
      const facts = {
        peer: peer.kind === 'tenant' ? peer.tenant.name : 'internet',
        client: incoming.client.address,
        bytes: incoming.raw.length,
      }
      event('RECEIVE', { ...facts, recipients, subject: about.subject, why, tableVersion: about.tableVersion })
    },
    authenticated(found, { why }) {
      const facts = { client: incoming.client.address, new: resultsLine(found) }
      event('AUTH', why === '' ? facts : { ...facts, why })
    },
    rejected(refusals, reply) {
      counts.refused += 1
      for (const refusal of refusals) {
        const recipients = refusal.recipient === undefined ? {} : { recipients: [refusal.recipient.text] }
        const facts = { client: incoming.client.address, reply: oneLine(refusal.reply), why: refusal.why }
        event('REJECT', { ...recipients, ...facts })
      }
      return done(reply)
    },
    rewritten(delivery, copy) {
      counts.rewritten += copy.changes.length
      for (const change of envelopeChanges(delivery)) event('REWRITE', { ...change, direction: delivery.side })
      for (const change of copy.changes) event('REWRITE', { ...change, direction: delivery.side })
      for (const { field, why } of copy.left)
        event('REWRITE', { field, why: `left as it is: ${why}`, direction: delivery.side })
    },
    signed(delivery, signer) {
      counts.signed += 1
      event('SIGN', {
        field: 'DKIM-Signature',
        new: `d=${signer.domain} s=${signer.selector} a=${signer.algorithm}`,
        direction: delivery.side,
      })
    },
    unsigned(delivery, why) {
      if (delivery.side === 'outside') event('SIGN', { why: `not signed: ${why}`, direction: delivery.side })
    },
    sealed(delivery, seal) {
      if (seal === undefined) return
      const what = seal.kind === 'not' ? { why: `not sealed: ${seal.why}` } : { field: 'ARC-Seal', new: sealText(seal) }
      event('SIGN', { ...what, direction: delivery.side })
    },
    skipped(delivery, recipient, why) {
      const facts = { recipients: [recipient.rewritten], why: `not tried now: ${why}`, direction: delivery.side }
      event('PLAN', { ...facts, ...(recipient.given === recipient.rewritten ? {} : { old: recipient.given }) })
    },
    carried(delivery, outcomes) {
      delivery.recipients.forEach((recipient, i) => {
        const outcome = outcomes[i]
        if (outcome === undefined) return
        if (outcome.kind === 'delivered') counts.delivered += 1
        const facts = {
          recipients: [recipient.rewritten],
          server: outcome.remote,
          reply: oneLine(outcome.reply),
          direction: delivery.side,
        }
        const tls = outcome.tls === '' ? '' : ` over ${outcome.tls}`
        event(eventOf[outcome.kind], {
          ...facts,
          ...(recipient.given === recipient.rewritten ? {} : { old: recipient.given }),
          why: `${outcome.kind === 'delivered' ? 'delivered' : outcome.why}${tls}`,
        })
      })
      return outcomes
    },
    answered(reply) {
      counts[reply.code < 300 ? 'accepted' : reply.code < 500 ? 'deferred' : 'refused'] += 1
      return done({ ...reply, text: reply.code < 300 ? `${reply.text} id=${id}` : reply.text })
    },
    broke(error) {
      counts.deferred += 1
      const reply = replies.internalError()
      event('DEFER', {
        reply: oneLine(reply),
        why: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      done(reply)
    },
  }
}

const sealText = ({ instance, signer }: SealNote & { kind: 'sealed' }): string =>
  `i=${instance} d=${signer.domain} s=${signer.selector} a=${signer.algorithm}`

const eventOf = { delivered: 'SEND', refused: 'FAIL', deferred: 'DEFER' } as const

function envelopeChanges(delivery: Delivery) {
  const changes = delivery.recipients.map((r) => ({
    field: 'RCPT TO',
    old: r.given,
    new: r.rewritten,
    entry: r.entry?.id ?? '',
  }))
  const { given, rewritten, entry } = delivery.mailFrom
  return [{ field: 'MAIL FROM', old: given, new: rewritten, entry: entry?.id ?? '' }, ...changes].filter(
    (c) => c.old !== c.new,
  )
}

const newId = (): string => randomUUIDv7()
const oneLine = (reply: Reply): string =>
  `${reply.code} ${reply.enhanced} ${reply.text.replaceAll(/\s+/g, ' ')}`.replace('  ', ' ')
