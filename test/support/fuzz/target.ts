/** What a reader is fuzzed by: `*.fuzz.ts` beside its source exports a `target`. */

export type FuzzTarget = {
  /** Also the name of its seed corpus, a folder in test/fuzz/. */
  readonly name: string
  /** Pieces that its inputs are made of; mutations put them in. */
  readonly tokens: readonly string[]
  /** Longest input that is tried, in bytes. */
  readonly maxBytes: number
  /** Reads the input and throws when a promise of the reader is broken. */
  readonly run: (input: Buffer) => void
}

/** The same bytes cut into chunks at places that the bytes themselves name, so that an input always gives the same cuts. */
export function chunksOf(input: Buffer): readonly Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < input.length; ) {
    const length = 1 + ((input[at] ?? 0) % 7)
    chunks.push(input.subarray(at, at + length))
    at += length
  }
  return chunks
}
