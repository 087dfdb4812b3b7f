import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LargeContent } from '../mailbox/mailbox.ts'
import {
  disarmed,
  disarmer,
  hasLongLine,
  headerEnded,
  headOf,
  lineWrapper,
  type Rewriter,
  rewritten,
  wrapLongLines,
} from './repair.ts'

const text = (s: string): Buffer => Buffer.from(s, 'latin1')

test('a header line is folded before white space, a line of the body broken behind it, both where they are full if there is none', () => {
  const message = text(
    `Subject: ${'word '.repeat(6)}\r\nX: ${'y'.repeat(40)}\r\n\r\n${'word '.repeat(6)}\r\n${'z'.repeat(45)}\n`,
  )
  const lines = wrapLongLines(message, 20).toString('latin1').split('\r\n')
  assert.deepEqual(lines, [
    'Subject: word word',
    ' word word word',
    ' word ',
    'X:',
    ' yyyyyyyyyyyyyyyyyy',
    ' yyyyyyyyyyyyyyyyyy',
    ' yyyy',
    '',
    'word word word word ',
    'word word ',
    'zzzzzzzzzzzzzzzzzzzz',
    'zzzzzzzzzzzzzzzzzzzz',
    'zzzzz\n',
  ])
})

test('a character of several bytes is not cut', () => {
  const line = 'ü'.repeat(30)
  const out = wrapLongLines(Buffer.from(`\r\n${line}\r\n`), 11).toString()
  assert.equal(out.replaceAll('\r\n', ''), line)
})

const pieces = fc.array(
  fc.constantFrom('\r\n', '\n', ' ', 'word', 'x'.repeat(30), 'y'.repeat(70), ': ', '\t', 'Subject'),
  { maxLength: 60 },
)

test('no line is longer than it may be, nothing but line ends and a space behind them is added, however it is cut in pieces', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 40 }), async (parts, cut) => {
      const message = text(parts.join(''))
      const whole = wrapLongLines(message, 50)
      assert.equal(hasLongLine(whole, 50), false)
      const squeezed = (b: Buffer): string => b.toString('latin1').replace(/[\r\n ]/g, '')
      assert.equal(squeezed(whole), squeezed(message))
      const streamed = await gather(await rewritten(inPieces(message, cut), () => lineWrapper(50)))
      assert.equal(hasLongLine(streamed, 50), false)
      assert.equal(squeezed(streamed), squeezed(message))
    }),
  )
})

test('the request for a receipt is renamed in the header only', async () => {
  const message = text('A: b\r\ndisposition-notification-to: <x@y>\r\n\r\nDisposition-Notification-To: no field\r\n')
  const calm = 'A: b\r\nX-disposition-notification-to: <x@y>\r\n\r\nDisposition-Notification-To: no field\r\n'
  assert.equal(disarmed(message).toString(), calm)
  for (let cut = 1; cut < 40; cut += 1) {
    const large = await rewritten(inPieces(message, cut), disarmer)
    assert.equal((await gather(large)).toString(), calm)
    assert.equal(large.size, calm.length)
  }
  const innocent = text('A: b\r\n\r\nx')
  assert.equal(disarmed(innocent), innocent)
})

test('a header ends before the first line that is no field', () => {
  const cases = [
    ['only text\r\n', '\r\nonly text\r\n'],
    ['A: b\r\n c\r\nFrom - Mon Jan\r\nB: c\r\n\r\nx', 'A: b\r\n c\r\n\r\nFrom - Mon Jan\r\nB: c\r\n\r\nx'],
    [' A: b\r\n\r\nx', '\r\n A: b\r\n\r\nx'],
  ] as const
  for (const [given, wanted] of cases) assert.equal(headerEnded(text(given)).toString(), wanted)
  const fine = text('A : b\r\n\tc\r\n\r\nno field\r\n')
  assert.equal(headerEnded(fine), fine)
})

test('the head of a large one is read, and no more of it than that', async () => {
  let read = 0
  const large: LargeContent = {
    size: 1e9,
    async *read() {
      for (; read < 1000; read += 1) yield text(read === 3 ? 'A: b\r\n\r\n' : 'X: y\r\n')
    },
  }
  assert.equal((await headOf(large)).toString(), 'X: y\r\nX: y\r\nX: y\r\nA: b\r\n')
  assert.equal(read, 3)
})

test('a line without an end is not gathered', () => {
  const wrapper: Rewriter = lineWrapper(100)
  const out = Array.from({ length: 1000 }, () => wrapper.piece(Buffer.alloc(1000, 'x'))).flat()
  assert.ok(Buffer.concat(out).length > 990_000)
})

function inPieces(content: Buffer, size: number): LargeContent {
  return {
    size: content.length,
    async *read() {
      for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size)
    },
  }
}

async function gather(content: LargeContent): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of content.read()) all.push(piece)
  return Buffer.concat(all)
}
