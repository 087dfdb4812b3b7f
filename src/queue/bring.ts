/** Content on its way to the thread: a small one with its message, a large one before it, part by part. */
import { type Content, contentLength } from '../mail/message/message.ts'
import type { NewMessage } from './message.ts'
import { type PutMessage, partBytes } from './put.ts'
import type { Room } from './room.ts'
import type { Thread } from './thread.ts'

export function isLarge(message: NewMessage): boolean {
  return contentLength(message.content) > partBytes
}

/** Parts on their way at once: they share a commit. */
const partsAtOnce = 4

/** Resolves when all parts are stored. Rejects when one is not; then call `abandon`. */
export async function bringParts(thread: Thread, room: Room, { id, content }: NewMessage): Promise<void> {
  let part = 0
  let onTheWay: Promise<void>[] = []
  for (const bytes of parts(content)) {
    const ask = { do: 'part', id, part, bytes } as const
    onTheWay.push(room.within(bytes.length, () => thread.ask<'part'>(ask, [bytes.buffer])))
    part += 1
    // The first one alone: it finds out whether another message has this id.
    if (part > 1 && onTheWay.length < partsAtOnce) continue
    await allOf(onTheWay)
    onTheWay = []
  }
  await allOf(onTheWay)
}

/** Waits for each of them, also after one has failed: what is abandoned must not arrive afterwards. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) if (one.status === 'rejected') throw one.reason
}

/** The message as the thread takes it; the parts of a large one are there already. */
export function packed(message: NewMessage): PutMessage {
  const { content, ...rest } = message
  const size = contentLength(content)
  return isLarge(message) ? { ...rest, size } : { ...rest, size, content: copyOf(content, size) }
}

/** Parts that were stored for nothing; the sweep takes them away. */
export function abandon(thread: Thread, { id }: NewMessage): void {
  thread.ask<'abandon'>({ do: 'abandon', id }).catch(() => {
    // They lie there until the queue is opened the next time.
  })
}

/** With a buffer of its own, that crosses to the thread while the message is still being read here. */
function copyOf(content: Content, size: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(size)
  let at = 0
  for (const piece of content) {
    copy.set(piece, at)
    at += piece.length
  }
  return copy
}

function* parts(content: Content): Generator<Uint8Array<ArrayBuffer>> {
  let left = contentLength(content)
  let part = new Uint8Array(Math.min(partBytes, left))
  let at = 0
  for (const piece of content) {
    for (let from = 0; from < piece.length; ) {
      const some = piece.subarray(from, from + part.length - at)
      part.set(some, at)
      from += some.length
      at += some.length
      if (at < part.length) continue
      yield part
      left -= at
      part = new Uint8Array(Math.min(partBytes, left))
      at = 0
    }
  }
}
