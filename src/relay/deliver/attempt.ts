import type { Socket } from 'node:net'
import type { Resolver } from '../../dns/dns.ts'
import type { Content } from '../../mail/message/message.ts'
import type { Reply } from '../../mail/reply/reply.ts'
import type { NextHop } from '../../project/project.ts'
import type { DeliveryStats } from './pool.ts'

export type AttemptRecipient = {
  readonly address: string
  /** Parameters of RFC 3461 as they came (xtext); passed on to a hop that offers DSN. */
  readonly notify?: string
  readonly orcpt?: string
}

/** One message for one next hop. Line ends in `content` are CRLF, unless it came by BDAT. */
export type Attempt = {
  /** One hop, or several in order of preference (the hosts of an MX list): the next one is tried when one cannot be
   * connected to, or does not get as far as taking MAIL. */
  readonly hop: NextHop | readonly NextHop[]
  /** '' is the null sender. */
  readonly mailFrom: string
  readonly recipients: readonly AttemptRecipient[]
  readonly content: Content
  readonly body: '7BIT' | '8BITMIME' | 'BINARYMIME'
  readonly smtputf8: boolean
  /** How it came. What came by BDAT goes on by BDAT, unchanged, where the hop takes it. */
  readonly via: 'DATA' | 'BDAT'
  readonly ret?: 'FULL' | 'HDRS'
  readonly envid?: string
  /** Our name in EHLO; '' = the deliverer's host name. */
  readonly helo: string
}

export type Outcome = {
  readonly kind: 'delivered' | 'refused' | 'deferred'
  /** What the hop said, cleaned; where it said nothing, what we would say in its place. */
  readonly reply: Reply
  /** The reply is the hop's own words. Absent: nobody said it but us (RFC 3464 section 2.3.6). */
  readonly spoke?: true
  /** `host [address]:port`, or `host:port` when no address was reached. */
  readonly remote: string
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384 verified`, `… unverified`, or '' for plaintext. */
  readonly tls: string
  /** Exact, for the trace. */
  readonly why: string
  /** The last byte was written and no answer came: the hop may have the message. Sending it again may make a second one. */
  readonly uncertain?: true
  /** With `uncertain`, when the caller's deadline passed first: the answer that is still being waited for. */
  readonly later?: Promise<Outcome>
  /** It did not get as far as MAIL: the hop's trouble, whatever message it would have been. */
  readonly unreached?: true
  /** The hop was not asked: the reason lies with us. */
  readonly ours?: true
  /** Of what was delivered: the hop offers DSN, and answers for NOTIFY from now on. */
  readonly dsn?: boolean
}

/** Would the hop take mail for this recipient now? `unknown`: it did not say. */
export type Probed = {
  readonly kind: 'accepted' | 'refused' | 'unknown'
  readonly reply: Reply
  readonly why: string
  /** Nobody answered: it did not get as far as MAIL, or the hop fell silent. */
  readonly unreached?: true
}

/** What a hop offers; `size` 0 = no limit known. */
export type Offers = {
  readonly pipelining: boolean
  readonly chunking: boolean
  readonly binaryMime: boolean
  readonly eightBitMime: boolean
  readonly smtputf8: boolean
  readonly dsn: boolean
  readonly startTls: boolean
  /** SIZE was offered (RFC 1870), so that it may be declared. */
  readonly sizeOffered: boolean
  readonly size: number
}

export type Deliverer = {
  /** One outcome per recipient, same order. When `deadline` fires: what is still open is deferred at once. */
  attempt(a: Attempt, deadline?: AbortSignal): Promise<readonly Outcome[]>
  /** What the hop (the first that answers) offers; remembered for minutes. For content with bare line ends, which only
   * a hop with `chunking` takes as it is. */
  offers(hop: Attempt['hop'], deadline?: AbortSignal): Promise<Offers | { readonly trouble: Outcome }>
  /** Asks by MAIL and RCPT and takes it back (RSET): nothing is sent. One answer per recipient, same order. */
  probe(
    hop: Attempt['hop'],
    mailFrom: string,
    recipients: readonly string[],
    deadline?: AbortSignal,
  ): Promise<readonly Probed[]>
  stats(): DeliveryStats
  /** Idle connections say QUIT; those at work may finish for a few seconds. */
  close(): Promise<void>
}

/** All in milliseconds. Defaults: RFC 5321 section 4.5.3.2, shorter where nobody is helped by waiting. */
export type Timeouts = {
  readonly connect: number
  readonly greeting: number
  readonly handshake: number
  /** EHLO, STARTTLS, MAIL, RCPT. */
  readonly command: number
  readonly data: number
  /** Each block of content. */
  readonly block: number
  /** The answer to the last byte. Giving up early makes duplicates. */
  readonly final: number
  /** A connection with nothing to do. */
  readonly idle: number
  /** What close() grants to those at work. */
  readonly closing: number
}

export type DelivererOptions = {
  /** Our name in EHLO. */
  readonly hostname: string
  readonly dns: Resolver
  /** Opens a TCP connection; default `net.connect`. */
  readonly dial?: (host: string, port: number) => Socket
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
  readonly timeouts?: Partial<Timeouts>
  readonly perDestination?: number
  readonly maxConnections?: number
  readonly messagesPerConnection?: number
}
