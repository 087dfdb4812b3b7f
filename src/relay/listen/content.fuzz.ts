import assert from 'node:assert/strict'
import { chunksOf, type FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { DotReader } from './dot-reader.ts'
import { Gather } from './gather.ts'

export const target: FuzzTarget = {
  name: 'content',
  tokens: [
    '\r\n.\r\n',
    '\n.\n',
    '\n.\r\n',
    '\r.\r',
    '\r\n.\n',
    '\r\n.\r',
    '\r\r\n.\r\r\n',
    '\r\n\0.\r\n',
    '\r\n..',
    '.',
    '\r\n',
  ],
  maxBytes: 4096,
  run(input) {
    const expected = byTheLetter(input)
    for (const chunks of [[input], chunksOf(input), [...input].map((byte) => Buffer.from([byte]))]) {
      assert.deepEqual(read(chunks), expected, 'as RFC 5321 section 4.5.2 says, wherever the network cuts')
    }
  },
}

type Content = { readonly content: string; readonly rest: number }

/** The rule itself: CRLF.CRLF ends, the first dot of any other line that begins with one goes. */
function byTheLetter(input: Buffer): Content {
  const text = `\r\n${input.toString('latin1')}`
  const end = text.indexOf('\r\n.\r\n')
  const lines = (end < 0 ? text : text.slice(0, end + 2)).replaceAll('\r\n.', '\r\n')
  return { content: lines.slice(2), rest: end < 0 ? -1 : input.length - (end + 3) }
}

function read(pieces: readonly Buffer[]): Content {
  const gather = new Gather(1 << 20)
  const reader = new DotReader(gather)
  let left = pieces.reduce((sum, piece) => sum + piece.length, 0)
  for (const piece of pieces) {
    const chunk = Buffer.from(piece) // the reader moves bytes in place
    const end = reader.push(chunk, 0)
    if (end >= 0) return { content: gather.take().toString('latin1'), rest: left - end }
    left -= chunk.length
  }
  return { content: gather.take().toString('latin1'), rest: -1 }
}
