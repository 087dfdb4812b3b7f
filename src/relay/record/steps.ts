/** The steps that a message takes each time it is attempted, as events: the first time, and later out of the queue. */
import type { Reply } from '../../mail/reply/reply.ts'
import type { TraceEvent } from '../../trace/trace.ts'
import type { SealNote } from '../carry/carry.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Delivery, PlannedRecipient } from '../plan/plan.ts'
import type { Copy } from '../rewrite/rewrite.ts'
import type { Signer } from '../sign/sign.ts'
import type { Counts } from './counts.ts'

export type Steps = {
  readonly id: string
  rewritten(delivery: Delivery, copy: Copy): void
  signed(delivery: Delivery, signer: Signer): void
  unsigned(delivery: Delivery, why: string): void
  /** Of a copy for the inside: our ARC seal, or why it has none. */
  sealed(delivery: Delivery, seal: SealNote): void
  skipped(delivery: Delivery, recipient: PlannedRecipient, why: string): void
  carried(delivery: Delivery, outcomes: readonly Outcome[]): readonly Outcome[]
  /** Its sender asked to hear that it was handed on, and cannot be told. */
  unreported(recipient: string, why: string): void
  /** What the queue has done with a recipient, as written by the sender. */
  queued(kind: 'KEEP' | 'HOLD' | 'RELEASE' | 'RETURN', recipient: string, why: string): void
}

export type Write = (kind: TraceEvent['kind'], more: Partial<TraceEvent>) => void

export function makeSteps(id: string, counts: Counts, write: Write): Steps {
  return {
    id,
    rewritten(delivery, copy) {
      counts.rewritten += copy.changes.length
      for (const change of envelopeChanges(delivery)) write('REWRITE', { ...change, direction: delivery.side })
      for (const change of copy.changes) write('REWRITE', { ...change, direction: delivery.side })
      for (const { field, why } of copy.left)
        write('REWRITE', { field, why: `left as it is: ${why}`, direction: delivery.side })
    },
    signed(delivery, signer) {
      counts.signed += 1
      write('SIGN', {
        field: 'DKIM-Signature',
        new: `d=${signer.domain} s=${signer.selector} a=${signer.algorithm}`,
        direction: delivery.side,
      })
    },
    unsigned(delivery, why) {
      if (delivery.side === 'outside') write('SIGN', { why: `not signed: ${why}`, direction: delivery.side })
    },
    sealed(delivery, seal) {
      if (seal === undefined) return
      const what = seal.kind === 'not' ? { why: `not sealed: ${seal.why}` } : { field: 'ARC-Seal', new: sealText(seal) }
      write('SIGN', { ...what, direction: delivery.side })
    },
    skipped(delivery, recipient, why) {
      write('PLAN', { ...addressed(recipient), why: `not tried now: ${why}`, direction: delivery.side })
    },
    carried(delivery, outcomes) {
      delivery.recipients.forEach((recipient, i) => {
        const outcome = outcomes[i]
        if (outcome === undefined) return
        if (outcome.kind === 'delivered') counts.delivered += 1
        write(eventOf[outcome.kind], { ...addressed(recipient), ...told(outcome), direction: delivery.side })
      })
      return outcomes
    },
    unreported(recipient, why) {
      write('PLAN', { recipients: [recipient], why: `its sender is not told that it was handed on: ${why}` })
    },
    queued(kind, recipient, why) {
      write(kind, { recipients: [recipient], why })
    },
  }
}

const sealText = ({ instance, signer }: SealNote & { kind: 'sealed' }): string =>
  `i=${instance} d=${signer.domain} s=${signer.selector} a=${signer.algorithm}`

const eventOf = { delivered: 'SEND', refused: 'FAIL', deferred: 'DEFER' } as const

const addressed = ({ given, rewritten }: PlannedRecipient): Partial<TraceEvent> => ({
  recipients: [rewritten],
  ...(given === rewritten ? {} : { old: given }),
})

function told({ kind, remote, reply, tls, why, spoke }: Outcome): Partial<TraceEvent> {
  const over = tls === '' ? '' : ` over ${tls}`
  // What nobody at the hop has said is ours, and reads as such, as in the lists of the queue.
  const words = spoke === true ? oneLine(reply) : `(${oneLine(reply)})`
  return { server: remote, reply: words, why: `${kind === 'delivered' ? 'delivered' : why}${over}` }
}

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

export const oneLine = (reply: Reply): string =>
  `${reply.code} ${reply.enhanced} ${reply.text.replaceAll(/\s+/g, ' ')}`.replace('  ', ' ')
