/**
 * What Exchange does with a message that it has: mailbox, outbound connector to the gateway, or the internet.
 * The rule of the connector is Microsoft's own for add-on services: messages from inside are handed to the gateway, except
 * those that carry the field which shows that they were there ("Integrate Exchange Online with an email add-on service").
 */

import type { NextHop } from '../../project/project.ts'
import { fieldText, type Stored } from '../letter/letter.ts'
import type { Letter, Post, Sent } from '../post/post.ts'
import type { Mailbox } from '../user/user.ts'
import { exchangeReplies } from './exchange-replies.ts'
import { type Directory, kindOf, withoutTag } from './recipients.ts'

/** The outbound connector and its transport rule. */
export type GatewayConnector = {
  readonly hop: NextHop
  /** A field that a transport rule adds, so that the gateway knows whose mail it is. */
  readonly secret?: { readonly header: string; readonly value: string }
  /** What Exchange Online writes of itself: whose mail it is. */
  readonly organisation?: { readonly header: string; readonly value: string }
}

/** One line of the tenant's message trace. */
export type Leg = {
  readonly messageId: string
  readonly mailFrom: string
  readonly way: 'mailbox' | 'gateway' | 'internet'
  /** Why the session that brought it was this tenant's; absent for what a user wrote or a stranger brought. */
  readonly attribution?: string
  readonly sent: Sent
}

export type Transport = {
  readonly directory: Directory
  mailboxOf(address: string): Mailbox<Stored> | undefined
  readonly post: Post
  gateway(): GatewayConnector | undefined
  readonly legs: Leg[]
}

const passField = 'x-causeway-pass'

/** Each recipient by its way; what stays inside is never changed. */
export async function carry(t: Transport, letter: Letter, attribution?: string): Promise<readonly Sent[]> {
  const wasAtGateway = fieldText(letter.raw, passField) !== ''
  const ways = Map.groupBy(letter.recipients, (recipient) => wayOf(t, recipient, wasAtGateway))
  const messageId = fieldText(letter.raw, 'message-id')
  const sent = await Promise.all(
    [...ways].map(async ([way, recipients]) => {
      const results = await go(t, way, { ...letter, recipients })
      const leg = {
        messageId,
        mailFrom: letter.mailFrom,
        way: way === 'nowhere' ? 'mailbox' : way,
        ...(attribution === undefined ? {} : { attribution }),
      } as const
      t.legs.push(...results.map((each) => ({ ...leg, sent: each })))
      return results
    }),
  )
  const results = new Map(sent.flat().map((each) => [each.recipient, each]))
  return letter.recipients.flatMap((recipient) => results.get(recipient) ?? [])
}

type Way = Leg['way'] | 'nowhere'

function wayOf(t: Transport, recipient: string, wasAtGateway: boolean): Way {
  const kind = kindOf(t.directory, recipient)
  if (kind === 'mailbox') return 'mailbox'
  if (kind === 'unknown') return 'nowhere'
  if (kind === 'redirected') return wasAtGateway ? 'nowhere' : 'gateway'
  return t.gateway() === undefined || wasAtGateway ? 'internet' : 'gateway'
}

function go(t: Transport, way: Way, letter: Letter): Promise<readonly Sent[]> {
  switch (way) {
    case 'mailbox':
      return Promise.resolve(letter.recipients.map((recipient) => keep(t, letter, recipient)))
    case 'gateway':
      return viaGateway(t, letter)
    case 'internet':
      return t.post.send(letter)
    case 'nowhere':
      return Promise.resolve(letter.recipients.map(unknown))
  }
}

function viaGateway(t: Transport, letter: Letter): Promise<readonly Sent[]> {
  const connector = t.gateway()
  if (connector === undefined) return t.post.send(letter)
  const { secret, organisation, hop } = connector
  const fields = [secret, organisation].flatMap((f) => (f === undefined ? [] : [`${f.header}: ${f.value}\r\n`]))
  return t.post.send({ ...letter, raw: Buffer.concat([Buffer.from(fields.join(''), 'latin1'), letter.raw]) }, hop)
}

function keep(t: Transport, letter: Letter, recipient: string): Sent {
  const mailbox = t.mailboxOf(withoutTag(recipient))
  if (mailbox === undefined) return unknown(recipient)
  mailbox.deliver({ raw: letter.raw, mailFrom: letter.mailFrom, recipient })
  return { recipient, kind: 'delivered', reply: '250 2.0.0 delivered to the mailbox', remote: '', tls: '' }
}

function unknown(recipient: string): Sent {
  const { code, enhanced, text } = exchangeReplies.notFound(recipient)
  return { recipient, kind: 'refused', reply: `${code} ${enhanced} ${text}`, remote: '', tls: '' }
}
