/** What a person who wrote a message is told about a recipient who did not get it: what happened, and what to do. */
import type { ReportKind } from '../../mail/report/report.ts'
import type { Fate } from './about-recipient.ts'

/** `isOfTheirs`: it speaks of rules of the other server, which has to have spoken for that. */
type Row = { readonly when: RegExp; readonly say: string; readonly isOfTheirs?: true }

/**
 * By the enhanced code (RFC 3463; Exchange's own are in "Email non-delivery reports in Exchange Online"), else by the code of the
 * reply. First match wins. Matched against the words of the next hop, code first.
 */
const refusals: readonly Row[] = [
  {
    when: /^... 5\.(?:1\.(?:0|1|3|6|10)|4\.1)\b/,
    say: 'The address was not found there. Check how it is spelled and send the message again. If it is right, ask the recipient by other means, or your administrator.',
  },
  {
    when: /^... 5\.(?:1\.2|4\.4|4\.310)\b/,
    say: 'The domain of the address takes no mail. Check how it is spelled and send the message again.',
  },
  {
    when: /^... 5\.2\.2\b/,
    say: 'The mailbox is full. Tell the recipient by other means, or send the message again later.',
  },
  { when: /^... 5\.2\.1\b/, say: 'The mailbox does not take mail at present. Reach the recipient by other means.' },
  {
    when: /^... 5\.(?:2\.3|3\.4)\b|^552(?! 5)/,
    say: 'The message is larger than the other server takes. Send it with smaller attachments, or share a link to them.',
  },
  {
    when: /^... 5\.7\.(?:12|124|133|134|136|193)\b/,
    say: 'The recipient takes mail only from senders inside the own organisation. Ask the recipient, or the administrator there, to let your mail in.',
  },
  {
    when: /^... 5\.4\.(?:6|14)\b/,
    say: 'The message went in a circle between mail systems. Forward this report to your administrator: it is no fault of yours.',
  },
  {
    when: /^... 5\.6\.7\b/,
    say: 'The address or the message has characters that the other server does not take. Use another address of the recipient, if there is one.',
  },
  { when: /^... 5\.6\./, say: 'The other server does not take the contents of the message.' },
  {
    when: /^... 5\.7\./,
    say: 'The rules of the other server do not let the message in. Its own words say why; your administrator can help.',
    isOfTheirs: true,
  },
]

export function inPlainWords(kind: ReportKind, { end, reply, spoke }: Pick<Fate, 'end' | 'reply' | 'spoke'>): string {
  if (kind === 'delayed') return 'The other server does not take the message at the moment, or cannot be reached.'
  // RFC 3461 section 5.2.2: a success report may never come.
  if (kind === 'relayed')
    return 'The other server took the message. It does not say when it has reached the mailbox: this is the last that you hear of it, unless it fails there.'
  switch (end) {
    case 'refused':
      return refused(reply, spoke)
    case 'expired':
      if (!spoke)
        return 'The message could not be handed to the other server in time, although it was tried again and again. Send it again later, or reach the recipient by other means.'
      return 'The other server did not take the message in time, although it was tried again and again. Send it again later, or reach the recipient by other means.'
    case 'returned':
      return 'The message was waiting for delivery, and an administrator had it returned to you.'
  }
}

function refused(reply: string, spoke: boolean): string {
  const row = refusals.find(({ when }) => when.test(reply))
  if (!spoke && (row === undefined || row.isOfTheirs === true))
    return 'Our mail system has no way to deliver the message. Its words say why; your administrator can help.'
  return row?.say ?? 'The other server refused the message for good.'
}
