import type { LargeContent, MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Data, Words } from './response.ts'
import type { About } from './words.ts'

/** A piece of a command: text that we wrote ourselves, or a literal. */
export type Piece = string | Buffer | LargeContent

/** The tagged answer, or the end of the connection before it. */
export type End = ({ readonly kind: 'OK' } & Words) | Unwell
export type Unwell =
  | ({ readonly kind: 'NO' | 'BAD' } & Words)
  | { readonly kind: 'lost'; readonly trouble: MailboxTrouble }

/** What the connection sends, and to whom it gives what comes back. */
export type Command = {
  /** For people: what it is, never with its arguments. */
  readonly what: string
  readonly about: About
  readonly pieces: readonly Piece[]
  /** True: this response was for me. */
  readonly take?: (data: Data) => boolean
  /** Codes of untagged status responses while it is first in line. */
  readonly hear?: (words: Words) => void
  /** `+` when no literal waits for one: IDLE, AUTHENTICATE. Answers with what to send, a line. */
  readonly goOn?: (text: string) => string | undefined
  /** Called once. */
  readonly done: (end: End) => void
  /** SELECT, EXAMINE: data that comes while an earlier command is unanswered belongs to the folder of before. */
  readonly selects?: boolean
  /**
   * `afterAll`: sent when all before it are answered. `alone`: the same, and nothing is sent until it is answered itself: SELECT and
   * whatever else changes what later commands mean (RFC 9051 section 5.5).
   */
  readonly order?: 'afterAll' | 'alone'
  /** Told when another command waits for the end of this one, which is alone. */
  readonly hurry?: () => void
  /** What comes behind an OK to this is not for us: STARTTLS. */
  readonly endsClear?: boolean
  /** No patience is lost over it while this holds: IDLE. */
  readonly isEndless?: () => boolean
}

export type Asked = Omit<Command, 'done'>

/**
 * A string as an argument, whatever is in it: quoted when it is short and plain, a literal else. CR, LF and NUL never stand in
 * a line of ours; NUL cannot be written at all (RFC 9051 section 9, CHAR8).
 */
export function astring(value: string): readonly Piece[] {
  const isPlain = value.length <= 1000 && /^[\x20-\x7e]*$/.test(value)
  return [isPlain ? `"${value.replace(/["\\]/g, '\\$&')}"` : Buffer.from(value, 'latin1')]
}

/** Pieces that are text run together, so that a command without literals is one write. */
export function joined(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = []
  for (const piece of pieces) {
    const last = out.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') out[out.length - 1] = last + piece
    else out.push(piece)
  }
  return out
}
