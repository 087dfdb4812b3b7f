/**
 * A mailbox reached by IMAP (RFC 3501, RFC 9051): our own client, made for copying, behind the contract of `mailbox/`.
 *
 * Promises: commands are pipelined wherever the RFC lets them; memory is bounded whatever a server sends (`ImapLimits`); content
 * is the server's byte for byte or an error; TLS as asked for, verified unless told otherwise.
 * Never: writes an argument that could be read as a command; shows a password or token; speaks in the clear where TLS was asked for.
 * On failure: a MailboxTrouble and nothing else. A message that the server will not give is left out among others, and `refused`
 * when it is fetched alone. A connection that is lost stays lost: connect again.
 */

export type { OpenOptions } from './imap-mailbox.ts'
export { openImap } from './open-imap.ts'

export type Endpoint = {
  readonly host: string
  readonly port: number
  /** `tls` (993), `starttls`, or `none`, which must have been asked for by name. */
  readonly security: 'tls' | 'starttls' | 'none'
  /** Beside the system's; PEM. */
  readonly ca?: string
  readonly allowUntrusted?: boolean
  /** The name that the certificate must carry, where it is not `host`. */
  readonly servername?: string
}

export type Login =
  | {
      readonly kind: 'password'
      readonly user: string
      readonly password: string
      /** Whose mailbox: `user` is a master user then (the authorization identity of RFC 4616). */
      readonly authzid?: string
    }
  | {
      readonly kind: 'token'
      readonly user: string
      readonly mechanism?: 'XOAUTH2' | 'OAUTHBEARER'
      /** Asked for each connection, because tokens live for about an hour. */
      readonly token: () => Promise<string>
    }

export type ImapOptions = {
  readonly endpoint: Endpoint
  readonly login: Login
  /** Only what is below this folder (Courier, Exchange's UserRoot), its path without it; the folder itself is INBOX. */
  readonly userRoot?: string
  readonly signal: AbortSignal
  readonly limits?: Partial<ImapLimits>
  readonly patience?: Partial<Patience>
}

/** What one connection may cost us, whatever the server sends. */
export type ImapLimits = {
  /** Text of one response, its literals not counted. */
  readonly maxLineBytes: number
  /** A literal larger than this is counted and dropped, never kept. */
  readonly maxKeptBytes: number
  /** A literal announced larger than this ends the connection. */
  readonly maxLiteralBytes: number
  readonly maxNesting: number
  /** Strings, atoms and lists in one response. */
  readonly maxValues: number
  readonly maxFolders: number
  /** In one folder. */
  readonly maxMessages: number
  /** Responses that nobody asked for, between two that somebody did. */
  readonly maxUnasked: number
  /** A message larger than this is read in pieces of `pieceBytes`. */
  readonly wholeBytes: number
  readonly pieceBytes: number
  /** Content asked for and not yet taken. */
  readonly windowBytes: number
}

/** How long we wait, ms. */
export type Patience = {
  readonly connectMs: number
  /** Greeting, TLS and log-in, each. */
  readonly greetingMs: number
  /** Without a byte in either direction while a command is under way. */
  readonly silentMs: number
  /** For the answer to one command while it is first in line, however busily the server talks. */
  readonly commandMs: number
  /** A connection at rest says NOOP this often; IDLE is renewed (RFC 2177: before 29 minutes). */
  readonly restMs: number
}
