/** How much of us one client may take, one tenant, the internet, and all together (docs/limits.md). Milliseconds and bytes. */
import type { HeaderLimits } from '../../mail/header/header.ts'
import { machine } from './machine.ts'

export type Limits = HeaderLimits & {
  /** Longest message taken, announced as SIZE (RFC 1870). */
  readonly messageBytes: number
  /** What is read and thrown away of a message that is too large, before the connection is cut. */
  readonly discardBytes: number
  /** Recipients of one transaction; the rest is told 452 4.5.3 (RFC 5321 section 4.5.3.1.10). */
  readonly recipients: number
  /** Longest command line with its CRLF. RFC 5321 wants 512 and room for the parameters of each extension. */
  readonly lineBytes: number
  readonly messagesPerConnection: number
  /** Mistakes of a client before it is told 421. */
  readonly errors: number
  /** NOOP, RSET, VRFY ... between two messages before each further one counts as a mistake. */
  readonly idleCommands: number

  /** Places for connections. The internet has a part of them, so that tenants always find one. */
  readonly connections: number
  readonly connectionsOfInternet: number
  /** Beyond the part of the internet: for clients that may still prove by a certificate that they are a tenant. */
  readonly connectionsToProve: number
  readonly connectionsPerTenant: number
  /** A source is an IPv4 address or an IPv6 network of 64 bits. */
  readonly connectionsPerSource: number
  /** The same for a source that is slowed down. */
  readonly connectionsWhileSlowed: number
  /** New connections in a minute; so many may also come at once. */
  readonly connectionRate: number
  readonly connectionRateOfInternet: number
  readonly connectionRatePerTenant: number
  readonly connectionRatePerSource: number
  /** Bytes of messages that are coming in, or wait for their answer. */
  readonly transferBytes: number
  readonly transferBytesOfInternet: number
  readonly transferBytesPerTenant: number
  readonly transferBytesPerSource: number
  /** Unknown recipients that a source has asked for; ten a minute are forgotten. Beyond it every answer to RCPT takes `tarpitMs`. */
  readonly unknownRecipients: number
  readonly tarpitMs: number

  /**
   * Handshakes with certificates that proved nothing, of one source, in bytes; a quarter is forgotten in a minute. Beyond it the source
   * is asked for none: each certificate costs the work of a signature, and large exponents make that a hundred times the usual.
   */
  readonly certificateBytes: number

  /** Silence of a client that has had a recipient accepted (RFC 5321 section 4.5.3.2.7: at least five minutes). */
  readonly idleMs: number
  /** Silence of a client that has not. */
  readonly strangerIdleMs: number
  /** From our last reply to the end of the next command, however it trickles in. */
  readonly commandMs: number
  /** A TLS handshake, or the header of a balancer, from its beginning to its end. */
  readonly handshakeMs: number
  /** How long replies may lie unread by the client. */
  readonly writeStallMs: number
  /** In each window of `rateWindowMs` content must bring at least `rateBytes`. */
  readonly rateWindowMs: number
  readonly rateBytes: number
}

/** The limits that are counted when somebody meets them: here none has. */
export const noneMet = {
  connections: 0,
  connectionsOfInternet: 0,
  connectionsToProve: 0,
  connectionsPerTenant: 0,
  connectionsPerSource: 0,
  connectionsWhileSlowed: 0,
  connectionRate: 0,
  connectionRateOfInternet: 0,
  connectionRatePerTenant: 0,
  connectionRatePerSource: 0,
  transferBytes: 0,
  transferBytesOfInternet: 0,
  transferBytesPerTenant: 0,
  transferBytesPerSource: 0,
  unknownRecipients: 0,
  certificateBytes: 0,
  messageBytes: 0,
  discardBytes: 0,
  headerBytes: 0,
  headerFields: 0,
  headerFieldBytes: 0,
  headerAddresses: 0,
  recipients: 0,
  lineBytes: 0,
  messagesPerConnection: 0,
  errors: 0,
  idleCommands: 0,
  idleMs: 0,
  commandMs: 0,
  handshakeMs: 0,
  writeStallMs: 0,
  rateBytes: 0,
} satisfies { readonly [name in keyof Limits]?: number }

export type LimitName = keyof typeof noneMet

const fixed = {
  messageBytes: 157_286_400, // what Exchange Online announces
  discardBytes: 1_073_741_824,
  headerBytes: 262_144,
  headerFields: 1000,
  headerFieldBytes: 196_608, // a To field that names 3,000 people comes to 100 KB
  headerAddresses: 10_000,
  recipients: 1000,
  lineBytes: 2048,
  messagesPerConnection: 10_000,
  errors: 20,
  idleCommands: 100,
  connectionsPerSource: 500,
  connectionsWhileSlowed: 20,
  connectionRate: 60_000,
  connectionRateOfInternet: 30_000,
  connectionRatePerTenant: 60_000,
  connectionRatePerSource: 6000,
  unknownRecipients: 1000, // as many as one transaction has: an honest list that has grown old is not slowed
  certificateBytes: 131_072,
  tarpitMs: 5000, // Exchange's TarpitInterval
  idleMs: 300_000,
  strangerIdleMs: 60_000,
  commandMs: 300_000,
  handshakeMs: 10_000,
  writeStallMs: 60_000,
  rateWindowMs: 60_000,
  rateBytes: 16_384,
}

/** What a project asks for, as far as the machine can give it. */
export function asFarAsPossible(asked: Partial<Limits>): Partial<Limits> {
  const { incoming, contentBytes } = machine()
  const { connections, messageBytes } = asked
  return {
    ...asked,
    ...(connections === undefined ? {} : { connections: Math.min(connections, incoming) }),
    ...(messageBytes === undefined
      ? {}
      : { messageBytes: Math.min(messageBytes, Math.floor(contentBytes * forTransfer)) }),
  }
}

/** What it asks for beyond that, as sentences. */
export function beyondTheMachine(asked: Partial<Limits>): readonly string[] {
  const given = asFarAsPossible(asked)
  return (['connections', 'messageBytes'] as const)
    .filter((name) => asked[name] !== given[name])
    .map((name) => `${name}: ${asked[name]} were asked for, ${given[name]} are what this machine has room for`)
}

/** The rest is left to what comes out of the queue, however much comes in. */
const forTransfer = 3 / 4

/** What is given, what is fixed, and what follows from both and from the machine. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const transferBytes = given.transferBytes ?? Math.floor(machine().contentBytes * forTransfer)
  // What could never be taken is not announced.
  const messageBytes =
    given.transferBytes === undefined ? Math.min(fixed.messageBytes, transferBytes) : fixed.messageBytes
  const known = { ...fixed, messageBytes, ...given }
  const connections = given.connections ?? machine().incoming
  const places = (part: number) => Math.max(1, Math.floor(connections * part))
  // Whoever may send at all may send the longest message.
  const bytes = (part: number) => Math.max(known.messageBytes, Math.floor(transferBytes * part))
  return {
    connections,
    connectionsOfInternet: places(0.8),
    connectionsToProve: places(0.05),
    connectionsPerTenant: places(0.5),
    transferBytes,
    transferBytesOfInternet: bytes(0.5),
    transferBytesPerTenant: bytes(0.75),
    transferBytesPerSource: bytes(0.25),
    ...known,
  }
}
