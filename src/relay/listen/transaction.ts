/** MAIL, RCPT, DATA, BDAT, RSET: a message on its way to the backend (RFC 5321 section 3.3, RFC 3030). */
import { setTimeout as sleep } from 'node:timers/promises'
import { makeAddress, parsePath } from '../../mail/address/address.ts'
import { HeaderMeter } from '../../mail/header/header.ts'
import { hasBareLineEnds, normaliseLineEnds } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Incoming, MailFrom, Recipient, Soon } from './backend.ts'
import { ChunkReader } from './chunk-reader.ts'
import { type Conversation, mustBeLast, type Transaction } from './conversation.ts'
import { DotReader } from './dot-reader.ts'
import { Gather, type Guard, type Room } from './gather.ts'
import type { LimitName, Limits } from './limits.ts'
import { type Fault, mailParameters, rcptParameters, splitArgument } from './parameters.ts'
import type { Cargo } from './places.ts'
import { messageRefused, noPlace } from './refusals.ts'

const beyondAscii = /[^\0-\x7f]/

export function mail(c: Conversation, argument: string): void {
  if (c.client.helo === '') return c.refuse('MAIL before EHLO', replies.badSequence('EHLO first'))
  if (c.transaction !== undefined) return c.refuse('nested MAIL', replies.badSequence('a transaction is already open'))
  if (c.messages >= c.house.limits.messagesPerConnection)
    return c.refuse('messages per connection', replies.tooManyMessages(), 'messagesPerConnection')
  if (c.stay.isUnproven)
    return c.refuse('limit connectionsOfInternet: no tenant', noPlace('connectionsOfInternet'), 'connectionsOfInternet')
  const from = readMail(c, argument)
  if ('no' in from) return c.refuse(from.what, from.no, from.limit)
  const cargo = c.stay.cargo()
  // Whoever says how much will come is told now, before it does.
  const full = cargo.noRoomFor(from.size ?? 0)
  if (full !== undefined) return c.decline(`limit ${full}`, messageRefused(full, c.house.limits), full)
  c.ask(
    'mail',
    () => c.house.backend.mail(c.client, from),
    (reply) => {
      if (accepted(reply)) c.transaction = { from, recipients: [], cargo }
      c.say(reply ?? replies.senderOk())
    },
  )
}

type No = { readonly no: Reply; readonly what: string; readonly limit?: LimitName }

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
  if (f.fault === 'tooBig') return { no: replies.tooLarge(), what, limit: 'messageBytes' }
  return { no: f.fault === 'unknown' ? replies.unknownParameter(f.parameter) : replies.badParameter(f.parameter), what }
}

export function rcpt(c: Conversation, argument: string): void {
  const transaction = c.transaction
  if (transaction === undefined) return c.refuse('RCPT before MAIL', replies.badSequence('MAIL first'))
  if (transaction.chunks !== undefined) return c.refuse('RCPT after BDAT', replies.badSequence('BDAT has begun'))
  const { from, recipients } = transaction
  if (recipients.length >= c.house.limits.recipients)
    return c.decline('too many recipients', replies.tooManyRecipients(), 'recipients')
  const to = readRcpt(c, from, argument)
  if ('no' in to) return c.refuse(to.what, to.no)
  const isSlowed = c.stay.isSlowed(c.now())
  c.ask(
    'rcpt',
    () => unhurried(c, isSlowed, c.house.backend.rcpt(c.client, from, to, recipients)),
    (reply) => {
      const isUnknown = reply?.enhanced.startsWith('5.1.') === true
      if (accepted(reply)) recipients.push(to)
      else if (isUnknown) c.stay.recipientUnknown(c.now())
      c.say(reply ?? replies.recipientOk())
      if (isSlowed) countHeldBack(c, isUnknown)
    },
  )
}

/** As many as every transaction may have (RFC 5321 section 4.5.3.1.8). */
const mayBeHeldBack = 100

/**
 * Who is made to wait keeps its place meanwhile: a few thousand commands sent at once would keep it for hours, with nobody there. So
 * what led nowhere is a mistake now, and so is everything beyond what a message needs.
 */
function countHeldBack(c: Conversation, isUnknown: boolean): void {
  c.heldBack++
  if (isUnknown || c.heldBack > mayBeHeldBack) c.mistake()
}

/** Whoever seems to look for those who exist waits for each answer, for yes as long as for no: the time tells nothing. */
function unhurried<T>(c: Conversation, isSlowed: boolean, answer: Soon<T>): Soon<T> {
  if (!isSlowed) return answer
  c.house.counts.unknownRecipients++
  return Promise.all([answer, sleep(c.house.limits.tarpitMs, undefined, { ref: false })]).then(([said]) => said)
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
  if (path.kind === 'address') return { address: path.address, text: split.path, ...parameters }
  const address = makeAddress('postmaster', c.house.hostname)
  return { address, text: address.text, ...parameters }
}

function accepted(reply: Reply | undefined): boolean {
  return reply === undefined || reply.code < 400
}

export function rset(c: Conversation): void {
  c.endTransaction()
  c.say(replies.ok())
}

export function data(c: Conversation, argument: string): void {
  const transaction = c.transaction
  if (transaction === undefined) return c.refuse('DATA before MAIL', replies.badSequence('MAIL first'))
  if (transaction.chunks !== undefined) return c.refuse('DATA after BDAT', replies.badSequence('BDAT has begun')) // RFC 3030 section 2
  if (argument !== '') return c.refuse('DATA with a parameter', replies.badSyntax('DATA'))
  if (transaction.recipients.length === 0) return c.refuse('DATA without recipients', replies.noRecipients())
  if (!mustBeLast(c, 'DATA')) return
  const { limits } = c.house
  const { cargo, from } = transaction
  // There was room at MAIL; others may have taken it.
  const full = cargo.noRoomFor(from.size ?? 0)
  if (full !== undefined) {
    c.endTransaction()
    return c.decline(`limit ${full}`, messageRefused(full, limits), full)
  }
  // One more than the limit: the CR of the end mark is gathered for a moment when it is the last byte of a chunk.
  const gather = new Gather(limits.messageBytes + 1, from.size, guard(limits), roomIn(cargo))
  const reader = new DotReader(gather)
  c.content = {
    push: (chunk, at) => reader.push(chunk, at),
    keeps: (chunk) => gather.keeps(chunk),
    done: () => finish(c, transaction, gather, 'DATA'),
  }
  c.say(replies.sendMessage())
}

/** A header that is too much for any reader is not kept until its end. */
function guard(limits: Limits): Guard {
  const meter = new HeaderMeter(limits)
  return (chunk, start, end) => (meter.isDone ? undefined : meter.push(chunk, start, end))
}

/** Nor is what there is no room for. */
function roomIn(cargo: Cargo): Room {
  return (bytes) => cargo.hold(bytes)
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
      shape === null ? undefined : 'discardBytes',
    )
    return c.close()
  }
  const chunks = beginChunks(c, bytes)
  const done = () => chunkDone(c, chunks, bytes, shape[2] !== undefined)
  // Also a chunk that must be refused is read to its end first (RFC 3030 section 2).
  const reader = new ChunkReader(bytes, chunks)
  if (bytes === 0) return done()
  c.content = {
    push: (chunk, from) => reader.push(chunk, from),
    keeps: (chunk) => chunks?.keeps(chunk) === true,
    done,
  }
}

/** Where the chunk goes; undefined: it will be refused. */
function beginChunks(c: Conversation, bytes: number): Gather | undefined {
  const transaction = c.transaction
  if (transaction === undefined || transaction.recipients.length === 0) return undefined
  const { limits } = c.house
  const declared = Math.max(bytes, transaction.from.size ?? 0)
  transaction.chunks ??= new Gather(limits.messageBytes, declared, guard(limits), roomIn(transaction.cargo))
  return transaction.chunks
}

function chunkDone(c: Conversation, chunks: Gather | undefined, bytes: number, isLast: boolean): void {
  const transaction = c.transaction
  if (transaction === undefined) return c.refuse('BDAT before MAIL', replies.badSequence('MAIL first'))
  if (chunks === undefined) return c.refuse('BDAT without recipients', replies.noRecipients())
  if (isLast || chunks.passed !== undefined) return finish(c, transaction, chunks, 'BDAT')
  c.say(replies.chunkTaken(bytes))
}

/** The message is whole, or has passed a limit: either way the transaction is over. */
function finish(c: Conversation, transaction: Transaction, gather: Gather, via: 'DATA' | 'BDAT'): void {
  const { limits, bareLineEnds } = c.house
  const passed = gather.passed ?? (gather.length > limits.messageBytes ? 'messageBytes' : undefined)
  if (passed !== undefined) {
    c.endTransaction()
    const no = messageRefused(passed, limits)
    return no.code < 500 ? c.decline(`limit ${passed}`, no, passed) : c.refuse(`limit ${passed}`, no, passed)
  }
  const taken = gather.take()
  const raw = via === 'DATA' ? withoutBareLineEnds(taken, bareLineEnds) : taken
  if (raw === undefined) {
    c.endTransaction()
    return c.refuse('NUL or bare line ends in DATA', replies.badContent())
  }
  handOver(c, transaction, {
    client: c.client,
    mailFrom: transaction.from,
    recipients: transaction.recipients,
    raw,
    via,
    inHandUntil: (work) => transaction.cargo.until(work),
    isGone: () => c.isGone,
  })
}

/** From here on the message is the backend's; its bytes count at least until there is an answer, whoever still waits for it. */
function handOver(c: Conversation, { cargo }: Transaction, incoming: Incoming): void {
  c.transaction = undefined
  c.messages++
  c.idleCommands = 0
  c.ask(
    'message',
    () => answered(cargo, () => c.house.backend.message(incoming)),
    (reply) => c.say(reply),
  )
}

function answered(cargo: Cargo, question: () => Soon<Reply>): Soon<Reply> {
  let answer: Soon<Reply> | undefined
  try {
    answer = question()
  } finally {
    if (!(answer instanceof Promise)) cargo.unload()
  }
  return answer instanceof Promise ? answer.finally(() => cargo.unload()) : answer
}

/** RFC 5321 section 2.3.8 and 4.1.1.4. NUL has no reading that is right, so it is refused, never removed. */
function withoutBareLineEnds(raw: Buffer, policy: 'refuse' | 'normalise'): Buffer | undefined {
  if (!hasBareLineEnds(raw)) return raw
  if (policy === 'refuse' || raw.includes(0)) return undefined
  return normaliseLineEnds(raw)
}
