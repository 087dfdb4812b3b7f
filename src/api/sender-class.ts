/**
 * How long a sender that was asked to come back keeps trying. Nobody says so in SMTP, so it is told from the client's name;
 * where that tells nothing, the shortest patience that is common counts: a countdown that ends too early costs a look, one
 * that ends too late costs mail. What the sender did so far tells nothing either: a second message of the same pair looks
 * like the patience of the first.
 */

export type SenderClass = {
  readonly kind: 'exchange-online' | 'exchange-server' | 'service' | 'others'
  /** After the first attempt, at the earliest. */
  readonly givesUpAfterMs: number
  /** Whose patience it is, and how that is known. */
  readonly why: string
}

const hourMs = 3_600_000
const hours = (count: number): number => count * hourMs

/** From when on a countdown is a warning: Exchange Online, the sender that matters most here, has a day. */
export const warnAtMs = hours(20)

/** So long before the next one gives up. */
export const warnLeftMs = hours(4)

const rows: readonly (SenderClass & { readonly when: RegExp })[] = [
  {
    when: /(?:^|\.)(?:outbound\.protection\.(?:outlook\.com|office365\.us)|protection\.partner\.outlook\.cn|prod\.outlook\.com)$/i,
    kind: 'exchange-online',
    givesUpAfterMs: hours(24),
    why: 'Exchange Online gives up after a day',
  },
  // https://help.mailgun.com/hc/en-us/articles/28956111811355
  {
    when: /(?:^|\.)mailgun\.(?:net|org|co)$/i,
    kind: 'service',
    givesUpAfterMs: hours(8),
    why: 'Mailgun gives up after 8 hours',
  },
  // As customers of the service report it: http://kb.blackbaud.com/articles/Knowledge/24058
  {
    when: /(?:^|\.)amazonses\.com$/i,
    kind: 'service',
    givesUpAfterMs: hours(12),
    why: 'Amazon SES gives up after 12 hours',
  },
  // https://support.sendgrid.com/hc/en-us/articles/360041316874
  {
    when: /(?:^|\.)sendgrid\.net$/i,
    kind: 'service',
    givesUpAfterMs: hours(72),
    why: 'SendGrid gives up after three days',
  },
  {
    when: /\.(?:local|lan|corp|internal|intern)$|^(?:[a-z0-9-]*-)?(?:exch(?:ange)?|mbx|cas|edge)[0-9-]*\./i,
    kind: 'exchange-server',
    givesUpAfterMs: hours(48),
    why: 'named like an Exchange Server, which gives up after two days',
  },
]

/** Postfix, Exim and their like try for four or five days (RFC 5321 section 4.5.4.1), but nothing obliges them to. */
const others: SenderClass = {
  kind: 'others',
  givesUpAfterMs: hours(24),
  why: 'unknown: counted with a day, though most try for four to five',
}

/** `helo`: the name that the client gave itself. */
export function classOf(helo: string): SenderClass {
  const name = helo.replace(/\.$/, '')
  return rows.find((row) => row.when.test(name)) ?? others
}
