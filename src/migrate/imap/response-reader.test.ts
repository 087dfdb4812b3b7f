import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { usualLimits } from './limits.ts'
import { type Frame, ResponseReader } from './response-reader.ts'

const small = { maxLineBytes: 1000, maxKeptBytes: 100, maxLiteralBytes: 1000 }

function read(chunks: readonly Buffer[], budget = small): { frames: Frame[]; fault: string | undefined } {
  const reader = new ResponseReader(budget)
  const frames: Frame[] = []
  for (const chunk of chunks) {
    const heard = reader.read(chunk)
    frames.push(...heard.frames)
    if (heard.fault !== undefined) return { frames, fault: heard.fault }
  }
  return { frames, fault: undefined }
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

test('lines, literals and what stands behind them', () => {
  const { frames } = read([bytes('* OK hi\r\n* 1 FETCH (BODY[] {5}\r\na\r\n\0b UID 3)\r\na1 OK\r\n')])
  assert.deepEqual(frames, [['* OK hi'], ['* 1 FETCH (BODY[] ', bytes('a\r\n\0b'), ' UID 3)'], ['a1 OK']])
})

test('the same wherever the network cuts', () => {
  const dialogue = bytes(
    '* OK x\r\n* LIST () "/" {3}\r\na{1\r\n* 1 FETCH (BODY[] {0}\r\n FLAGS ({2}\r\n)}))\r\n+ go {3}\r\na OK {9}\r\n',
  )
  const whole = read([dialogue])
  assert.equal(whole.frames.length, 5)
  for (let cut = 1; cut < dialogue.length; cut += 1) {
    assert.deepEqual(read([dialogue.subarray(0, cut), dialogue.subarray(cut)]), whole, `cut at ${cut}`)
  }
  assert.deepEqual(read([...dialogue].map((byte) => Buffer.of(byte))), whole, 'byte by byte')
})

test('a text for people is no literal, whatever it ends with', () => {
  assert.deepEqual(read([bytes('* NO see {5}\r\n* BYE {99999999999999999999}\r\na1 BAD {1}\r\n')]).frames.length, 3)
})

test('what is announced too large ends it, and nothing is kept for it', () => {
  for (const size of ['1001', '4000000000', '99999999999999999999']) {
    assert.equal(read([bytes(`* 1 FETCH (BODY[] {${size}}\r\n`)]).fault, 'it announced more than anything may be')
  }
})

test('what is larger than may be kept is counted', () => {
  const { frames } = read([bytes(`* 1 FETCH (BODY[] {101}\r\n${'x'.repeat(101)} UID 1)\r\na OK\r\n`)])
  assert.deepEqual(frames, [['* 1 FETCH (BODY[] ', { skippedBytes: 101 }, ' UID 1)'], ['a OK']])
})

test('literals of one response share what may be kept', () => {
  const literal = `{60}\r\n${'y'.repeat(60)}`
  const { frames } = read([bytes(`* X ${literal} ${literal}\r\n`)])
  assert.deepEqual(frames[0]?.[3], { skippedBytes: 60 })
})

test('a line that does not end', () => {
  const chunk = bytes('x'.repeat(400))
  assert.equal(read([chunk, chunk, chunk]).fault, 'a line does not end')
  const withLiterals = bytes('* X '.concat('{0}\r\n'.repeat(400)))
  assert.equal(read([withLiterals]).fault, 'a line does not end', 'text between literals counts too')
})

test('a long response byte by byte takes a time that its length explains', () => {
  const reader = new ResponseReader(usualLimits)
  const one = bytes('x')
  const begun = performance.now()
  for (let i = 0; i < 1_000_000; i += 1) assert.equal(reader.read(one).fault, undefined)
  assert.ok(performance.now() - begun < 10_000)
})

test('any bytes: the same frames whole and cut, never a byte too many', () => {
  const piece = fc.oneof(
    fc.constantFrom('* ', '{3}\r\n', '{', '}', '\r\n', '\n', '\r', '+', 'a1 OK', '* LIST () ', '{120}\r\n', '~{2}\r\n'),
    fc.string({ unit: 'binary-ascii', maxLength: 6 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(30)), (pieces, cuts) => {
      const input = bytes(pieces.join(''))
      const chunks: Buffer[] = []
      let at = 0
      for (const cut of cuts) chunks.push(input.subarray(at, (at += cut + 1)))
      chunks.push(input.subarray(at))
      assert.deepEqual(read(chunks), read([input]))
    }),
  )
})
