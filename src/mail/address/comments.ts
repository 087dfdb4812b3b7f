import { tokenise } from './tokens.ts'

/** A comment with its parentheses (RFC 5322 section 3.2.2), or several side by side with the white space between them. */
export type Comment = { readonly start: number; readonly end: number }

/** The comments of an address field's value, in order; none where it cannot be read. */
export function commentsIn(value: string): readonly Comment[] {
  const read = tokenise(value)
  if (read.kind === 'unreadable') return []
  const starts = [0, ...read.tokens.map(({ end }) => end)]
  const ends = [...read.tokens.map(({ start }) => start), value.length]
  const gaps = starts.map((start, i) => ({ start, end: ends[i] ?? start }))
  // Everything else that is no token is white space.
  return gaps.filter(({ start, end }) => value.slice(start, end).includes('('))
}
