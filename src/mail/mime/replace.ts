import type { Content, Message } from '../message/message.ts'
import type { Part } from './part.ts'

/** A part and the bytes, already encoded for transfer, that its body becomes. */
export type PartChange = { readonly part: Part; readonly body: Buffer }

/** The message's body as pieces: views on what stays, the new buffers between them. Nothing is copied. */
export function replaceParts(m: Message, changed: readonly PartChange[]): Content {
  const pieces: Buffer[] = []
  let at = m.bodyStart
  for (const { part, body } of changed.toSorted((a, b) => a.part.bodyStart - b.part.bodyStart)) {
    if (part.bodyStart < at) throw new RangeError('parts to be replaced overlap')
    pieces.push(m.raw.subarray(at, part.bodyStart), body)
    at = part.bodyEnd
  }
  pieces.push(m.raw.subarray(at))
  return pieces.filter((piece) => piece.length > 0)
}
