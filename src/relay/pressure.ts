/** When nothing more may be promised: asked at MAIL, so that nobody sends a message in vain. */
import { type Reply, replies } from '../mail/reply/reply.ts'
import type { DiskWatch, Figures } from '../queue/queue.ts'

export type PressureParts = {
  readonly disk: Pick<DiskWatch, 'isLow'>
  readonly figures: () => Pick<Figures, 'messages' | 'bytes'>
  /** High marks of what is in the queue, held mail too. */
  readonly marks?: Marks
}

/** docs/limits.md, "The queue". */
export const queueMarks = { messages: 1_000_000, bytes: 64 * 1024 ** 3 } as const
/** Below this part of the mark mail is taken again: a queue at its mark must not say yes and no in turns. */
const againAt = 0.9

type Marks = { readonly messages: number; readonly bytes: number }

/** 1: it is at its mark. */
export function queuePart({ messages, bytes }: Marks, marks: Marks = queueMarks): number {
  return Math.max(messages / marks.messages, bytes / marks.bytes)
}

/** The reply to MAIL while there is no room; undefined while there is. */
export function makePressure(parts: PressureParts): () => Reply | undefined {
  const { disk, figures, marks } = parts
  let isFull = false
  return () => {
    if (disk.isLow) return replies.diskFull()
    isFull = queuePart(figures(), marks) >= (isFull ? againAt : 1)
    return isFull ? replies.queueFull() : undefined
  }
}
