/** One thing that happened to a message. */

export type EventKind =
  | 'RECEIVE'
  /** Where it comes from, as SPF, DKIM, DMARC and ARC say: `new` are the results, `why` what was made of them. */
  | 'AUTH'
  | 'REWRITE'
  | 'SIGN'
  | 'SEND'
  | 'DEFER'
  | 'FAIL'
  | 'REJECT'
  | 'LOOP'
  | 'PLAN'
  /** The queue has it, to be tried, or to be tried now; held, until somebody lets it go; let go. */
  | 'KEEP'
  | 'HOLD'
  | 'RELEASE'
  /** To be given up, as a person wants; given up: reported to its sender, or `why` says that nobody is to be told. */
  | 'RETURN'
  /** Thrown away by a person. */
  | 'DROP'

export type TraceEvent = {
  /** ms since 1970. */
  readonly at: number
  /** Ours; the same in all events of one message. */
  readonly id: string
  readonly kind: EventKind
  readonly messageId?: string
  /** MAIL FROM; '' is the null sender. */
  readonly sender?: string
  readonly recipients?: readonly string[]
  /** Name of the tenant, or 'internet'. */
  readonly peer?: string
  readonly client?: string
  readonly server?: string
  /** Of a REWRITE: header field, or 'MAIL FROM', or 'RCPT TO'. */
  readonly field?: string
  readonly old?: string
  readonly new?: string
  readonly entry?: string
  readonly reply?: string
  /** Exact, for the operator. */
  readonly why?: string
  readonly subject?: string
  readonly bytes?: number
  readonly direction?: 'inside' | 'outside'
  readonly tableVersion?: number
}
