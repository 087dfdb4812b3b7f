/** How far the copy may be trusted, in the words of Exchange's DataConsistencyScore. */

export type Score = 'Perfect' | 'Good' | 'Investigate' | 'Poor'

/**
 * Perfect: all of it, byte for byte. Good: all of it, some changed as the target demanded. Investigate: a few are
 * missing. Poor: a folder is missing, or more than one message in a hundred.
 */
export function scoreOf(o: {
  readonly messages: number
  readonly skipped: number
  readonly repaired: number
  readonly folders: number
}): Score {
  if (o.folders > 0 || o.skipped * 100 > o.messages + o.skipped) return 'Poor'
  if (o.skipped > 0) return 'Investigate'
  return o.repaired > 0 ? 'Good' : 'Perfect'
}
