import { blocksOf, type Content, contentLength, dotBlocks, dotStuff } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Attempt, AttemptRecipient, Timeouts } from './attempt.ts'
import { goesByBdat, isAsciiText, isUnspeakable, mayNotGoByData, unfit } from './fitness.ts'
import { isPositive, notTaken, ofMessage, outcomeAt } from './outcome.ts'
import { openOnes, type Run, settle } from './run.ts'
import type { Session } from './session.ts'

/** What is not longer leaves in one write together with its end; what is, block by block. */
const blockBytes = 256 * 1024
const lineEnd = Buffer.from('\r\n')
const finalDot = Buffer.from('.\r\n')
const nothing = Buffer.alloc(0)

/** `stale`: the connection died of its rest, before any of this was taken; a fresh one may try. */
export type Ended = 'done' | 'stale'

/** Sends the message to all open recipients of the run, in as many transactions as the hop wants. */
export async function converse(s: Session, run: Run, timeouts: Timeouts): Promise<Ended> {
  refuseUnfit(s, run)
  for (let todo = openOnes(run); todo.length > 0 && !run.patience.over; todo = openOnes(run)) {
    if ((await transact(s, run, todo, timeouts)) === 'stale') return 'stale'
  }
  return 'done'
}

/** What can be said without asking the hop. */
function refuseUnfit(s: Session, run: Run): void {
  const { attempt } = run
  const refuse = (who: readonly number[], reply: Reply): void =>
    settle(run, who, outcomeAt(s, 'refused', reply, `not sent: ${reply.text}`))
  const refusal = isUnspeakable(attempt.mailFrom) ? replies.badSender() : unfit(attempt, s.offers)
  if (refusal !== undefined) return refuse(openOnes(run), refusal)
  for (const [i, { address }] of attempt.recipients.entries()) {
    if (isUnspeakable(address)) refuse([i], replies.badRecipient())
    if (!s.offers.smtputf8 && !isAsciiText(address)) refuse([i], replies.nextHopLacksSmtputf8())
  }
  if (!goesByBdat(attempt, s.offers) && mayNotGoByData(attempt.content)) {
    const why = 'not sent: the content has bare line ends or NUL, and the hop does not take BDAT'
    settle(run, openOnes(run), outcomeAt(s, 'deferred', replies.internalError(), why))
  }
}

/** One transaction: every one of `todo` gets an outcome, except those whom the hop wants in another transaction. */
async function transact(s: Session, run: Run, todo: readonly number[], timeouts: Timeouts): Promise<Ended> {
  const { attempt } = run
  const bdat = goesByBdat(attempt, s.offers)
  run.reached = true
  const answers = await envelope(s, attempt, todo, !bdat, timeouts)
  // A hop that has closed in the meantime says 421 or nothing. Nothing of this message was taken.
  if (s.isReused && answers.first.code === 421 && !run.patience.over) return 'stale'
  s.messages++
  s.isReused = true
  if (!isPositive(answers.mail)) settle(run, todo, notTaken(s, 'MAIL FROM', answers.mail))
  const replyTo = (at: number): Reply => answers.recipients[at] ?? answers.mail
  const accepted = isPositive(answers.mail) ? todo.filter((_, at) => isPositive(replyTo(at))) : []
  const another = accepted.length > 0 ? todo.filter((_, at) => wantsAnother(replyTo(at))) : []
  const wait = new Set([...accepted, ...another])
  for (const [at, i] of todo.entries()) if (!wait.has(i)) settle(run, [i], notTaken(s, 'RCPT TO', replyTo(at)))
  const taken = await message(s, run, accepted, answers.data, bdat, timeouts)
  if (taken) return 'done'
  for (const [at, i] of todo.entries()) settle(run, [i], notTaken(s, 'RCPT TO', replyTo(at)))
  return 'done'
}

/** RFC 5321 section 4.5.3.1.10: 452, or 552 from old servers, when one transaction has too many recipients. */
function wantsAnother(reply: Reply): boolean {
  if (reply.code !== 452 && reply.code !== 552) return false
  return reply.enhanced === '' || reply.enhanced.endsWith('.5.3')
}

/** What the hop says to the envelope alone, which is then taken back. undefined: the connection had died of its rest. */
export async function askOnly(s: Session, a: Attempt, timeouts: Timeouts): Promise<readonly Reply[] | undefined> {
  const everybody = a.recipients.map((_, i) => i)
  const answers = await envelope(s, a, everybody, false, timeouts)
  if (s.isReused && answers.first.code === 421) return undefined
  s.isReused = true
  if (s.wire.lost === undefined) s.needsReset = !isPositive(await s.wire.ask('RSET', timeouts.command))
  return everybody.map((i) => (isPositive(answers.mail) ? (answers.recipients[i] ?? answers.mail) : answers.mail))
}

type Answers = {
  readonly first: Reply
  readonly mail: Reply
  /** In the order of `todo`; fewer when MAIL was not accepted. */
  readonly recipients: readonly Reply[]
  /** undefined: DATA was not said. */
  readonly data: Reply | undefined
}

function envelope(s: Session, a: Attempt, todo: readonly number[], data: boolean, t: Timeouts): Promise<Answers> {
  const commands: Commands = {
    reset: s.needsReset,
    mail: mailCommand(s, a),
    recipients: todo.map((i) => recipientCommand(s, a.recipients[i])),
    data,
  }
  s.needsReset = true
  return s.offers.pipelining ? inOneGo(s, commands, t) : oneByOne(s, commands, t)
}

type Commands = {
  readonly reset: boolean
  readonly mail: string
  readonly recipients: readonly string[]
  readonly data: boolean
}

/** RFC 2920 section 3.1: RSET, MAIL, RCPT in a group, which DATA may end. */
async function inOneGo({ wire }: Session, c: Commands, t: Timeouts): Promise<Answers> {
  wire.cork()
  const reset = c.reset ? wire.ask('RSET', t.command) : undefined
  const mail = wire.ask(c.mail, t.command, 'MAIL FROM')
  const recipients = c.recipients.map((command) => wire.ask(command, t.command, 'RCPT TO'))
  const data = c.data ? wire.ask('DATA', t.data) : undefined
  wire.uncork()
  const first = await (reset ?? mail)
  return { first, mail: await mail, recipients: await Promise.all(recipients), data: await data }
}

async function oneByOne({ wire }: Session, c: Commands, t: Timeouts): Promise<Answers> {
  const reset = c.reset ? await wire.ask('RSET', t.command) : undefined
  const mail = await wire.ask(c.mail, t.command, 'MAIL FROM')
  const first = reset ?? mail
  const recipients: Reply[] = []
  if (!isPositive(mail)) return { first, mail, recipients, data: undefined }
  for (const command of c.recipients) recipients.push(await wire.ask(command, t.command, 'RCPT TO'))
  const data = c.data && recipients.some(isPositive) ? await wire.ask('DATA', t.data) : undefined
  return { first, mail, recipients, data }
}

function mailCommand({ offers }: Session, a: Attempt): string {
  const parameters = [
    offers.sizeOffered ? ` SIZE=${contentLength(a.content)}` : '',
    a.body !== '7BIT' && (a.body === 'BINARYMIME' || offers.eightBitMime) ? ` BODY=${a.body}` : '',
    offers.smtputf8 && (a.smtputf8 || hasUtf8Address(a)) ? ' SMTPUTF8' : '',
    offers.dsn && a.ret !== undefined ? ` RET=${a.ret}` : '',
    offers.dsn && a.envid !== undefined ? ` ENVID=${a.envid}` : '',
  ]
  return `MAIL FROM:<${a.mailFrom}>${parameters.join('')}`
}

function hasUtf8Address(a: Attempt): boolean {
  return !isAsciiText(a.mailFrom) || a.recipients.some((r) => !isAsciiText(r.address))
}

function recipientCommand({ offers }: Session, r: AttemptRecipient | undefined): string {
  const notify = offers.dsn && r?.notify !== undefined ? ` NOTIFY=${r.notify}` : ''
  const orcpt = offers.dsn && r?.orcpt !== undefined ? ` ORCPT=${r.orcpt}` : ''
  return `RCPT TO:<${r?.address ?? ''}>${notify}${orcpt}`
}

/** The content and what it led to. True: the hop took it. */
async function message(
  s: Session,
  run: Run,
  accepted: readonly number[],
  data: Reply | undefined,
  bdat: boolean,
  t: Timeouts,
): Promise<boolean> {
  if (accepted.length === 0) {
    // RFC 2920 section 3.1: a hop that says 354 with no recipient left gets a message of nothing but its end.
    if (data?.code === 354) await s.wire.ask('.', t.final, 'the end of the message')
    return false
  }
  if (!bdat && data?.code !== 354) {
    settle(run, accepted, notTaken(s, 'DATA', data ?? replies.internalError()))
    // A yes where only "go on" is possible: who knows what it expects now.
    if (data !== undefined && data.code < 400) s.wire.lose('it answered DATA with a success')
    return false
  }
  const reply = await (bdat ? sendChunk(s, run, t) : sendLines(s, run, t))
  settle(run, accepted, run.uncertain ? ofMessage(s, reply) : notTaken(s, 'the content', reply))
  run.uncertain = false
  return isPositive(reply)
}

/** RFC 3030 section 2: one chunk, the last one, byte for byte. */
function sendChunk(s: Session, run: Run, t: Timeouts): Promise<Reply> {
  const { content } = run.attempt
  const length = contentLength(content)
  const all = [Buffer.from(`BDAT ${length} LAST\r\n`), ...content.filter((piece) => piece.length > 0)]
  const last = all.pop() ?? nothing
  return send(s, run, asItIs([...all, last.subarray(0, -1)]), last.subarray(-1), t)
}

/** RFC 5321 section 4.1.1.4. */
function sendLines(s: Session, run: Run, t: Timeouts): Promise<Reply> {
  return send(s, run, asLines(run.attempt.content), finalDot, t)
}

/** What goes before the end, made when it is sent: a large message is never there twice. */
type Body = {
  readonly bytes: number
  readonly whole: () => Content
  readonly blocks: () => Iterable<Buffer>
}

/** `tail`: the bytes without which the hop drops all that came before. */
async function send(s: Session, run: Run, body: Body, tail: Buffer, t: Timeouts): Promise<Reply> {
  const isSmall = body.bytes <= blockBytes
  if (!isSmall) await s.wire.push(body.blocks(), t.block)
  s.wire.cork()
  if (isSmall) s.wire.write(body.whole())
  // From here on the hop may have the message, whatever we hear.
  run.uncertain = s.wire.lost === undefined
  s.wire.write([tail])
  const answer = s.wire.hear('the end of the message', t.final)
  s.wire.uncork()
  const reply = await answer
  if (isPositive(reply)) s.needsReset = false
  return reply
}

function asItIs(content: Content): Body {
  return { bytes: contentLength(content), whole: () => content, blocks: () => blocksOf(content, blockBytes) }
}

/** Dots doubled, and a line end at the end, without which the final dot would not stand on a line of its own. */
function asLines(content: Content): Body {
  const last = content.findLast((piece) => piece.length > 0)
  const lines = last === undefined || last.at(-1) === 0x0a ? content : [...content, lineEnd]
  return { bytes: contentLength(lines), whole: () => dotStuff(lines), blocks: () => dotBlocks(lines, blockBytes) }
}
