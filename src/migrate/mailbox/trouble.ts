/** What may go wrong with a mailbox, in kinds that decide what is done about it. */

export type TroubleKind =
  /** No connection: DNS, refused, timed out, unexpected end. May pass. */
  | 'unreachable'
  /** Certificate or handshake; STARTTLS not offered. */
  | 'tls'
  /** Name or password (or token) refused. */
  | 'login'
  /** Authenticated but not connected; no permission; IMAP disabled. */
  | 'noMailbox'
  /** May pass, after waitMs when given. */
  | 'throttled'
  /** Too many connections, [INUSE], [LIMIT], Server Unavailable. May pass. */
  | 'busy'
  /** Quota of the target. */
  | 'full'
  /** This one message. */
  | 'tooLarge'
  /** This one message or folder: NO/BAD about it, for good. */
  | 'refused'
  /** This one message. */
  | 'lineTooLong'
  /** UIDVALIDITY changed, folder vanished: look again. */
  | 'changed'
  /** Out of bounds: lies about sizes, endless lines, floods. */
  | 'hostile'
  | 'unsupported'
  /** Nothing for longer than the patience. */
  | 'stalled'
  /** Our own AbortSignal. */
  | 'stopped'

export type TroubleMore = { readonly words?: string; readonly waitMs?: number }

/** An Error, because it travels through promises and streams; what to do about it stands in `kind`. */
export class MailboxTrouble extends Error {
  readonly kind: TroubleKind
  /** The server's own words, made safe to show; '' when it said nothing. */
  readonly words: string
  /** Asked for by the server (Suggested Backoff Time ...), ms. */
  readonly waitMs?: number

  constructor(kind: TroubleKind, message: string, more: TroubleMore = {}) {
    super(message)
    this.name = 'MailboxTrouble'
    this.kind = kind
    this.words = more.words ?? ''
    if (more.waitMs !== undefined) this.waitMs = more.waitMs
  }
}

const passing: ReadonlySet<TroubleKind> = new Set(['unreachable', 'throttled', 'busy', 'changed', 'stalled', 'stopped'])

/** Whether the same thing, tried again later, may go well without anybody doing something about it. */
export function mayPass(kind: TroubleKind): boolean {
  return passing.has(kind)
}
