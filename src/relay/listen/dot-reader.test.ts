import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DotReader } from './dot-reader.ts'
import { Gather } from './gather.ts'

const plenty = 1 << 20

/** What the reader makes of a stream cut into these chunks: the message, and how much of the stream belongs to it. */
function read(chunks: readonly Buffer[], maxBytes = plenty): { message: string; used: number } | 'goes on' {
  const gather = new Gather(maxBytes)
  const reader = new DotReader(gather)
  let before = 0
  for (const chunk of chunks) {
    const own = Buffer.from(chunk) // the reader works in place
    const end = reader.push(own, 0)
    if (end >= 0) return { message: gather.take().toString('latin1'), used: before + end }
    before += chunk.length
  }
  return 'goes on'
}

function cutAt(bytes: Buffer, ...cuts: number[]): Buffer[] {
  const borders = [0, ...cuts, bytes.length]
  return borders.slice(1).map((border, i) => bytes.subarray(borders[i], border))
}

/** Section 4.5.2 of RFC 5321 said as slowly as possible. */
function slowly(stream: string): { message: string; used: number } | 'goes on' {
  const end = `\r\n${stream}`.indexOf('\r\n.\r\n')
  if (end < 0) return 'goes on'
  const content = `\r\n${stream}`.slice(0, end + 2)
  return { message: content.replaceAll('\r\n.', '\r\n').slice(2), used: end + 3 }
}

const smuggling: readonly [string, string][] = [
  ['LF.LF', '\n.\n'],
  ['LF.CRLF', '\n.\r\n'],
  ['CRLF.LF', '\r\n.\n'],
  ['CR.CR', '\r.\r'],
  ['CR.LF', '\r.\n'],
  ['LF.CR', '\n.\r'],
  ['CR.CRLF', '\r.\r\n'],
  ['CRLF.CR', '\r\n.\r'],
  ['CRLF NUL.CRLF', '\r\n\0.\r\n'],
  ['CRLF.NUL CRLF', '\r\n.\0\r\n'],
  ['CRLF.CRCRLF', '\r\n.\r\r\n'],
  ['CRCRLF.CRCRLF', '\r\r\n.\r\r\n'],
  ['VT.VT', '\v.\v'],
  ['FF.FF', '\f.\f'],
  ['NEL.NEL', '\xc2\x85.\xc2\x85'],
  ['LS.LS', '\xe2\x80\xa8.\xe2\x80\xa8'],
  ['LFLF.LFLF', '\n\n.\n\n'],
  ['CRLF..CRLF', '\r\n..\r\n'],
  ['CRLF.blank CRLF', '\r\n. \r\n'],
]

for (const [name, sequence] of smuggling) {
  test(`${name} does not end the message, wherever it is cut`, () => {
    for (const lead of ['', 'Subject: x\r\n\r\nbody', `Subject: folded${sequence} `, 'x'.repeat(200)]) {
      const stream = `${lead}${sequence}MAIL FROM:<evil@x.example>\r\n.\r\n`
      const bytes = Buffer.from(stream, 'latin1')
      const whole = read([bytes])
      assert.deepEqual(whole, slowly(stream))
      assert.ok(whole !== 'goes on' && whole.used === bytes.length)
      assert.match(whole.message, /evil@x\.example>\r\n$/)
      for (let i = 0; i <= bytes.length; i++) {
        assert.deepEqual(read(cutAt(bytes, i)), whole)
        for (let j = i; j <= Math.min(i + 6, bytes.length); j++) assert.deepEqual(read(cutAt(bytes, i, j)), whole)
      }
    }
  })

  test(`${name} as the last bytes before the end, and byte by byte`, () => {
    const stream = `body${sequence}\r\n.\r\nNOOP\r\n`
    const bytes = Buffer.from(stream, 'latin1')
    const single = Array.from(bytes, (byte) => Buffer.of(byte))
    assert.deepEqual(read(single), slowly(stream))
  })

  test(`${name} after the message has become too large`, () => {
    const bytes = Buffer.from(`${'x'.repeat(100)}${sequence}more\r\n.\r\nNOOP\r\n`, 'latin1')
    for (let i = 0; i <= bytes.length; i++) {
      assert.deepEqual(read(cutAt(bytes, i), 50), { message: '', used: bytes.length - 'NOOP\r\n'.length })
    }
  })
}

test('the first line may be the end', () => {
  assert.deepEqual(read([Buffer.from('.\r\n')]), { message: '', used: 3 })
  assert.deepEqual(read([Buffer.from('.'), Buffer.from('\r'), Buffer.from('\n')]), { message: '', used: 3 })
})

test('what stands behind the end is not touched', () => {
  const chunk = Buffer.from('..a\r\n.\r\n..NOOP\r\n')
  const reader = new DotReader(new Gather(plenty))
  const end = reader.push(chunk, 0)
  assert.equal(chunk.toString('latin1', end), '..NOOP\r\n')
})

test('a message that begins in the middle of a chunk', () => {
  const chunk = Buffer.from('DATA\r\nbody\r\n.\r\nNOOP\r\n')
  const gather = new Gather(plenty)
  assert.equal(new DotReader(gather).push(chunk, 6), 15)
  assert.equal(gather.take().toString(), 'body\r\n')
})

test('property: any stream, cut anywhere, is read as the RFC says', () => {
  const piece = fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '\r\n..', 'a', '\0', 'x'.repeat(40))
  const stream = fc.array(piece, { maxLength: 60 }).map((pieces) => `${pieces.join('')}\r\n.\r\n`)
  fc.assert(
    fc.property(stream, fc.array(fc.nat(400), { maxLength: 8 }), (text, cuts) => {
      const bytes = Buffer.from(text, 'latin1')
      const sorted = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
      assert.deepEqual(read(cutAt(bytes, ...sorted)), slowly(text))
    }),
    { numRuns: 2000 },
  )
})
