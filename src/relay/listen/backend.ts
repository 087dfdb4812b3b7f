/**
 * What the engine knows of a connection and a transaction, and what it asks of whoever stands behind it.
 * The engine speaks SMTP; who may send what to whom is the backend's business alone.
 */
import type { Address, Path } from '../../mail/address/address.ts'
import type { Reply } from '../../mail/reply/reply.ts'

/** What was agreed in the TLS handshake of this very connection. */
export type TlsInfo = {
  readonly protocol: string
  readonly cipher: string
  /** The name in the client's SNI extension (RFC 6066 section 3), '' when it sent none. */
  readonly serverName: string
  /** DER, leaf first, as presented and NOT verified: proof of possession of the leaf's key, nothing more. [] when none. */
  readonly peerChain: readonly Buffer[]
  readonly resumed: boolean
}

export type Client = {
  /** Names this connection in logs and trace. */
  readonly id: string
  /** IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) is written as IPv4. */
  readonly address: string
  readonly port: number
  readonly localPort: number
  readonly tls?: TlsInfo
  /** What the client called itself, cleaned; '' before EHLO and again after STARTTLS. */
  readonly helo: string
  readonly esmtp: boolean
}

export type BodyType = '7BIT' | '8BITMIME' | 'BINARYMIME'

export type MailFrom = {
  readonly path: Path & { readonly kind: 'address' | 'null' }
  /** The address as written, '' for the null path. */
  readonly text: string
  readonly size?: number
  readonly body: BodyType
  readonly smtputf8: boolean
  readonly ret?: 'FULL' | 'HDRS'
  /** xtext exactly as given (RFC 3461 section 4.4), so that it can be handed on. */
  readonly envid?: string
}

export type Recipient = {
  readonly address: Address
  readonly text: string
  readonly notify?: string
  /** Exactly as given (RFC 3461 section 4.2). */
  readonly orcpt?: string
}

export type Incoming = {
  readonly client: Client
  readonly mailFrom: MailFrom
  readonly recipients: readonly Recipient[]
  /** The message without dot-stuffing. The engine keeps no reference and never writes to it again. */
  readonly raw: Buffer
  /** BDAT content is as the sender made it: bare line ends and NUL may stand in it (RFC 3030 section 2). */
  readonly via: 'DATA' | 'BDAT'
  /** Its bytes count as being in hand until this is done, also when that is after the answer. */
  readonly inHandUntil?: (work: Promise<unknown>) => void
  /** Nobody waits for the answer any more. */
  readonly isGone?: () => boolean
}

/** Whose places a connection takes. For load alone: it opens no door. */
export type Standing =
  | { readonly kind: 'tenant'; readonly name: string }
  /** `mayProve`: it may turn out to be a tenant's once TLS is up. */
  | { readonly kind: 'internet'; readonly mayProve?: boolean }

/** A value or the promise of one: an answer known at once costs no turn of the event loop. */
export type Soon<T> = T | Promise<T>

/**
 * The whole contract of the server. A Reply with code >= 400 refuses, one with code 421 also closes;
 * undefined accepts with the usual reply. What is thrown or rejected is answered 451 4.3.0 and given to `onError`.
 */
export type Backend = {
  /** Asked when the client's address is known, and again after the TLS handshake. Everybody is the internet without it. */
  standing?(client: Client): Standing
  /** Could a certificate prove something of a client from there? Without it everybody is asked for one. */
  wantsCertificate?(client: Client): boolean
  connect?(client: Client): Soon<Reply | undefined>
  mail(client: Client, from: MailFrom): Soon<Reply | undefined>
  rcpt(client: Client, from: MailFrom, to: Recipient, sofar: readonly Recipient[]): Soon<Reply | undefined>
  message(incoming: Incoming): Soon<Reply>
  /** The engine itself refused something: protocol errors, limits, timeouts. For the trace. */
  refused?(client: Client, what: string, reply: Reply): void
}
