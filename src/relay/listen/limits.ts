/** How much of us one client may take. All times in milliseconds, all sizes in bytes. */
export type Limits = {
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
  readonly connections: number
  readonly connectionsPerSource: number
  /** Silence of a client that has had a recipient accepted (RFC 5321 section 4.5.3.2.7: at least five minutes). */
  readonly idleMs: number
  /** Silence of a client that has not. */
  readonly strangerIdleMs: number
  /** From our last reply to the end of the next command, however it trickles in. */
  readonly commandMs: number
  readonly handshakeMs: number
  /** How long replies may lie unread by the client. */
  readonly writeStallMs: number
  /** In each window of `rateWindowMs` content must bring at least `rateBytes`. */
  readonly rateWindowMs: number
  readonly rateBytes: number
}

export const defaultLimits: Limits = {
  messageBytes: 157_286_400, // what Exchange Online announces
  discardBytes: 1_073_741_824,
  recipients: 1000,
  lineBytes: 2048,
  messagesPerConnection: 10_000,
  errors: 20,
  idleCommands: 100,
  connections: 10_000,
  connectionsPerSource: 500,
  idleMs: 300_000,
  strangerIdleMs: 60_000,
  commandMs: 300_000,
  handshakeMs: 10_000,
  writeStallMs: 60_000,
  rateWindowMs: 60_000,
  rateBytes: 16_384,
}
