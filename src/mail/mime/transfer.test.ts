import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { contentLength, readMessage } from '../message/message.ts'
import { decodePart, encodePart, type Part, parts, replaceParts } from './mime.ts'

/** A part that is all of its buffer. */
function whole(raw: Buffer, encoding: string, path: readonly string[] = ['multipart/mixed']): Part {
  return {
    headerStart: 0,
    bodyStart: 0,
    bodyEnd: raw.length,
    type: 'text/calendar',
    parameters: new Map(),
    encoding,
    filename: '',
    path,
    sealed: false,
  }
}

function decoded(text: string, encoding: string): string | undefined {
  const raw = Buffer.from(text, 'latin1')
  return decodePart(raw, whole(raw, encoding))?.toString('latin1')
}

function encoded(text: string, encoding: string, path?: readonly string[]): string {
  const body = Buffer.from(text, 'latin1')
  return encodePart(body, whole(body, encoding, path)).toString('latin1')
}

test('base64: lines of any length, white space, missing padding; nothing that would be lost', () => {
  assert.equal(decoded('QkVH\r\n SU4\t=\r\n\r\n', 'base64'), 'BEGIN')
  assert.equal(decoded('QkVHSU4', 'base64'), 'BEGIN')
  assert.equal(decoded('', 'base64'), '')
  for (const broken of ['QkVHSU4=\r\n-- \r\nlist footer', 'QkVH!SU4=', 'QkVH=SU4=', 'Q', 'QkVHSU4===', 'QkV_SU4='])
    assert.equal(decoded(broken, 'base64'), undefined, broken)
})

test('quoted-printable: soft breaks, small letters, white space that was added; nothing that is broken', () => {
  assert.equal(decoded('a=3d=3D=\r\nb=  \r\nc \t\r\nd=20\r\n', 'quoted-printable'), 'a==bc\r\nd \r\n')
  assert.equal(decoded('a=\nb\n', 'quoted-printable'), 'ab\n')
  assert.equal(decoded('end=', 'quoted-printable'), 'end')
  assert.equal(decoded('8bit \xe9', 'quoted-printable'), '8bit \xe9')
  for (const broken of ['a=zz', 'a=4', '==\r\n', 'a=\rb'])
    assert.equal(decoded(broken, 'quoted-printable'), undefined, broken)
})

test('an encoding that is not known is not decoded', () => {
  assert.equal(decoded('x', 'x-uuencode'), undefined)
  assert.equal(decoded('x', ''), undefined)
  for (const encoding of ['7bit', '8bit', 'binary']) assert.equal(decoded('x\xff', encoding), 'x\xff')
})

test('base64 is written in 76 columns, every line ended', () => {
  assert.equal(encoded('x'.repeat(58), 'base64'), `${'eHh4'.repeat(19)}\r\neA==\r\n`)
})

test('quoted-printable is written with hard breaks for CRLF and soft ones at 76', () => {
  assert.equal(encoded('a=b\t\r\n\xe9 \r\nc\rd\ne', 'quoted-printable'), 'a=3Db=09\r\n=E9=20\r\nc=0Dd=0Ae')
  assert.equal(encoded('x'.repeat(76), 'quoted-printable'), 'x'.repeat(76))
  assert.equal(encoded('x'.repeat(77), 'quoted-printable'), `${'x'.repeat(75)}=\r\nxx`)
  assert.equal(encoded(`${'x'.repeat(73)}\xe9xx`, 'quoted-printable'), `${'x'.repeat(73)}=\r\n=E9xx`)
  assert.equal(encoded(`${'x'.repeat(74)}\xe9x`, 'quoted-printable'), `${'x'.repeat(74)}=\r\n=E9x`)
})

test('the only body of a message ends in CRLF', () => {
  assert.equal(encoded('END', 'quoted-printable', []), 'END=\r\n')
  assert.equal(encoded('END\r\n', 'quoted-printable', []), 'END\r\n')
})

test('what was encoded is decoded to the same bytes, in lines of 76', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b).toString('latin1')),
    fc
      .array(fc.constantFrom('\r\n', ' ', '\t', '=', 'x', '\xc3\xbc', '\r', '\n', 'long'.repeat(20)), { maxLength: 40 })
      .map((a) => a.join('')),
  )
  const encodings = fc.constantFrom('base64', 'quoted-printable')
  const paths = fc.constantFrom([], ['multipart/mixed'])
  fc.assert(
    fc.property(bytes, encodings, paths, (text, encoding, path) => {
      const written = encoded(text, encoding, path)
      assert.equal(decoded(written, encoding), text)
      assert.match(written, /^(?:[\t -~]{0,76}\r\n)*[\t -~]{0,76}$/)
      assert.doesNotMatch(written, /[ \t](?:\r\n|$)/)
    }),
    { numRuns: 1000 },
  )
})

test('any bytes are decoded, or not', () => {
  const encodings = fc.constantFrom('base64', 'quoted-printable', '7bit', 'x')
  fc.assert(fc.property(fc.string(), encodings, (text, encoding) => void decoded(text, encoding)))
})

test('replacing parts keeps every other byte and copies none', () => {
  const raw = Buffer.from(
    'Content-Type: multipart/mixed; boundary=a\r\n\r\npre\r\n--a\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--a--\r\nepilogue\r\n',
  )
  const m = readMessage(raw)
  const [one, two] = parts(m)
  assert.ok(one && two)
  const content = replaceParts(m, [
    { part: two, body: Buffer.from('2') },
    { part: one, body: Buffer.from('1') },
  ])
  const expected = raw.toString().replace('one', '1').replace('two', '2')
  assert.equal(Buffer.concat(content).toString(), expected.slice(m.bodyStart))
  assert.equal(contentLength(content), expected.length - m.bodyStart)
  assert.ok(content.every((piece) => piece.length === 1 || piece.buffer === raw.buffer))
  assert.deepEqual(replaceParts(m, []), [m.body])
  assert.throws(
    () =>
      replaceParts(m, [
        { part: one, body: raw },
        { part: one, body: raw },
      ]),
    RangeError,
  )
})
