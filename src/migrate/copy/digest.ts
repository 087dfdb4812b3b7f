/** The digest of a message in its canonical form: each line ends with CRLF, no NUL. What servers change in storing does not show in it. */
import { createHash, type Hash, hash } from 'node:crypto'
import { normaliseLineEnds } from '../../mail/message/message.ts'
import type { Content } from '../mailbox/mailbox.ts'

/** SHA-256. */
export function digestOf(message: Buffer): Buffer {
  return hash('sha256', normaliseLineEnds(message), 'buffer')
}

export type Digests = {
  /** In hex. */
  readonly whole: string
  readonly body: string
  /** Of the canonical form, in bytes. */
  readonly size: number
}

/** Both in one reading, and without holding a large message. */
export async function digestsOf(content: Content): Promise<Digests> {
  const whole = canonicalHash()
  const body = canonicalHash()
  const header = headerWatch()
  for await (const piece of Buffer.isBuffer(content) ? [content] : content.read()) {
    whole.update(piece)
    const at = header.bodyIn(piece)
    if (at < piece.length) body.update(piece.subarray(at))
  }
  const all = whole.end()
  return { whole: all.digest, body: body.end().digest, size: all.size }
}

/** A CR at the end of a piece waits for the next one: its LF may follow. */
function canonicalHash(): { update(piece: Buffer): void; end(): { readonly digest: string; readonly size: number } } {
  const sum: Hash = createHash('sha256')
  let carried = false
  let size = 0
  const add = (bytes: Buffer): void => {
    sum.update(bytes)
    size += bytes.length
  }
  return {
    update: (piece) => {
      const all = carried ? Buffer.concat([cr, piece]) : piece
      carried = all.at(-1) === 0x0d
      add(normaliseLineEnds(carried ? all.subarray(0, -1) : all))
    },
    end: () => {
      if (carried) add(Buffer.from('\r\n'))
      return { digest: sum.digest('hex'), size }
    },
  }
}

const cr = Buffer.from('\r')

/** Finds the empty line in pieces: `bodyIn` gives where the body begins in this one, its length when not yet. */
function headerWatch(): { bodyIn(piece: Buffer): number } {
  let isInBody = false
  // What the current line holds so far: nothing, a CR alone, or more.
  let line: 'empty' | 'cr' | 'text' = 'empty'
  // Where the empty line begins when its CR stood at the end of the last piece: the body digest starts with the line's end.
  return {
    bodyIn: (piece) => {
      for (let at = 0; !isInBody && at < piece.length; at += 1) {
        const byte = piece[at]
        if (byte === 0x0a && line !== 'text') {
          isInBody = true
          return line === 'cr' && at > 0 ? at - 1 : at
        }
        line = byte === 0x0a ? 'empty' : byte === 0x0d && line === 'empty' ? 'cr' : 'text'
      }
      return isInBody ? 0 : piece.length
    },
  }
}
