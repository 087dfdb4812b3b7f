import { cleanText } from './lines.ts'
import type { Reply } from './reply.ts'

const reply = (code: number, enhanced: string, text: string): Reply => ({ code, enhanced, text })

/** Every reply that Causeway gives, with the codes of RFC 5321 section 4.2.3 and RFC 5248. The line above each says when. */
export const replies = {
  // A client has connected.
  greeting: (hostname: string) => reply(220, '', `${hostname} ESMTP Causeway`),
  // EHLO; one line for each extension.
  capabilities: (hostname: string, extensions: readonly string[]) =>
    reply(250, '', [hostname, ...extensions].join('\n')),
  // HELO.
  hello: (hostname: string) => reply(250, '', hostname),
  // Done as asked: RSET, NOOP, and a message that all next hops took or the queue holds.
  ok: () => reply(250, '2.0.0', 'OK'),
  // MAIL.
  senderOk: () => reply(250, '2.1.0', 'sender OK'),
  // RCPT.
  recipientOk: () => reply(250, '2.1.5', 'recipient OK'),
  // BDAT, not the last chunk (RFC 3030 section 2).
  chunkTaken: (bytes: number) => reply(250, '2.0.0', `${bytes} octets received`),
  // VRFY: who exists is not told (RFC 5321 section 7.3).
  cannotVerify: () => reply(252, '2.1.5', 'cannot verify, but will take the message and try'),
  // HELP.
  help: () => reply(214, '2.0.0', 'see RFC 5321'),
  // STARTTLS.
  startTls: () => reply(220, '2.0.0', 'ready to start TLS'),
  // QUIT.
  bye: () => reply(221, '2.0.0', 'closing connection'),
  // DATA.
  sendMessage: () => reply(354, '', 'end the message with <CRLF>.<CRLF>'),

  // The process is being stopped.
  shuttingDown: () => reply(421, '4.3.2', 'shutting down, try again later'),
  // All places for connections are taken, or all those of the internet; or more are asked for in a minute than we give.
  serverFull: (whose: string) => reply(421, '4.3.2', `too many connections ${whose}, try again later`),
  // One source or one tenant has more connections, or asks for more in a minute, than it may have.
  tooManyConnections: (whose: string) => reply(421, '4.7.0', `too many connections ${whose}, try again later`),
  // Nothing came for too long.
  tooSlow: () => reply(421, '4.4.2', 'timeout, closing connection'),
  // A client that makes one mistake after another.
  tooManyErrors: () => reply(421, '4.7.0', 'too many errors, closing connection'),
  // More messages in one connection than we take, so that load can move to another worker.
  tooManyMessages: () => reply(421, '4.7.0', 'too many messages in one connection, connect again'),
  // Something that should not happen; the trace has it.
  internalError: () => reply(451, '4.3.0', 'internal error, try again later'),
  // A question that only the database can answer, while it cannot be asked.
  tryLater: () => reply(451, '4.3.2', 'cannot answer this now, try again later'),
  // The messages in transfer, of all, of the internet, of a tenant or of a source, have reached their limit.
  outOfMemory: (whose: string) => reply(452, '4.3.1', `too many bytes in transfer ${whose}, try again later`),
  // The disk has less free space than the reserve: nothing more can be promised.
  diskFull: () => reply(452, '4.3.1', 'not enough disk space, try again later'),
  // More mail waits than the queue may hold.
  queueFull: () => reply(452, '4.3.1', 'too much mail is waiting, try again later'),
  // The queue could not store the message, so nothing was promised.
  cannotKeep: () => reply(451, '4.3.0', 'the message cannot be kept now, try again later'),
  // RFC 5321 section 4.5.3.1.10: the client sends the rest in another transaction.
  tooManyRecipients: () => reply(452, '4.5.3', 'too many recipients'),
  // The handshake after STARTTLS did not succeed.
  tlsFailed: () => reply(454, '4.7.0', 'TLS handshake failed'),
  // STARTTLS while there is no certificate to show.
  tlsNotAvailable: () => reply(454, '4.7.0', 'TLS not available now'),

  // A command that SMTP does not know.
  unknownCommand: () => reply(500, '5.5.1', 'command not recognised'),
  // A command line longer than its limit (RFC 5321 section 4.5.3.1.4 and what extensions add).
  lineTooLong: () => reply(500, '5.5.2', 'line too long'),
  // A command that ends with LF alone.
  bareLineFeed: () => reply(500, '5.5.2', 'lines must end in CRLF'),
  // NUL, controls or broken UTF-8 in a command.
  notText: () => reply(501, '5.5.2', 'control characters and bytes that are not UTF-8 are not allowed in commands'),
  // A command with missing or wrong arguments.
  badSyntax: (usage: string) => reply(501, '5.5.4', `syntax: ${usage}`),
  // A parameter of MAIL or RCPT with a value that it cannot have, or given twice.
  badParameter: (keyword: string) => reply(501, '5.5.4', `bad or repeated parameter ${keyword}`),
  // A parameter that belongs to no extension that we offer.
  unknownParameter: (keyword: string) => reply(555, '5.5.4', `parameter ${keyword} not supported`),
  // A MAIL path that RFC 5321 section 4.1.2 does not allow; source routes too.
  badSender: () => reply(501, '5.1.7', 'bad sender address'),
  // The same for RCPT.
  badRecipient: () => reply(501, '5.1.3', 'bad recipient address'),
  // EXPN, TURN and the like.
  notImplemented: () => reply(502, '5.5.1', 'command not implemented'),
  // A command that cannot come here: RCPT before MAIL, STARTTLS inside TLS.
  badSequence: (what: string) => reply(503, '5.5.1', what),
  // Input sent ahead where PIPELINING (RFC 2920) does not allow it.
  earlyTalker: () => reply(503, '5.5.0', 'you must wait for the reply to this command'),
  // Input before our greeting (RFC 5321 section 4.3.1).
  beforeGreeting: () => reply(554, '5.5.0', 'you must wait for the greeting'),
  // DATA or BDAT after every recipient was refused.
  noRecipients: () => reply(554, '5.5.1', 'no valid recipients'),
  // Mail without TLS at a listener that demands it (RFC 3207 section 4).
  tlsRequired: () => reply(530, '5.7.0', 'must issue STARTTLS first'),

  // SIZE declared or real above the limit (RFC 1870).
  tooLarge: () => reply(552, '5.3.4', 'message too large'),
  // A header with more bytes, fields or addresses, or a longer field, than we are ready to read.
  headerTooLarge: (limit: string) => reply(552, '5.3.4', `message header too large: ${limit}`),
  // NUL or bare line ends in DATA: never passed on, because servers differ on where such a message ends.
  badContent: () => reply(550, '5.6.11', 'the message contains NUL or line ends other than CRLF'),
  // An address outside ASCII without the SMTPUTF8 parameter, or before a next hop that does not offer it (RFC 6531 section 3.5).
  needsSmtputf8: () => reply(553, '5.6.7', 'this address needs SMTPUTF8'),
  // A message that needs SMTPUTF8, and a next hop that does not offer it.
  nextHopLacksSmtputf8: () => reply(550, '5.6.7', 'the message needs SMTPUTF8, which the next server does not offer'),
  // An 8-bit message and a next hop without 8BITMIME (RFC 6152): converting it would break signatures.
  nextHopLacks8bit: () => reply(554, '5.6.3', 'the message has 8-bit content, which the next server does not take'),
  // A binary message and a next hop without BINARYMIME (RFC 3030 section 3).
  nextHopLacksBinary: () => reply(554, '5.6.1', 'the message has binary content, which the next server does not take'),

  // A stranger, or a tenant's message whose secret header is missing, that wants to go outside.
  relayDenied: () => reply(550, '5.7.1', 'relaying denied: no connector of this gateway matches your connection'),
  // A known tenant; neither its certificate nor MAIL FROM has a domain of its own.
  senderNotAccepted: () =>
    reply(
      550,
      '5.7.1',
      'relaying denied: neither the certificate nor the sender has an accepted domain of your tenant',
    ),
  // The null sender has no domain, and an address as the only proof is shared by many.
  nullSenderByAddress: () =>
    reply(550, '5.7.1', 'relaying denied: the null sender needs a connector with a certificate'),
  // A domain that we serve and a person whom the directory does not know.
  unknownRecipient: () => reply(550, '5.1.1', 'no such recipient here'),
  // Nobody serves the domain: recipients of strangers that end nowhere.
  domainNotServed: () => reply(550, '5.1.2', 'this gateway does not serve the domain'),
  // A message that would go round: back where it came from unchanged, our own Received twice, an MX that is us.
  loop: () => reply(554, '5.4.6', 'mail loop detected'),
  // More Received fields than any honest path has (RFC 5321 section 6.3).
  tooManyReceived: () => reply(554, '5.4.6', 'too many Received fields: mail loop suspected'),
  // A tenant's message whose author depends on who reads it (docs/failures.md).
  ambiguousFrom: () => reply(550, '5.7.1', 'the From field is missing, repeated or can be read in two ways'),
  // The domain says retry-later.
  domainRetryLater: (domain: string) => reply(451, '4.3.2', `${domain} is being moved, try again later`),

  // No next hop can take the message now, and the project says whenNextHopFails: defer. Its own code and words, where it gave any.
  nextHopDeferred: (enhanced: string, words: string) =>
    reply(451, ofClass('4', enhanced, '4.4.1'), said('the next server cannot take the message now', words)),
  // Every next hop refused for good. The sender's own system tells its user.
  nextHopRefused: (enhanced: string, words: string) =>
    reply(550, ofClass('5', enhanced, '5.0.0'), said('the next server refused the message', words)),
  // Some took it, some refused for good, and it comes from the internet: its own system tells its sender.
  partlyRefused: (recipients: string, words: string) =>
    reply(554, '5.0.0', said(`delivered, but not to ${cleanText(recipients)}`, words)),
  // Where a next hop says nothing: it has not answered in time. To the sender while an attempt of an earlier try goes on.
  deadline: () => reply(451, '4.4.7', 'the next server has not answered in time, try again later'),
  // DNS gave no answer: nothing is known, so nothing is guessed.
  dnsTrouble: (domain: string) => reply(451, '4.4.3', `DNS gives no answer for ${cleanText(domain)}, try again later`),
  // The domain has no MX and no address (RFC 5321 section 5.1), or says that it takes no mail (RFC 7505).
  noMailHost: (domain: string) => reply(550, '5.1.2', `no server takes mail for ${cleanText(domain)}`),
  // Mail from the internet that fails DMARC, and whose domain asks to refuse it (RFC 9989; policy.dmarc: honour).
  dmarcRefused: (domain: string) =>
    reply(550, '5.7.1', `DMARC: ${cleanText(domain)} asks to refuse mail in its name that it did not send`),
  // The DNS left open whether mail from the internet passes DMARC (policy.dmarc: honour).
  dmarcUnknown: () => reply(451, '4.4.3', 'DMARC cannot be checked now, because DNS gives no answer, try again later'),
  // The next hop's TLS is missing or cannot be verified, and the project demands it.
  nextHopTls: () => reply(451, '4.7.5', 'no verified TLS connection to the next server, try again later'),
} as const satisfies Record<string, (...args: never[]) => Reply>

/** The next hop's enhanced code where it says what our own code says (RFC 2034 section 4). */
function ofClass(wanted: '4' | '5', enhanced: string, otherwise: string): string {
  return /^[45]\.[0-9]{1,3}\.[0-9]{1,3}$/.test(enhanced) && enhanced.startsWith(wanted) ? enhanced : otherwise
}

function said(what: string, words: string): string {
  return words === '' ? what : `${what}: ${cleanText(words)}`
}
