/**
 * SHA-256 of a body in "relaxed" form, RFC 6376 section 3.4.4, without making that form where the body already has it.
 *
 * Most mail is base64 or text with single spaces. Native searches show that a slice needs no change, and it is hashed
 * where it lies; a slice that needs one is written anew. Lines end at CRLF only: a bare CR or LF, which mail that came
 * by BDAT may hold, is content and is signed as it is sent.
 */
import { createHash } from 'node:crypto'
import type { Content } from '../../mail/message/message.ts'
import { RelaxedBody } from './relaxed-body.ts'

/** Small enough that one dirty line in a large body costs little, large enough for the native calls to pay. */
const sliceBytes = 64 * 1024
/** Bytes hashed in one go (a few milliseconds) before other work of this thread gets its turn. */
const turnBytes = 1024 * 1024

const known = new WeakMap<Content, Promise<string>>()

/** Base64, as bh= has it. Asked again for the same `Content` (another signer, another copy) it is not made again. */
export function bodyHash(body: Content): Promise<string> {
  const made = known.get(body) ?? hashInTurns(body)
  known.set(body, made)
  return made
}

async function hashInTurns(body: Content): Promise<string> {
  const relaxed = new RelaxedBody(createHash('sha256'))
  let turn = 0
  for (const piece of body) {
    for (let at = 0; at < piece.length; at += sliceBytes) {
      const slice = piece.subarray(at, at + sliceBytes)
      relaxed.add(slice)
      turn += slice.length
      if (turn < turnBytes) continue
      turn = 0
      await new Promise(setImmediate)
    }
  }
  return relaxed.end()
}
