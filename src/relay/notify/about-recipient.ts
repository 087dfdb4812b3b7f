/** One recipient in a report: what is said to programs, what to people. */
import type { ReportKind, ReportRecipient } from '../../mail/report/report.ts'
import type { Recipient } from '../listen/listen.ts'
import { inPlainWords } from './plain-words.ts'
import { type Reader, wordsFor } from './words.ts'
import { originalRecipient } from './xtext.ts'

/** refused: for good, by a next hop. expired: tried for long enough. returned: an operator sends it back. */
export type End = 'refused' | 'expired' | 'returned'

/** What happened to one recipient. */
export type Fate = {
  /** As it came, with the parameters of RFC 3461. */
  readonly recipient: Pick<Recipient, 'text' | 'notify' | 'orcpt'>
  /** The address that the next hop was given. */
  readonly rewritten: string
  /** Of no meaning for a warning, and for who was handed on. */
  readonly end: End
  /** The last words of the next hop, code first, or ours in their place; '' = it was never asked. */
  readonly reply: string
  /** They are the next hop's. "No such recipient here", said by us, must not be laid into the mouth of another server. */
  readonly spoke: boolean
  /** Whose next hop it was; absent: a server of the outside, or not known. */
  readonly tenant?: string
  /** `Outcome.remote`, when there was an attempt. */
  readonly remote?: string
  readonly lastAttemptAt?: number
}

/** What the sender is told about it. */
export function aboutRecipient(reader: Reader, kind: ReportKind, fate: Fate): ReportRecipient {
  const { recipient, rewritten, tenant, reply, spoke, remote = '', lastAttemptAt } = fate
  // `host [address]:port` when it was reached.
  const [, host = '', address = ''] = /^(\S+) \[([^\]]+)\]/.exec(remote) ?? []
  const isForeign = tenant !== undefined && tenant !== reader.own?.name
  const about = { given: recipient.text, rewritten }
  return {
    address: recipient.text,
    ...(recipient.orcpt === undefined ? {} : { originalRecipient: originalRecipient(recipient.orcpt) }),
    status: statusOf(fate, kind),
    diagnostic: wordsFor(reader, about, reply, isForeign ? [host, address] : []),
    ...(spoke ? {} : { isOurs: true }),
    // RFC 3464 section 2.3.5: the server that told us; one that never spoke has told nothing.
    ...(spoke && tenant === undefined && host !== '' ? { remote: host } : {}),
    why: inPlainWords(kind, fate),
    ...(lastAttemptAt === undefined ? {} : { lastAttempt: new Date(lastAttemptAt) }),
  }
}

/** RFC 3463: delivery time expired; what the hop said last is in its words. An operator needs no reason that has a number. */
const ofEnd = { expired: '4.4.7', returned: '5.0.0' } as const

function statusOf({ end, reply }: Fate, kind: ReportKind): string {
  if (kind === 'failed' && end !== 'refused') return ofEnd[end]
  const [, code = '', enhanced] = /^([2-5])\d\d[ -](?:([245]\.\d{1,3}\.\d{1,3})\b)?/.exec(reply) ?? []
  if (enhanced !== undefined) return enhanced
  if (kind === 'relayed') return '2.0.0'
  return code === '4' || kind === 'delayed' ? '4.0.0' : '5.0.0'
}
