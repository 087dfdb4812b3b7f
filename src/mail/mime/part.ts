/**
 * A leaf of the MIME tree, or the whole message when it is not multipart (RFC 2045 section 2.4).
 * Offsets are bytes into the message's raw buffer; header text is [headerStart, bodyStart), body [bodyStart, bodyEnd).
 * A multipart that may not be opened (signed, encrypted, broken) is one sealed leaf itself.
 */
export type Part = {
  readonly headerStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
  /** Lower-case type/subtype; application/octet-stream when Content-Type cannot be read. */
  readonly type: string
  /** Lower-case names; values as binary strings, RFC 2231 undone. */
  readonly parameters: ReadonlyMap<string, string>
  /** Lower-case Content-Transfer-Encoding. */
  readonly encoding: string
  /** Unicode, '' when there is none. */
  readonly filename: string
  /** The multipart types above it, outermost first. */
  readonly path: readonly string[]
  /** Never to be changed, nor looked into. */
  readonly sealed: boolean
}
