import type { Content } from './message.ts'

/** The content in views of at most so many bytes. */
export function* blocksOf(c: Content, blockBytes: number): Generator<Buffer, void> {
  for (const piece of c) for (let at = 0; at < piece.length; at += blockBytes) yield piece.subarray(at, at + blockBytes)
}
