/**
 * SMTP replies: ours, and those of others made harmless.
 *
 * Promises: every reply that Causeway ever gives stands in `replies`; what is written has CRLF lines of at most 512 bytes.
 * Never: lets a control character or a foreign line end through, in either direction.
 * On failure: lines that are no reply give code 0.
 */

export { cleanText, parseReply, replyLines } from './lines.ts'
export { replies } from './replies.ts'

/** `enhanced` is the code of RFC 3463, '' where there is none (greeting, EHLO, 354). Lines of `text` are parted by '\n'. */
export type Reply = { readonly code: number; readonly enhanced: string; readonly text: string }
