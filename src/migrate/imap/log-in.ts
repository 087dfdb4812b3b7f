import { cleanText } from '../../mail/reply/reply.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { askCapabilities, type Capabilities, toldIn } from './capabilities.ts'
import { type Asked, astring } from './command.ts'
import type { Answer, Connection } from './connection.ts'
import { encrypt, whereabouts } from './dial.ts'
import type { Endpoint, ImapOptions, Login, Patience } from './imap.ts'
import { base64, oauthBearer, plain, xoauth2 } from './sasl.ts'
import { troubleOf } from './words.ts'

export type LoggedIn = { readonly greeting: string; readonly capabilities: Capabilities }

/** From the greeting to the state in which folders can be asked for, each step within its time. */
export async function logIn(connection: Connection, o: ImapOptions, patience: Patience): Promise<LoggedIn> {
  const within = <T>(what: string, step: Promise<T>): Promise<T> => inTime(connection, what, patience.greetingMs, step)
  const greeting = await within('its greeting', connection.greeting())
  const where = whereabouts(o.endpoint)
  if (greeting.status === 'BYE')
    throw troubleOf({ ...greeting, status: 'BYE' }, 'login', `${where} takes no connection`)
  // RFC 9051 section 7.1.4: whose mailbox this is, we could not know; and STARTTLS is not possible any more.
  if (greeting.status === 'PREAUTH')
    throw new MailboxTrouble('unsupported', `${where} lets anybody in, without asking for a name`)
  let offered = toldIn(greeting)
  if (o.endpoint.security === 'starttls') {
    offered ??= await within('CAPABILITY', askCapabilities(connection))
    await within('STARTTLS', startTls(connection, o, offered, patience))
    offered = undefined
  }
  offered ??= await within('CAPABILITY', askCapabilities(connection))
  const answer = await within('the log-in', authenticate(connection, o, offered))
  const capabilities = toldIn(answer) ?? (await within('CAPABILITY', askCapabilities(connection)))
  return { greeting: cleanText(greeting.text), capabilities }
}

async function inTime<T>(connection: Connection, what: string, ms: number, step: Promise<T>): Promise<T> {
  const late = (): void => connection.lose(new MailboxTrouble('stalled', `no answer to ${what} within ${ms / 1000} s`))
  const timer = setTimeout(late, ms)
  return step.finally(() => clearTimeout(timer))
}

async function startTls(
  connection: Connection,
  o: ImapOptions,
  offered: Capabilities,
  patience: Patience,
): Promise<void> {
  const where = whereabouts(o.endpoint)
  if (!offered.has('STARTTLS')) throw new MailboxTrouble('tls', `${where} does not offer STARTTLS`)
  const command: Asked = {
    what: 'STARTTLS',
    about: 'connection',
    pieces: ['STARTTLS'],
    order: 'alone',
    endsClear: true,
  }
  const refused = await connection.run(command).then(
    () => undefined,
    (trouble: MailboxTrouble) => trouble,
  )
  if (refused?.kind === 'refused') throw new MailboxTrouble('tls', refused.message, { words: refused.words })
  if (refused !== undefined) throw refused
  await connection.upgrade((socket) => encrypt(socket, o.endpoint, patience.greetingMs, o.signal))
}

async function authenticate(connection: Connection, o: ImapOptions, offered: Capabilities): Promise<Answer> {
  const { login } = o
  return login.kind === 'token'
    ? byToken(connection, o.endpoint, login, offered)
    : byPassword(connection, o.endpoint, login, offered)
}

type Password = Extract<Login, { readonly kind: 'password' }>
type Token = Extract<Login, { readonly kind: 'token' }>

/** PLAIN where it is offered, for it says in which charset a password is (RFC 4616); LOGIN else. */
function byPassword(
  connection: Connection,
  endpoint: Endpoint,
  login: Password,
  offered: Capabilities,
): Promise<Answer> {
  connection.secrets = secretsOf(login.password)
  if (offered.has('AUTH=PLAIN')) return sasl(connection, 'PLAIN', plain(login), offered)
  if (login.authzid !== undefined) {
    throw new MailboxTrouble(
      'unsupported',
      `${whereabouts(endpoint)} does not offer AUTHENTICATE PLAIN, which a master user needs`,
    )
  }
  // RFC 9051 section 6.2.3: LOGIN must not be tried then.
  if (offered.has('LOGINDISABLED')) {
    const isClear = endpoint.security === 'none'
    throw new MailboxTrouble(
      isClear ? 'tls' : 'unsupported',
      `${whereabouts(endpoint)} takes no password${isClear ? ' without encryption' : ''}`,
    )
  }
  const pieces = ['LOGIN ', ...astring(wire(login.user)), ' ', ...astring(wire(login.password))]
  return connection.run({ what: 'the name or the password', about: 'login', pieces, order: 'alone' })
}

async function byToken(
  connection: Connection,
  endpoint: Endpoint,
  login: Token,
  offered: Capabilities,
): Promise<Answer> {
  const mechanism =
    login.mechanism ?? (offered.has('AUTH=OAUTHBEARER') && !offered.has('AUTH=XOAUTH2') ? 'OAUTHBEARER' : 'XOAUTH2')
  // Where AUTH= says nothing at all, it is tried.
  const isOffered = offered.has(`AUTH=${mechanism}`) || ![...offered].some((one) => one.startsWith('AUTH='))
  if (!isOffered)
    throw new MailboxTrouble('unsupported', `${whereabouts(endpoint)} does not offer AUTHENTICATE ${mechanism}`)
  const token = await login.token()
  connection.secrets = secretsOf(token)
  const { user } = login
  const message = mechanism === 'XOAUTH2' ? xoauth2(user, token) : oauthBearer({ user, token, ...endpoint })
  return sasl(connection, mechanism, message, offered)
}

/**
 * AUTHENTICATE with a first and only message (RFC 9051 section 6.2.2; with SASL-IR, RFC 4959, in the command itself). A challenge after
 * it is the error of RFC 7628 section 3.2.3, answered with ^A so that the server can say NO; XOAUTH2 wants an empty line.
 */
function sasl(connection: Connection, mechanism: string, message: string, offered: Capabilities): Promise<Answer> {
  const coded = base64(message)
  connection.secrets = [...connection.secrets, coded]
  // A line is bounded at many servers (RFC 7162 section 4: 8192); a long token waits to be asked for.
  const isFirst = (offered.has('SASL-IR') || offered.has('IMAP4REV2')) && coded.length < 8000
  let hasSaid = isFirst
  const goOn = (): string => {
    if (hasSaid) return mechanism === 'OAUTHBEARER' ? base64('\x01') : ''
    hasSaid = true
    return coded
  }
  const pieces = [`AUTHENTICATE ${mechanism}${isFirst ? ` ${coded}` : ''}`]
  return connection.run({ what: `the log-in (${mechanism})`, about: 'login', pieces, goOn, order: 'alone' })
}

/** UTF-8 as the wire's bytes. */
function wire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A server may repeat what it was told. What is short occurs in any text, and hiding it everywhere would tell it. */
function secretsOf(secret: string): readonly string[] {
  return secret.length < 4 ? [] : [secret, wire(secret), wire(secret).replace(/["\\]/g, '\\$&'), base64(secret)]
}
