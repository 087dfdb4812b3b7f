/** What is checked, in the form in which it goes to the thread. */
import { domainKey } from '../../mail/address/address.ts'
import type { Message } from '../../mail/message/message.ts'
import type { Client, MailFrom } from '../listen/listen.ts'
import { type Authors, readAuthors } from './authors.ts'

export type Subject = {
  readonly address: string
  readonly helo: string
  /** `local@domain` with the domain as A-label; '' is the null sender. */
  readonly sender: string
  readonly hostname: string
  readonly authors: Authors
  /** The message, or its header alone where nothing in it is signed. A view: what waits for the thread costs nothing. */
  readonly content: Uint8Array
}

export type Checkable = {
  readonly client: Pick<Client, 'address' | 'helo'>
  readonly mailFrom: MailFrom
  readonly message: Message
  readonly hostname: string
}

export function subjectOf({ client, mailFrom, message, hostname }: Checkable): Subject {
  const isSigned = message.header.fields.some(({ key }) => key === 'dkim-signature' || key.startsWith('arc-'))
  const { raw, bodyStart } = message
  return {
    address: client.address,
    helo: client.helo,
    sender: senderOf(mailFrom),
    hostname,
    authors: readAuthors(message.header),
    content: isSigned ? raw : raw.subarray(0, bodyStart),
  }
}

/** RFC 8616 section 4: the domain is asked for as A-label. */
function senderOf({ path }: MailFrom): string {
  if (path.kind === 'null') return ''
  const { local, domain } = path.address
  return `${local}@${domainKey(domain) || domain}`
}
