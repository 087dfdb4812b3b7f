import type { Mailbox } from '../mailbox/mailbox.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import { traitsOf } from './capabilities.ts'
import { Connection } from './connection.ts'
import { dial, encrypt, whereabouts, wordsOf } from './dial.ts'
import type { ImapOptions } from './imap.ts'
import { imapMailbox } from './imap-mailbox.ts'
import { usualLimits, usualPatience } from './limits.ts'
import { logIn } from './log-in.ts'

/** Connects and logs in. Rejects with a MailboxTrouble; nothing is left open then. `signal` ends the mailbox whenever it comes. */
export async function openImap(o: ImapOptions): Promise<Mailbox> {
  const limits = { ...usualLimits, ...o.limits }
  const patience = { ...usualPatience, ...o.patience }
  let socket = await dial(o.endpoint, patience.connectMs, o.signal)
  if (o.endpoint.security === 'tls') socket = await encrypt(socket, o.endpoint, patience.greetingMs, o.signal)
  const connection = new Connection(socket, { limits, patience, signal: o.signal, where: whereabouts(o.endpoint) })
  try {
    const { greeting, capabilities } = await logIn(connection, o, patience)
    if (capabilities.has('LITERAL+')) connection.outbox.literals = 'plus'
    else if (capabilities.has('LITERAL-') || capabilities.has('IMAP4REV2')) connection.outbox.literals = 'minus'
    return imapMailbox(connection, traitsOf(greeting, capabilities), { userRoot: o.userRoot, restMs: patience.restMs })
  } catch (error) {
    const trouble =
      error instanceof MailboxTrouble ? error : new MailboxTrouble('login', `no log-in: ${wordsOf(error)}`)
    connection.lose(trouble)
    throw trouble
  }
}
