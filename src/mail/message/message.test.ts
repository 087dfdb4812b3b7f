import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { headerText } from '../header/header.ts'
import {
  blocksOf,
  contentLength,
  dotBlocks,
  dotStuff,
  dotUnstuff,
  hasBareLineEnds,
  is8bit,
  normaliseLineEnds,
  readMessage,
} from './message.ts'

const binary = (text: string): Buffer => Buffer.from(text, 'latin1')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const shapes: readonly (readonly [reason: string, raw: string, header: string, body: string])[] = [
  ['header and body', 'A: b\r\nC: d\r\n\r\nbody\r\n\r\nmore', 'A: b\r\nC: d\r\n', 'body\r\n\r\nmore'],
  ['no body', 'A: b\r\n\r\n', 'A: b\r\n', ''],
  ['no empty line: all is header', 'A: b\r\nC: d\r\n', 'A: b\r\nC: d\r\n', ''],
  ['nothing', '', '', ''],
  ['no header', '\r\nbody', '', 'body'],
  ['an empty line, then one more', '\r\n\r\nbody', '', '\r\nbody'],
  ['a line that is no field stays in the header', 'A: b\r\nwhat\r\nC: d\r\n\r\nx', 'A: b\r\nwhat\r\nC: d\r\n', 'x'],
  ['a line of white space is folding', 'A: b\r\n \r\nC: d\r\n\r\nx', 'A: b\r\n \r\nC: d\r\n', 'x'],
  ['bare line feeds make no empty line', 'A: b\n\nx', 'A: b\n\nx', ''],
  ['8-bit bytes', 'A: \xff\r\n\r\n\xfe', 'A: \xff\r\n', '\xfe'],
]

for (const [reason, raw, header, body] of shapes) {
  test(`message: ${reason}`, () => {
    const message = readMessage(binary(raw))
    assert.equal(headerText(message.header), header)
    assert.equal(text(message.body), body)
    assert.equal(message.raw.subarray(message.bodyStart).equals(message.body), true)
  })
}

test('the body is a view, not a copy', () => {
  const raw = binary('A: b\r\n\r\nbody')
  assert.equal(readMessage(raw).body.buffer, raw.buffer)
})

test('contentLength', () => assert.equal(contentLength([binary('ab'), binary(''), binary('c')]), 3))

const lineEnds: readonly (readonly [text: string, isBare: boolean, normal: string])[] = [
  ['', false, ''],
  ['a\r\nb\r\n', false, 'a\r\nb\r\n'],
  ['\r\n\r\n', false, '\r\n\r\n'],
  ['a\nb', true, 'a\r\nb'],
  ['\na', true, '\r\na'],
  ['a\rb', true, 'a\r\nb'],
  ['a\r', true, 'a\r\n'],
  ['\r\r\n', true, '\r\n\r\n'],
  ['\r\n\n', true, '\r\n\r\n'],
  ['\n\r', true, '\r\n\r\n'],
  ['a\0b', true, 'ab'],
  ['\r\0\n', true, '\r\n'],
  ['\n.\r\n', true, '\r\n.\r\n'],
]

for (const [before, isBare, normal] of lineEnds) {
  test(`line ends of ${JSON.stringify(before)}`, () => {
    assert.equal(hasBareLineEnds(binary(before)), isBare)
    assert.equal(text(normaliseLineEnds(binary(before))), normal)
    assert.equal(hasBareLineEnds(binary(normal)), false)
  })
}

test('line ends are seen at every place around the border of a scanning window', () => {
  const window = 64 * 1024
  for (let at = window - 3; at <= window + 3; at++) {
    const clean = Buffer.alloc(window * 2, 'x')
    clean.write('\r\n', at)
    assert.equal(hasBareLineEnds(clean), false, `CRLF at ${at}`)
    for (const bare of ['\r', '\n', '\0', '\r\r\n', '\n\r\n']) {
      const dirty = Buffer.alloc(window * 2, 'x')
      dirty.write(bare, at)
      assert.equal(hasBareLineEnds(dirty), true, `${JSON.stringify(bare)} at ${at}`)
    }
  }
})

test('where lines are short, bare line ends are seen as well', () => {
  const window = 64 * 1024
  for (const lines of [
    binary('.\r\n'.repeat(window)),
    binary('\r\n'.repeat(window)),
    binary('abc\r\n'.repeat(window)),
  ]) {
    assert.equal(hasBareLineEnds(lines), false)
    for (let at = window - 6; at <= window + 6; at++)
      for (const bare of ['\r\r', '\nx', '\0', 'x\n', '\r\n\n']) {
        const dirty = Buffer.from(lines)
        dirty.write(bare, at, 'latin1')
        assert.equal(
          hasBareLineEnds(dirty),
          /\r(?!\n)|(?<!\r)\n|\0/.test(text(dirty)),
          `${JSON.stringify(bare)} at ${at}`,
        )
      }
  }
  assert.equal(hasBareLineEnds(binary('\r\n'.repeat(200).slice(0, -1))), true)
})

test('clean bytes are not copied', () => {
  const clean = binary('a\r\n b.\r\nc')
  assert.equal(normaliseLineEnds(clean), clean)
  const content = [clean]
  assert.equal(dotStuff(content), content)
  assert.equal(dotUnstuff(clean), clean)
})

test('is8bit', () => {
  assert.equal(is8bit(binary('a\x7f\0')), false)
  assert.equal(is8bit(binary('a\x80')), true)
  assert.equal(is8bit(binary('')), false)
})

const dots: readonly (readonly [reason: string, pieces: readonly string[], stuffed: string])[] = [
  ['at the beginning', ['.a'], '..a'],
  ['at a line', ['a\r\n.\r\n..b'], 'a\r\n..\r\n...b'],
  ['inside a line', ['a.b\r\nc.'], 'a.b\r\nc.'],
  ['behind a bare LF or CR: no line', ['a\n.b\r.c'], 'a\n.b\r.c'],
  ['at the beginning of a piece', ['a\r\n', '.b'], 'a\r\n..b'],
  ['a line end over two pieces', ['a\r', '\n.b'], 'a\r\n..b'],
  ['a line end over three', ['a\r', '\n', '.b'], 'a\r\n..b'],
  ['empty pieces between', ['', 'a\r\n', '', '.b', ''], 'a\r\n..b'],
  ['at the beginning of a piece, not of a line', ['a', '.b'], 'a.b'],
  [
    'at a line whose end is the last that was looked at byte by byte',
    [`\r\n.${'a'.repeat(28)}\r\n.b`],
    `\r\n..${'a'.repeat(28)}\r\n..b`,
  ],
  [
    'at a line whose CR is the last that was looked at byte by byte',
    [`\r\n.${'a'.repeat(29)}\r\n.b`],
    `\r\n..${'a'.repeat(29)}\r\n..b`,
  ],
  ['only the piece that has it is copied', ['a\r\n', '.b', 'c\r\n'], 'a\r\n..bc\r\n'],
]

for (const [reason, pieces, expected] of dots) {
  test(`dot ${reason}`, () => {
    const stuffed = Buffer.concat(dotStuff(pieces.map(binary)))
    assert.equal(text(stuffed), expected)
    assert.equal(text(dotUnstuff(stuffed)), pieces.join(''))
  })
}

const anyBytes = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '.', 'a', 'B: ', '\0', '\xff'), { maxLength: 30 })
  .map((parts) => binary(parts.join('')))
const runs = { numRuns: 2000 }

test('any bytes are a message, in header, empty line and body', () => {
  fc.assert(
    fc.property(anyBytes, (raw) => {
      const message = readMessage(raw)
      const header = headerText(message.header)
      assert.equal(header + text(raw.subarray(header.length, message.bodyStart)) + text(message.body), text(raw))
      assert.match(text(raw.subarray(header.length, message.bodyStart)), /^(?:\r\n)?$/)
    }),
    runs,
  )
})

test('line ends over the border of a window are made normal as anywhere else', () => {
  const window = 64 * 1024
  const ends = ['\r\n', '\r', '\n', '\r\r\n', '\n\r', '\0', '\r\0\n', '\r\0\0', '\0\n', '\r\n\n', '\0\0\0\0']
  for (let at = window - 5; at <= window + 1; at++)
    for (const end of ends) {
      const bytes = Buffer.alloc(window * 2 + 3, 'x')
      bytes.write(end, at, 'latin1')
      const lines = text(bytes)
        .replaceAll('\0', '')
        .split(/\r\n|\r|\n/)
      assert.ok(normaliseLineEnds(bytes).equals(binary(lines.join('\r\n'))), `${JSON.stringify(end)} at ${at}`)
    }
  const silence = Buffer.alloc(window * 3)
  silence[1] = 0x0d
  assert.equal(text(normaliseLineEnds(silence)), '\r\n')
  silence[window * 3 - 1] = 0x0a
  assert.equal(text(normaliseLineEnds(silence)), '\r\n')
})

test('any bytes made normal are normal, and stay so', () => {
  fc.assert(
    fc.property(anyBytes, (raw) => {
      const normal = normaliseLineEnds(raw)
      assert.equal(hasBareLineEnds(normal), false)
      assert.equal(normaliseLineEnds(normal), normal)
      assert.equal(hasBareLineEnds(raw), !normal.equals(raw))
    }),
    runs,
  )
})

test('dots at any distance from each other are stuffed', () => {
  for (let distance = 0; distance < 100; distance++) {
    const line = `\r\n.${'a'.repeat(distance)}`
    assert.equal(text(Buffer.concat(dotStuff([binary(line.repeat(5))]))), line.replace('.', '..').repeat(5))
  }
})

test('any content, however it is cut, stuffs to the same bytes without an end in it, and back', () => {
  fc.assert(
    fc.property(fc.array(anyBytes, { maxLength: 6 }), (pieces) => {
      const whole = Buffer.concat(pieces)
      const stuffed = Buffer.concat(dotStuff(pieces))
      assert.ok(stuffed.equals(Buffer.concat(dotStuff([whole]))))
      assert.doesNotMatch(`\r\n${text(stuffed)}`, /\r\n\.(?!\.)/)
      assert.ok(dotUnstuff(stuffed).equals(whole))
    }),
    runs,
  )
})

/** They are good until the next is asked for: what a socket has taken by then. */
const sent = (blocks: Iterable<Buffer>): readonly string[] => Array.from(blocks, text)

test('any content, cut into pieces and blocks at whatever byte, leaves with the same dots', () => {
  fc.assert(
    fc.property(fc.array(anyBytes, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (pieces, blockBytes) => {
      const expected = text(Buffer.concat(dotStuff([Buffer.concat(pieces)])))
      assert.equal(sent(dotBlocks(pieces, blockBytes)).join(''), expected)
      assert.equal(sent(blocksOf(pieces, blockBytes)).join(''), text(Buffer.concat(pieces)))
      for (const block of blocksOf(pieces, blockBytes)) assert.ok(block.length > 0 && block.length <= blockBytes)
    }),
    runs,
  )
})

test('every two cuts of a message with dots at its lines', () => {
  const raw = binary('.a\r\n..\r\n.\r\n\r\n.b\r.\n.c\r\r\n.')
  const expected = '..a\r\n...\r\n..\r\n\r\n..b\r.\n.c\r\r\n..'
  for (let one = 0; one <= raw.length; one++)
    for (let two = one; two <= raw.length; two++) {
      const pieces = [raw.subarray(0, one), raw.subarray(one, two), raw.subarray(two)]
      assert.equal(sent(dotBlocks(pieces, 7)).join(''), expected, `${one} ${two}`)
      assert.equal(sent(dotBlocks(pieces, 1000)).join(''), expected, `${one} ${two}`)
    }
})

test('blocks without such lines are views, the others share one place of a block and a third', () => {
  const raw = binary(`${'x'.repeat(998)}\r\n`.repeat(10) + '.\r\n'.repeat(10_000))
  const made = new Set<ArrayBufferLike>()
  let views = 0
  for (const block of dotBlocks([raw], 3000)) {
    if (block.buffer === raw.buffer) views++
    else made.add(block.buffer)
  }
  assert.equal(views, 3)
  assert.deepEqual(
    [...made].map(({ byteLength }) => byteLength),
    [4001],
  )
})
