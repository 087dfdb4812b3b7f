/** The digest of a message in its canonical form: each line ends with CRLF, no NUL. What servers change in storing does not show in it. */
import { createHash, type Hash, hash } from 'node:crypto'
import { normaliseLineEnds } from '../../mail/message/message.ts'
import { type Content, headerEnd } from '../mailbox/mailbox.ts'

/** SHA-256. */
export function digestOf(message: Buffer): Buffer {
  return hash('sha256', normaliseLineEnds(message), 'buffer')
}

/** Of what follows the header. */
export function bodyDigestOf(message: Buffer): Buffer {
  return digestOf(message.subarray(headerEnd(message)))
}

export type Digests = { readonly whole: string; readonly body: string }

/** Both, in hex, in one reading and without holding a large message. */
export async function digestsOf(content: Content): Promise<Digests> {
  if (Buffer.isBuffer(content)) {
    return { whole: digestOf(content).toString('hex'), body: bodyDigestOf(content).toString('hex') }
  }
  const whole = canonicalHash()
  const body = canonicalHash()
  const header = headerWatch()
  for await (const piece of content.read()) {
    whole.update(piece)
    const at = header.bodyIn(piece)
    if (at < piece.length) body.update(piece.subarray(at))
  }
  return { whole: whole.digest(), body: body.digest() }
}

/** A CR at the end of a piece waits for the next one: its LF may follow. */
function canonicalHash(): { update(piece: Buffer): void; digest(): string } {
  const sum: Hash = createHash('sha256')
  let carried = false
  return {
    update: (piece) => {
      const all = carried ? Buffer.concat([cr, piece]) : piece
      carried = all.at(-1) === 0x0d
      sum.update(normaliseLineEnds(carried ? all.subarray(0, -1) : all))
    },
    digest: () => (carried ? sum.update('\r\n') : sum).digest('hex'),
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
