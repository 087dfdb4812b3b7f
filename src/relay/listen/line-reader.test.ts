import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LineReader } from './line-reader.ts'

function lines(chunks: readonly Buffer[], maxBytes = 64): string[] {
  const reader = new LineReader(maxBytes)
  const found: string[] = []
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const line = reader.read(chunk, at)
      if (line.kind === 'more') break
      found.push(line.kind === 'line' ? line.text : `! ${line.why}`)
      at = line.next
    }
  }
  return found
}

const bytes = (text: string) => Buffer.from(text, 'latin1')

test('lines end in CRLF and in nothing else', () => {
  assert.deepEqual(lines([bytes('NOOP\r\nRSET\r\n\r\nQU')]), ['NOOP', 'RSET', ''])
  assert.deepEqual(lines([bytes('NOOP\nRSET\r\n\n')]), ['! bare LF', 'RSET', '! bare LF'])
  assert.deepEqual(lines([bytes('NO\rOP\r\n\0\r\nNOOP\r\r\n')]), ['! control', '! control', '! control'])
})

test('bytes beyond ASCII are UTF-8 or nothing', () => {
  assert.deepEqual(lines([Buffer.from('josé\r\n')]), ['josé'])
  assert.deepEqual(lines([bytes('jos\xe9\r\n'), bytes('\xed\xa0\x80\r\n')]), ['! not UTF-8', '! not UTF-8'])
})

test('the limit counts the CRLF, and a line too long is told once, at its end', () => {
  assert.deepEqual(lines([bytes('12345678\r\n123456789\r\nok\r\n')], 10), ['12345678', '! too long', 'ok'])
  assert.deepEqual(lines([bytes('1234567'), bytes('89012'), bytes('3\r\nok\r\n')], 10), ['! too long', 'ok'])
})

test('property: where the stream is cut makes no difference', () => {
  const piece = fc.constantFrom('\r', '\n', '\r\n', 'NOOP', ' ', '\xc3\xa9', '\xe9', '\0', 'x'.repeat(30))
  const stream = fc.array(piece, { maxLength: 30 }).map((pieces) => bytes(`${pieces.join('')}\r\n`))
  fc.assert(
    fc.property(stream, (whole) => {
      const single = Array.from(whole, (byte) => Buffer.of(byte))
      assert.deepEqual(lines(single), lines([whole]))
    }),
  )
})
