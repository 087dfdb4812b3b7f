/** The SMTP border of a tenant: who may hand in what. Judges; what becomes of a message is transport's business. */
import { X509Certificate } from 'node:crypto'
import { all, fieldValue, unfold } from '../../mail/header/header.ts'
import { type Message, readMessage } from '../../mail/message/message.ts'
import type { Reply } from '../../mail/reply/reply.ts'
import type { Backend, Client, Incoming, MailFrom } from '../../relay/listen/listen.ts'
import { addressesIn } from '../letter/letter.ts'
import { type Attribution, attribute, type Connector, verifiedNames } from './attribution.ts'
import { exchangeReplies } from './exchange-replies.ts'
import { type Directory, recipientReply } from './recipients.ts'

export type BorderOptions = {
  readonly hostname: string
  readonly connectors: readonly Connector[]
  readonly directory: Directory
  /** PEM of the authorities whose client certificates count. */
  readonly roots: readonly string[]
  /** A message that was taken, with our Received on top. */
  taken(incoming: Incoming, raw: Buffer, attribution: Attribution): void
}

/** Exchange Online gives up after about so many rounds. */
const maxRounds = 20

export function makeBorder(o: BorderOptions): Backend {
  const roots = o.roots.map((pem) => new X509Certificate(pem))
  const border = { domains: o.directory.domains, connectors: o.connectors }
  const attributed = (client: Client, from: MailFrom): Attribution => {
    const certificateNames = verifiedNames(client.tls?.peerChain ?? [], roots, new Date())
    return attribute(border, { address: client.address, certificateNames }, from.text)
  }
  return {
    mail: (client) => (client.helo.toLowerCase() === o.hostname ? exchangeReplies.badHelo() : undefined),
    rcpt: (client, from, to, sofar) =>
      recipientReply(
        o.directory,
        attributed(client, from),
        to.text,
        sofar.map((r) => r.text),
      ),
    message(incoming) {
      const message = readMessage(incoming.raw)
      const problem = messageProblem(message, o.hostname)
      if (problem !== undefined) return problem
      const attribution = attributed(incoming.client, incoming.mailFrom)
      o.taken(
        incoming,
        Buffer.concat([Buffer.from(receivedLine(o.hostname, incoming)), withoutOrganization(message)]),
        attribution,
      )
      const messageId = all(message.header, 'message-id')[0]
      return exchangeReplies.queued(messageId === undefined ? '<>' : unfold(fieldValue(messageId)))
    },
  }
}

function messageProblem(message: Message, hostname: string): Reply | undefined {
  const rounds = all(message.header, 'received').filter((field) =>
    unfold(fieldValue(field)).includes(`by ${hostname} `),
  ).length
  if (rounds >= maxRounds) return exchangeReplies.hopCount()
  const authors = addressesIn(message.raw, 'from')
  if (authors.length === 0) return exchangeReplies.badFrom()
  const isOne =
    authors.length === 1 || (all(message.header, 'from').length === 1 && all(message.header, 'sender').length === 1)
  return isOne ? undefined : exchangeReplies.severalFrom()
}

/** The border removes what only its own organization may say (Microsoft, "Header firewall"). */
function withoutOrganization(message: Message): Buffer {
  const isInternal = (key: string) => key.startsWith('x-ms-exchange-organization-')
  const { fields } = message.header
  if (!fields.some((field) => isInternal(field.key))) return message.raw
  const kept = fields.filter((field) => !isInternal(field.key)).map((field) => field.raw)
  return Buffer.concat([Buffer.from(`${kept.join('')}\r\n`, 'latin1'), message.body])
}

export function receivedLine(hostname: string, { client }: Pick<Incoming, 'client'>): string {
  const tls =
    client.tls === undefined ? 'ESMTP' : `ESMTPS (version=${client.tls.protocol}, cipher=${client.tls.cipher})`
  const date = new Date().toUTCString().replace('GMT', '+0000')
  return `Received: from ${client.helo} (${client.address})\r\n by ${hostname} with ${tls};\r\n ${date}\r\n`
}
