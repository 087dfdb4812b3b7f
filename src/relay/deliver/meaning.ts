/** What Exchange Online's replies mean beyond their class, for the person who set the gateway up and for the next try. */
import type { Reply } from '../../mail/reply/reply.ts'

/** throttled: it takes less than we bring. operator: nothing gets better before somebody mends the setup. */
export type Meaning = 'throttled' | 'operator'

type Row = {
  readonly when: RegExp
  readonly say: string
  readonly means?: Meaning
  /** It is said of one mailbox; others behind the same hop are none the slower. */
  readonly isMailbox?: true
}

/**
 * First match wins. The texts are in "Email non-delivery reports in Exchange Online" and the articles it links. Matched
 * against `code enhanced text`.
 */
const table: readonly Row[] = [
  {
    when: /\b5\.7\.64\b.*ATTR36/i,
    say: "a connector matched, but neither the certificate's domain nor the MAIL FROM domain is an accepted domain of the tenant",
    means: 'operator',
  },
  {
    when: /\b5\.7\.64\b/,
    say: 'no inbound connector of the tenant matches: check the certificate we present (with its intermediates), its name and our address',
    means: 'operator',
  },
  {
    when: /\b4\.4\.62\b|ATTR35/i,
    say: "wrong host for this tenant, or no inbound connector: hand over to the tenant's own …mail.protection.outlook.com",
    means: 'operator',
  },
  {
    when: /\b5\.7\.367\b/,
    say: 'the server behind the tenant does not let Exchange Online relay: check its allowed addresses',
  },
  {
    when: /\b5\.7\.750\b/,
    say: 'too much mail from a domain that is not registered in this tenant: add it as an accepted domain',
    means: 'operator',
  },
  {
    when: /\b5\.7\.70[58]\b/,
    say: 'Microsoft limits this tenant (spam threshold, or a trial tenant)',
    means: 'operator',
  },
  { when: /\b5\.7\.703\b/, say: "an entry of the tenant's Tenant Allow/Block List blocks it" },
  {
    when: /\b5\.7\.520\b|AS\(7555\)/,
    say: 'the outbound spam policy forbids external forwarding: set AutoForwardingMode to On',
  },
  {
    when: /\b5\.7\.57\b/,
    say: "this is the endpoint for clients: use the tenant's MX host instead of smtp.office365.com",
    means: 'operator',
  },
  { when: /\b5\.7\.509\b/, say: 'the From domain fails DMARC there: check its DKIM key and SPF record' },
  { when: /\b5\.7\.512\b/, say: 'the From field is not one plain address (RFC 5322 section 3.6.2)' },
  {
    when: /\b5\.7\.(12|124|133|134|136|193)\b/,
    say: 'the recipient takes mail from inside its organisation only: allow outside senders',
  },
  {
    when: /\b5\.4\.1\b/,
    say: 'the domain is not an accepted domain there, or the recipient is unknown (usual during a cutover)',
  },
  { when: /\b5\.1\.1(0)?\b/, say: 'the mailbox does not exist there: check the directory entry' },
  { when: /\b5\.4\.(14|6)\b|ATTR34/i, say: 'a mail loop between the systems: check who routes this address where' },
  { when: /\b4\.5\.3\b/, say: 'more recipients in one message than it takes; the rest follows' },
  {
    when: /\b4\.7\.(5|6)\d\d\b|\b4\.7\.8[5-9]\d\b/,
    say: 'it slows our address down (reputation); an inbound connector for the gateway ends this',
    means: 'throttled',
  },
  {
    when: /\b432\b.*4\.3\.2\b|recipient thread limit/i,
    say: "the recipient's mailbox is throttled; it will be tried again",
    means: 'throttled',
    isMailbox: true,
  },
  {
    when: /\b5\.2\.12[12]\b/,
    say: 'the mailbox has reached its hourly limit of messages',
    means: 'throttled',
    isMailbox: true,
  },
  {
    when: /\b(4\.7\.26|\b5\.7\.25|\b5\.7\.508|\b5\.7\.510)\b/,
    say: 'it does not like our IPv6 address: send over IPv4 or set up its PTR, SPF and DKIM',
    means: 'operator',
  },
  { when: /\b5\.6\.11\b/, say: 'the message has bare CR or LF characters' },
  { when: /\b5\.1\.20\b/, say: 'more than one From address' },
  { when: /\b5\.7\.506\b/, say: 'our EHLO name is wrong: gateway.hostname must be our own name', means: 'operator' },
  {
    when: /\b5\.7\.6(0[6-9]|[1-4]\d)\b/,
    say: "our address is on Microsoft's block list: ask for removal at sender.office.com",
    means: 'operator',
  },
  { when: /\b5\.7\.23[23]\b|\b5\.1\.90\b/, say: 'the tenant has reached its limit of recipients', means: 'throttled' },
]

/** What to do about a reply, in one sentence for the operator; undefined when we know nothing beyond its words. */
export const advice = (reply: Reply): string | undefined => rowOf(reply)?.say

/** What a reply that is no yes means for the next try; undefined: no more than its class says. */
export const meaningOf = (reply: Reply): Meaning | undefined => rowOf(reply)?.means

/** The whole hop takes less for now, not one mailbox behind it. */
export function slowsHop(reply: Reply): boolean {
  const row = rowOf(reply)
  return row?.means === 'throttled' && row.isMailbox !== true
}

function rowOf(reply: Reply): Row | undefined {
  if (reply.code < 400) return undefined
  const said = `${reply.code} ${reply.enhanced} ${reply.text}`
  return table.find((row) => row.when.test(said))
}
