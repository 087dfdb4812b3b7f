/**
 * Who is told what became of a message (RFC 3461, RFC 3464): one report an occasion, for all recipients whom it is about.
 *
 * Promises: NOTIFY and RET are honoured; a report speaks of recipients as the sender wrote them, and names no internal address
 *   and no host of another tenant than the sender's.
 * Never: writes to the internet, to `<>` or about a report of our own: the sender of such mail may be anybody.
 * On failure: there is none; undefined means that nobody is to be told.
 */
import { randomUUIDv7 } from 'node:crypto'
import { domainKey } from '../../mail/address/address.ts'
import { type Field, fieldValue, first, headerText, unfold } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { type ReportKind, type Returned, writeReport } from '../../mail/report/report.ts'
import type { Project } from '../../project/project.ts'
import type { NewMessage } from '../../queue/queue.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { factsText, type Kept, laneOfTenant, ownEnvelope } from '../keep/keep.ts'
import { withoutSecrets } from '../rewrite/rewrite.ts'
import { aboutRecipient, type Fate } from './about-recipient.ts'
import { readerOf } from './words.ts'
import { fromXtext } from './xtext.ts'

export type { Fate } from './about-recipient.ts'
export { type AsWritten, type Reader, readerOf, wordsFor } from './words.ts'

export type Occasion = {
  readonly project: Project
  readonly kind: ReportKind
  /** Of the message that it is about, as in the trace. */
  readonly id: string
  readonly kept: Pick<Kept, 'mailFrom' | 'peer' | 'arrivedAt'>
  /** As it came, or as it was kept. */
  readonly content: Buffer
  readonly recipients: readonly Fate[]
  readonly now: Date
  /** Of `delayed`: when it is given up. */
  readonly giveUpAt?: Date
}

/** The report, to be put into the queue. */
export function reportFor(occasion: Occasion): NewMessage | undefined {
  const { kept, kind, now } = occasion
  const { peer, mailFrom } = kept
  if (peer.kind !== 'tenant' || mailFrom.path.kind !== 'address') return undefined
  const told = occasion.recipients.filter(({ recipient }) => wants(recipient.notify, kind))
  if (told.length === 0) return undefined
  const id = randomUUIDv7()
  const report = writtenReport(occasion, peer.tenant, told, id)
  const { header } = readMessage(report)
  const text = (key: string): string => unfold(fieldValue(first(header, key) ?? { key, raw: '', colon: -1 }))
  return {
    id,
    sender: '',
    peer: 'causeway',
    messageId: text('message-id'),
    subject: text('subject'),
    envelope: ownEnvelope({ tenant: peer.tenant, now, smtputf8: needsUtf8(mailFrom.text) }),
    content: [report],
    recipients: [
      {
        address: mailFrom.text,
        domain: domainKey(mailFrom.path.address.domain),
        // RFC 3464 section 2: nobody is told what becomes of a report.
        facts: factsText({ address: mailFrom.path.address, text: mailFrom.text, notify: 'NEVER' }),
        lane: laneOfTenant(peer.tenant),
        state: 'waiting',
        attempts: 0,
        reply: '',
        why: `a report about ${occasion.id}`,
      },
    ],
  }
}

const asked = { failed: 'FAILURE', delayed: 'DELAY', relayed: 'SUCCESS' } as const

/**
 * RFC 3461 section 4.1. Without NOTIFY the choice is ours (section 4.1, last paragraph): people want to know of trouble, and of
 * nothing else.
 */
function wants(notify: string | undefined, kind: ReportKind): boolean {
  if (notify === undefined) return kind !== 'relayed'
  return notify.split(',').includes(asked[kind])
}

/**
 * RFC 3461 section 5.2.2: who asked to hear of success is told that the trail ends, where the next hop did not offer DSN. Where
 * it did, that hop has the question now.
 */
export function endsTrail(notify: string | undefined, outcome: Pick<Outcome, 'kind' | 'dsn'>): boolean {
  return outcome.kind === 'delivered' && outcome.dsn === false && wants(notify, 'relayed')
}

/**
 * UTF-8 only for a reader who cannot be reached without it: any server takes the other form, and says the same
 * (docs/decisions/reports.md).
 */
function needsUtf8(sender: string): boolean {
  return /[^\x00-\x7f]/.test(sender)
}

function writtenReport(occasion: Occasion, tenant: string, told: readonly Fate[], id: string): Buffer {
  const { project, kind, kept, now, giveUpAt } = occasion
  const { mailFrom, arrivedAt } = kept
  const written = occasion.recipients.map(({ recipient, rewritten }) => ({ given: recipient.text, rewritten }))
  const reader = readerOf(project, tenant, written)
  return writeReport({
    kind,
    hostname: project.gateway.hostname,
    date: now,
    id,
    to: mailFrom.text,
    ...(mailFrom.envid === undefined ? {} : { originalEnvelopeId: fromXtext(mailFrom.envid) }),
    arrival: new Date(arrivedAt),
    ...(giveUpAt === undefined ? {} : { giveUpAt }),
    recipients: told.map((fate) => aboutRecipient(reader, kind, fate)),
    returned: returned(occasion),
    smtputf8: needsUtf8(mailFrom.text),
  })
}

/** RFC 3461 section 4.3: the whole message only on request, and only when somebody did not get it. */
function returned({ project, kind, kept, content }: Occasion): Returned {
  const message = readMessage(content)
  const fields = withoutSecrets(project, message.header).fields.filter((field) => !isOfOurs(field))
  const text = headerText({ fields })
  if (kind !== 'failed' || kept.mailFrom.ret !== 'FULL') return { kind: 'headers', text }
  const rest = content.subarray(headerText(message.header).length)
  return { kind: 'message', content: [Buffer.from(text, 'latin1'), rest] }
}

/** What we gave to copies that left is for nobody's eyes, also where a reader must look twice to see its name. */
function isOfOurs({ raw }: Field): boolean {
  return /^[^:]{0,200}/.exec(raw)?.[0].replaceAll(/\s/g, '').toLowerCase().startsWith('x-causeway-') ?? false
}
