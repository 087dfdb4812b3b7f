/** Whoever comes to the listener: with which certificate, from where, by which name, and what it then says, byte for byte. */
import type { ConnectionOptions } from 'node:tls'
import type { Issued } from '../support/certificates.ts'
import { Client } from '../support/smtp-client.ts'

export type Who = {
  /** Presented after STARTTLS. `tls` without one: TLS, and no certificate. */
  readonly certificate?: Pick<Issued, 'chain' | 'key'>
  readonly tls?: true
  readonly serverName?: string
  /** Default: an address of loopback that nobody had before, so that no limit of one source is met. */
  readonly address?: string
  readonly ehlo?: string
  readonly more?: ConnectionOptions
  /** How long it waits for an answer. Default: some seconds. */
  readonly patienceMs?: number
}

let strangers = 0
/** Nobody's: 127.1.0.0/16 and up. A source that had many recipients refused is slowed down. */
export function strangeAddress(): string {
  strangers += 1
  return `127.${1 + (strangers >> 14)}.${(strangers >> 7) & 127}.${1 + (strangers & 127)}`
}

/** Connected, greeted, secured if wanted. */
export async function visit(port: number, who: Who = {}): Promise<Client> {
  const client = new Client(port, who.address ?? strangeAddress(), who.patienceMs)
  await client.reply('greeting')
  await client.ask(`EHLO ${who.ehlo ?? 'visitor.example'}`)
  if (who.certificate === undefined && who.tls === undefined) return client
  await client.ask('STARTTLS')
  const { certificate, serverName } = who
  await client.secure({
    ...(certificate === undefined ? {} : { cert: certificate.chain, key: certificate.key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...who.more,
  })
  await client.ask(`EHLO ${who.ehlo ?? 'visitor.example'}`)
  return client
}

export type Letter = {
  /** As it stands behind MAIL FROM: and RCPT TO:, with brackets and parameters. Each character is one byte. */
  readonly from: string
  readonly to: readonly string[]
  /** Without the final dot; dots are doubled here. */
  readonly content: string
}

/** The last word, and where it was said. */
export type Answer = { readonly at: 'MAIL' | 'RCPT' | 'DATA' | 'end'; readonly reply: string }

export async function submit(client: Client, { from, to, content }: Letter): Promise<Answer> {
  const say = (line: string): Promise<string> => {
    client.send(Buffer.from(`${line}\r\n`, 'latin1'))
    return client.reply(line)
  }
  const mail = await say(`MAIL FROM:${from}`)
  if (!mail.startsWith('250')) return { at: 'MAIL', reply: mail }
  const replies: string[] = []
  for (const recipient of to) replies.push(await say(`RCPT TO:${recipient}`))
  const refused = replies.find((reply) => !reply.startsWith('25'))
  if (refused !== undefined && !replies.some((reply) => reply.startsWith('25'))) return { at: 'RCPT', reply: refused }
  const data = await say('DATA')
  if (!data.startsWith('354')) return { at: 'DATA', reply: data }
  client.send(Buffer.from(`${content.replaceAll(/(^|\r\n)\./g, '$1..')}\r\n.\r\n`, 'latin1'))
  return { at: 'end', reply: await client.reply('end of DATA') }
}
