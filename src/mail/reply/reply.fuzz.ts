import assert from 'node:assert/strict'
import type { FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { cleanText, parseReply, replyLines } from './reply.ts'

export const target: FuzzTarget = {
  name: 'reply',
  tokens: ['250 ', '250-', '550 5.1.1 ', '4.3.2 ', '\r\n', '\n', '\x1b[2J', '\u0000', 'x'.repeat(600)],
  maxBytes: 8192,
  run(input) {
    const text = input.toString('utf8')
    assert.match(cleanText(text), /^[ -~]*$/, 'printable ASCII and nothing else')
    const reply = parseReply(text.split('\r\n'))
    const sent = replyLines({ ...reply, code: reply.code === 0 ? 451 : reply.code })
    const lines = sent.split('\r\n')
    assert.equal(lines.pop(), '', 'ends with CRLF')
    for (const line of lines) assert.match(line, /^[2-5][0-9]{2}[ -][ -~]{0,506}$/, 'lines of 512 bytes at most')
    assert.equal(lines.filter((line) => line[3] === ' ').length, 1, 'one reply')
  },
}
