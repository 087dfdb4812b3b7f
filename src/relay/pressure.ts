/** When nothing more may be promised: asked at MAIL, so that nobody sends a message in vain. */
import { type Reply, replies } from '../mail/reply/reply.ts'
import type { DiskWatch, Figures } from '../queue/queue.ts'

export type PressureParts = {
  readonly disk: Pick<DiskWatch, 'isLow'>
  readonly figures: () => Pick<Figures, 'messages' | 'bytes'>
  /** High marks of what is in the queue, held mail too. */
  readonly maxMessages?: number
  readonly maxBytes?: number
}

const defaultMaxMessages = 1_000_000
const defaultMaxBytes = 64 * 1024 ** 3
/** Below this part of the mark mail is taken again: a queue at its mark must not say yes and no in turns. */
const againAt = 0.9

/** The reply to MAIL while there is no room; undefined while there is. */
export function makePressure(parts: PressureParts): () => Reply | undefined {
  const { disk, figures, maxMessages = defaultMaxMessages, maxBytes = defaultMaxBytes } = parts
  let isFull = false
  return () => {
    if (disk.isLow) return replies.diskFull()
    const { messages, bytes } = figures()
    const part = Math.max(messages / maxMessages, bytes / maxBytes)
    isFull = part >= (isFull ? againAt : 1)
    return isFull ? replies.queueFull() : undefined
  }
}
