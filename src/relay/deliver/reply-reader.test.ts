import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ReplyReader } from './reply-reader.ts'

const code = fc.constantFrom('220', '250', '354', '421', '550')
const words = fc.stringMatching(/^[ -~]{0,40}$/)
const reply = fc
  .tuple(code, fc.array(words, { minLength: 1, maxLength: 5 }))
  .map(([number, lines]) => lines.map((line, i) => `${number}${i === lines.length - 1 ? ' ' : '-'}${line}`))

/** All that a reader says of `bytes` when they come cut at `cuts`. */
function read(bytes: Buffer, cuts: readonly number[]): { replies: (readonly string[])[]; fault: string | undefined } {
  const reader = new ReplyReader()
  const replies: (readonly string[])[] = []
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  let start = 0
  for (const end of ends) {
    const heard = reader.read(bytes.subarray(start, end))
    replies.push(...heard.replies)
    if (heard.fault !== undefined) return { replies, fault: heard.fault }
    start = end
  }
  return { replies, fault: undefined }
}

test('replies are read alike however they are cut', () => {
  fc.assert(
    fc.property(fc.array(reply), fc.array(fc.nat()), fc.constantFrom('\r\n', '\n'), (replies, cuts, end) => {
      const bytes = Buffer.from(
        replies
          .flat()
          .map((line) => line + end)
          .join(''),
        'latin1',
      )
      assert.deepEqual(read(bytes, cuts), { replies, fault: undefined })
    }),
  )
})

test('any bytes give replies or a fault, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat()), (bytes, cuts) => {
      const heard = read(Buffer.from(bytes), cuts)
      for (const lines of heard.replies) for (const line of lines) assert.match(line, /^[2-5][0-5]\d(?:[ -]|$)/)
    }),
  )
})

test('the limits: a line, a reply, and what is held', () => {
  const reader = new ReplyReader()
  assert.equal(reader.read(Buffer.from(`250 ${'x'.repeat(2044)}\r\n`)).fault, undefined)
  assert.equal(reader.read(Buffer.from(`250 ${'x'.repeat(2045)}\r\n`)).fault, 'a line of its answer is too long')
  assert.equal(read(Buffer.from(`250-${'x'.repeat(996)}\r\n`.repeat(66)), []).fault, 'its answer does not end')
  const held = new ReplyReader()
  held.read(Buffer.from('250-a\r\n'))
  assert.equal(held.isEmpty, false)
  held.read(Buffer.from('250 b\r\n'))
  assert.equal(held.isEmpty, true)
})

test('a code alone is a reply (RFC 5321 section 4.2.1)', () => {
  assert.deepEqual(read(Buffer.from('250\r\n354\r\n'), []).replies, [['250'], ['354']])
})
