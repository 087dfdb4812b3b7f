/** The commands that are about the connection, and the way from a line to its command (RFC 5321 section 4.1). */
import { cleanText, replies } from '../../mail/reply/reply.ts'
import { type Conversation, mustBeLast } from './conversation.ts'
import type { Line } from './line-reader.ts'
import { bdat, data, mail, rcpt, rset } from './transaction.ts'

type Command = (c: Conversation, argument: string) => void

const commands: ReadonlyMap<string, Command> = new Map([
  ['EHLO', (c, argument) => hello(c, argument, true)],
  ['HELO', (c, argument) => hello(c, argument, false)],
  ['STARTTLS', startTls],
  ['MAIL', mail],
  ['RCPT', rcpt],
  ['DATA', data],
  ['BDAT', bdat],
  ['RSET', idle(rset)],
  ['NOOP', idle((c) => c.say(replies.ok()))],
  ['HELP', idle((c) => c.say(replies.help()))],
  // RFC 5321 section 7.3: neither confirms nor denies, so that nobody can ask for addresses one by one.
  ['VRFY', idle((c) => c.say(replies.cannotVerify()))],
  ['EXPN', idle((c) => c.refuse('EXPN', replies.notImplemented()))],
  ['QUIT', quit],
])

/** A web browser that was talked into speaking to us sends its own headers as commands: no further than the first line. */
const otherProtocol = /^(?:GET|POST|PUT|HEAD|CONNECT|OPTIONS|PATCH|DELETE) .*HTTP\/|^(?:HOST|USER-AGENT):/i

export function obey(c: Conversation, line: Line & { readonly kind: 'line' | 'bad' }): void {
  if (line.kind === 'bad') return refuseLine(c, line.why)
  const blank = line.text.indexOf(' ')
  const verb = (blank < 0 ? line.text : line.text.slice(0, blank)).toUpperCase()
  const command = commands.get(verb)
  if (c.turnedAway && verb !== 'QUIT')
    return c.refuse('command after a refused greeting', replies.badSequence('only QUIT is possible'))
  if (command !== undefined) return command(c, blank < 0 ? '' : line.text.slice(blank + 1).trim())
  c.refuse(`unknown command ${cleanText(verb, 40)}`, replies.unknownCommand())
  if (otherProtocol.test(line.text)) c.close()
}

function refuseLine(c: Conversation, why: (Line & { kind: 'bad' })['why']): void {
  if (why === 'too long') return c.refuse('command line too long', replies.lineTooLong(), 'lineBytes')
  if (why !== 'bare LF') return c.refuse(`command with ${why}`, replies.notText())
  // Whoever ends lines in LF is no mail server, or somebody's words have become commands: RFC 5321 section 2.3.8
  // allows no other line end, and the next "command" would be as doubtful.
  c.refuse('command ended by a bare LF', replies.bareLineFeed())
  c.close()
}

function hello(c: Conversation, name: string, esmtp: boolean): void {
  const verb = esmtp ? 'EHLO' : 'HELO'
  if (!mustBeLast(c, verb)) return
  if (name === '') return c.refuse(`${verb} without a name`, replies.badSyntax(`${verb} name`))
  c.endTransaction() // RFC 5321 section 4.1.4: EHLO resets like RSET
  c.client = Object.freeze({ ...c.client, helo: cleanText(name, 255), esmtp })
  spendPatience(c)
  c.say(esmtp ? replies.capabilities(c.house.hostname, extensions(c)) : replies.hello(c.house.hostname))
}

/** BINARYMIME is not among them: see `parameters.ts`. */
function extensions(c: Conversation): string[] {
  const size = `SIZE ${c.house.limits.messageBytes}`
  const always = ['PIPELINING', size, '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES', 'CHUNKING']
  return c.mayStartTls ? [...always, 'STARTTLS'] : always
}

/** RFC 3207 section 4. */
function startTls(c: Conversation, argument: string): void {
  if (argument !== '') return c.refuse('STARTTLS with a parameter', replies.badSyntax('STARTTLS'))
  if (c.client.tls !== undefined) return c.refuse('STARTTLS inside TLS', replies.badSequence('TLS is already active'))
  if (!c.mayStartTls) return c.refuse('STARTTLS without a certificate of ours', replies.tlsNotAvailable())
  if (!mustBeLast(c, 'STARTTLS')) return
  // Section 4.2: nothing that was learnt in plaintext is kept, the name in EHLO neither.
  c.endTransaction()
  c.client = Object.freeze({ ...c.client, helo: '', esmtp: false })
  c.say(replies.startTls())
  c.startTls()
}

function quit(c: Conversation): void {
  c.say(replies.bye())
  c.close()
}

function idle(command: (c: Conversation) => void): Command {
  return (c) => {
    spendPatience(c)
    command(c)
  }
}

/** Commands that lead nowhere are free for a while, then each is a mistake. */
function spendPatience(c: Conversation): void {
  c.idleCommands++
  if (c.idleCommands <= c.house.limits.idleCommands) return
  c.house.counts.idleCommands++
  c.mistake()
}
