/** MAIL, RCPT, DATA, BDAT, RSET: a message on its way to the backend (RFC 5321 section 3.3, RFC 3030). */
import { makeAddress, parsePath } from '../../mail/address/address.ts'
import { hasBareLineEnds, normaliseLineEnds } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Incoming, MailFrom, Recipient } from './backend.ts'
import { ChunkReader } from './chunk-reader.ts'
import { type Conversation, mustBeLast, type Transaction } from './conversation.ts'
import { DotReader } from './dot-reader.ts'
import { Gather } from './gather.ts'
import { type Fault, mailParameters, rcptParameters, splitArgument } from './parameters.ts'

const beyondAscii = /[^\0-\x7f]/

export function mail(c: Conversation, argument: string): void {
  if (c.client.helo === '') return c.refuse('MAIL before EHLO', replies.badSequence('EHLO first'))
  if (c.transaction !== undefined) return c.refuse('nested MAIL', replies.badSequence('a transaction is already open'))
  if (c.messages >= c.house.limits.messagesPerConnection)
    return c.refuse('messages per connection', replies.tooManyMessages())
  const from = readMail(c, argument)
  if ('no' in from) return c.refuse(from.what, from.no)
  c.ask(
    'mail',
    () => c.house.backend.mail(c.client, from),
    (reply) => {
      if (accepted(reply)) c.transaction = { from, recipients: [] }
      c.say(reply ?? replies.senderOk())
    },
  )
}

type No = { readonly no: Reply; readonly what: string }

function readMail(c: Conversation, argument: string): MailFrom | No {
  const split = splitArgument(argument, 'FROM:')
  if (split === undefined) return { no: replies.badSyntax('MAIL FROM:<address>'), what: 'syntax of MAIL' }
  if (!c.client.esmtp && split.parameters !== '') return fault({ fault: 'unknown', parameter: 'after HELO' })
  const parameters = mailParameters(split.parameters, c.house.limits.messageBytes)
  if ('fault' in parameters) return fault(parameters)
  const path = parsePath(split.path)
  if (path.kind === 'bad') return { no: replies.badSender(), what: `sender: ${path.why}` }
  if (path.kind === 'postmaster') return { no: replies.badSender(), what: 'sender without a domain' }
  if (beyondAscii.test(split.path) && !parameters.smtputf8) return needsSmtputf8
  return { path, text: split.path, ...parameters }
}

/** RFC 6531 section 3.5. */
const needsSmtputf8: No = { no: replies.needsSmtputf8(), what: 'an address beyond ASCII without SMTPUTF8' }

function fault(f: Fault): No {
  const what = `parameter ${f.parameter}: ${f.fault}`
  if (f.fault === 'tooBig') return { no: replies.tooLarge(), what }
  return { no: f.fault === 'unknown' ? replies.unknownParameter(f.parameter) : replies.badParameter(f.parameter), what }
}

export function rcpt(c: Conversation, argument: string): void {
  const transaction = c.transaction
  if (transaction === undefined) return c.refuse('RCPT before MAIL', replies.badSequence('MAIL first'))
  if (transaction.chunks !== undefined) return c.refuse('RCPT after BDAT', replies.badSequence('BDAT has begun'))
  const { from, recipients } = transaction
  if (recipients.length >= c.house.limits.recipients)
    return c.decline('too many recipients', replies.tooManyRecipients())
  const to = readRcpt(c, from, argument)
  if ('no' in to) return c.refuse(to.what, to.no)
  c.ask(
    'rcpt',
    () => c.house.backend.rcpt(c.client, from, to, recipients),
    (reply) => {
      if (accepted(reply)) recipients.push(to)
      c.say(reply ?? replies.recipientOk())
    },
  )
}

function readRcpt(c: Conversation, from: MailFrom, argument: string): Recipient | No {
  const split = splitArgument(argument, 'TO:')
  if (split === undefined) return { no: replies.badSyntax('RCPT TO:<address>'), what: 'syntax of RCPT' }
  if (!c.client.esmtp && split.parameters !== '') return fault({ fault: 'unknown', parameter: 'after HELO' })
  const parameters = rcptParameters(split.parameters)
  if ('fault' in parameters) return fault(parameters)
  const path = parsePath(split.path)
  if (path.kind === 'bad') return { no: replies.badRecipient(), what: `recipient: ${path.why}` }
  if (path.kind === 'null') return { no: replies.badRecipient(), what: 'empty recipient' }
  if (beyondAscii.test(argument) && !from.smtputf8) return needsSmtputf8
  // RFC 5321 section 4.5.1: <postmaster> without a domain is the postmaster of this very server.
  const address = path.kind === 'postmaster' ? makeAddress('postmaster', c.house.hostname) : path.address
  return { address, text: split.path, ...parameters }
}

function accepted(reply: Reply | undefined): boolean {
  return reply === undefined || reply.code < 400
}

export function rset(c: Conversation): void {
  c.transaction = undefined
  c.say(replies.ok())
}

export function data(c: Conversation, argument: string): void {
  const transaction = c.transaction
  if (transaction === undefined) return c.refuse('DATA before MAIL', replies.badSequence('MAIL first'))
  if (transaction.chunks !== undefined) return c.refuse('DATA after BDAT', replies.badSequence('BDAT has begun')) // RFC 3030 section 2
  if (argument !== '') return c.refuse('DATA with a parameter', replies.badSyntax('DATA'))
  if (transaction.recipients.length === 0) return c.refuse('DATA without recipients', replies.noRecipients())
  if (!mustBeLast(c, 'DATA')) return
  // One more than the limit: the CR of the end mark is gathered for a moment when it is the last byte of a chunk.
  const gather = new Gather(c.house.limits.messageBytes + 1, transaction.from.size)
  const reader = new DotReader(gather)
  c.content = { push: (chunk, from) => reader.push(chunk, from), done: () => finish(c, transaction, gather, 'DATA') }
  c.say(replies.sendMessage())
}

const chunkShape = /^([0-9]{1,20})( +LAST)?$/i

export function bdat(c: Conversation, argument: string): void {
  const shape = chunkShape.exec(argument)
  const bytes = Number(shape?.[1])
  // Without a size nobody knows where the next command begins; beyond the bound nobody waits for it.
  if (shape === null || bytes > c.house.limits.discardBytes) {
    c.refuse(
      'BDAT without a possible size',
      shape === null ? replies.badSyntax('BDAT size [LAST]') : replies.tooLarge(),
    )
    return c.close()
  }
  const chunks = beginChunks(c, bytes)
  const done = () => chunkDone(c, chunks, bytes, shape[2] !== undefined)
  // Also a chunk that must be refused is read to its end first (RFC 3030 section 2).
  const reader = new ChunkReader(bytes, chunks)
  if (bytes === 0) return done()
  c.content = { push: (chunk, from) => reader.push(chunk, from), done }
}

/** Where the chunk goes; undefined: it will be refused. */
function beginChunks(c: Conversation, bytes: number): Gather | undefined {
  const transaction = c.transaction
  if (transaction === undefined || transaction.recipients.length === 0) return undefined
  transaction.chunks ??= new Gather(c.house.limits.messageBytes, Math.max(bytes, transaction.from.size ?? 0))
  return transaction.chunks
}

function chunkDone(c: Conversation, chunks: Gather | undefined, bytes: number, isLast: boolean): void {
  const transaction = c.transaction
  if (transaction === undefined) return c.refuse('BDAT before MAIL', replies.badSequence('MAIL first'))
  if (chunks === undefined) return c.refuse('BDAT without recipients', replies.noRecipients())
  if (isLast || chunks.overflowed) return finish(c, transaction, chunks, 'BDAT')
  c.say(replies.chunkTaken(bytes))
}

/** The message is whole, or too large: either way the transaction is over. */
function finish(c: Conversation, transaction: Transaction, gather: Gather, via: 'DATA' | 'BDAT'): void {
  c.transaction = undefined
  const { limits, bareLineEnds, backend } = c.house
  if (gather.overflowed || gather.length > limits.messageBytes) return c.refuse('message too large', replies.tooLarge())
  const taken = gather.take()
  const raw = via === 'DATA' ? withoutBareLineEnds(taken, bareLineEnds) : taken
  if (raw === undefined) return c.refuse('NUL or bare line ends in DATA', replies.badContent())
  const incoming: Incoming = {
    client: c.client,
    mailFrom: transaction.from,
    recipients: transaction.recipients,
    raw,
    via,
  }
  c.messages++
  c.idleCommands = 0
  c.ask(
    'message',
    () => backend.message(incoming),
    (reply) => c.say(reply),
  )
}

/** RFC 5321 section 2.3.8 and 4.1.1.4. NUL has no reading that is right, so it is refused, never removed. */
function withoutBareLineEnds(raw: Buffer, policy: 'refuse' | 'normalise'): Buffer | undefined {
  if (!hasBareLineEnds(raw)) return raw
  if (policy === 'refuse' || raw.includes(0)) return undefined
  return normaliseLineEnds(raw)
}
