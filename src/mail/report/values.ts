/** What a delivery report is made from, and the parts that it is made of. */
import type { Content } from '../message/message.ts'

/** The actions of RFC 3464 section 2.3.3 that we report. relayed: handed to a server that will not report success itself. */
export type ReportKind = 'failed' | 'delayed' | 'relayed'

export type ReportRecipient = {
  /** As the sender wrote it. */
  readonly address: string
  /** ORCPT with its xtext undone: `type;address`. */
  readonly originalRecipient?: string
  /** RFC 3463: 5.1.1. */
  readonly status: string
  /** The next hop's own words, code first; '' = it said nothing. */
  readonly diagnostic: string
  /** The words are ours: no server was reached. */
  readonly isOurs?: boolean
  /** Host name, for a next hop outside only. */
  readonly remote?: string
  /** Plain sentences for the person. */
  readonly why: string
  readonly lastAttempt?: Date
}

/** `headers` is header text, `message` a whole message, as its sender wrote it. */
export type Returned =
  | { readonly kind: 'headers' /** Binary string. */; readonly text: string }
  | { readonly kind: 'message'; readonly content: Content }

export type ReportRequest = {
  readonly kind: ReportKind
  readonly hostname: string
  readonly date: Date
  /** Unique; becomes the left half of Message-ID. */
  readonly id: string
  /** The original sender. */
  readonly to: string
  /** ENVID with its xtext undone. */
  readonly originalEnvelopeId?: string
  readonly arrival: Date
  /** Of `delayed`: when it is given up. */
  readonly giveUpAt?: Date
  readonly recipients: readonly ReportRecipient[]
  readonly returned: Returned
  /** The report may hold UTF-8 in its header and in the part for programs (RFC 6531). */
  readonly smtputf8: boolean
}

export type ReportPart = {
  /** Of Content-Type, with its parameters. */
  readonly type: string
  readonly encoding: '7bit' | '8bit' | 'quoted-printable'
  /** Encoded. */
  readonly body: Content
}

/** RFC 5322 section 3.3, in UTC. */
export function dateTime(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000')
}
