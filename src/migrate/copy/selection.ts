/** Which messages are copied, by choice and by what the target takes. */
import type { CopyOptions } from './contract.ts'

/** By its date; one that has none is wanted. */
export function isWanted({ since, before }: CopyOptions, instant: number | undefined): boolean {
  return instant === undefined || (instant >= (since ?? instant) && instant < (before ?? Number.POSITIVE_INFINITY))
}

export type MostBytes = { readonly bytes: number; why(size: number): string }

export function mostBytes({ maxBytes }: CopyOptions, maxAppend: number | undefined): MostBytes {
  const target = maxAppend ?? Number.POSITIVE_INFINITY
  return {
    bytes: Math.min(maxBytes ?? Number.POSITIVE_INFINITY, target),
    why: (size) => (size > target ? `the target takes ${maxAppend} bytes at most` : 'larger than was asked for'),
  }
}
