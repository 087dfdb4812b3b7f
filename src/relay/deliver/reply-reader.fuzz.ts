import assert from 'node:assert/strict'
import { chunksOf, type FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { ReplyReader } from './reply-reader.ts'

export const target: FuzzTarget = {
  name: 'reply-reader',
  tokens: ['250 OK\r\n', '250-a\r\n', '220 x\n', '354 \r\n', '550-5.1.1 no\r\n', '\r', '\n', '\0', '9'.repeat(2100)],
  maxBytes: 8192,
  run(input) {
    const whole = read([input])
    const cut = read(chunksOf(input))
    assert.deepEqual(cut, whole, 'the same wherever the network cuts')
    for (const lines of whole.replies) {
      assert.equal(new Set(lines.map((line) => line.slice(0, 3))).size, 1, 'one code')
      assert.ok(lines.every((line) => !line.includes('\n') && line.length <= 2048))
    }
  },
}

function read(chunks: readonly Buffer[]): {
  readonly replies: readonly (readonly string[])[]
  readonly isBroken: boolean
} {
  const reader = new ReplyReader()
  const replies: (readonly string[])[] = []
  for (const chunk of chunks) {
    const heard = reader.read(chunk)
    replies.push(...heard.replies)
    if (heard.fault !== undefined) return { replies, isBroken: true }
  }
  return { replies, isBroken: false }
}
