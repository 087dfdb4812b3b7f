import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { normaliseLineEnds, readMessage } from '../message/message.ts'
import { type HeaderLimits, HeaderMeter } from './header.ts'

const none: HeaderLimits = { headerBytes: 1e9, headerFields: 1e9, headerFieldBytes: 1e9, headerAddresses: 1e9 }

function measured(
  text: string,
  limits: Partial<HeaderLimits> = {},
): { meter: HeaderMeter; passed: string | undefined } {
  const meter = new HeaderMeter({ ...none, ...limits })
  const bytes = Buffer.from(text, 'latin1')
  return { meter, passed: meter.push(bytes, 0, bytes.length) }
}

const shapes: readonly (readonly [text: string, fields: number, bytes: number, isDone: boolean])[] = [
  ['', 0, 0, false],
  ['\r\nbody', 0, 1, true],
  ['A: x\r\nB: y\r\n z\r\n\r\nC: body\r\n', 2, 17, true],
  ['A: x\nB: y\n\nC: body\n', 2, 11, true],
  ['A: x\rB: y\r\rC: body', 2, 11, true],
  ['A: x\r\n\nB: body', 1, 7, true],
  [' x\r\n', 0, 4, false],
  ['A: x\r\n\t\r\n\r\n', 1, 10, true],
]

for (const [text, fields, bytes, isDone] of shapes) {
  test(`measured: ${JSON.stringify(text)}`, () => {
    const { meter } = measured(text)
    assert.deepEqual([meter.fields, meter.bytes, meter.isDone], [fields, bytes, isDone])
  })
}

const field = 'To: a@x.example\r\n'

test('each limit: just reached, and passed by one', () => {
  assert.equal(measured(field.repeat(10), { headerFields: 10 }).passed, undefined)
  assert.equal(measured(field.repeat(11), { headerFields: 10 }).passed, 'headerFields')
  assert.equal(measured(field.repeat(10), { headerAddresses: 10 }).passed, undefined)
  assert.equal(measured(field.repeat(11), { headerAddresses: 10 }).passed, 'headerAddresses')
  assert.equal(measured(field.repeat(10), { headerBytes: 170 }).passed, undefined)
  assert.equal(measured(`${field.repeat(10)}x`, { headerBytes: 170 }).passed, 'headerBytes')
  assert.equal(measured(`A: x\r\n${field} ${field}B: x`, { headerFieldBytes: 35 }).passed, undefined)
  assert.equal(measured(`A: x\r\n${field} ${field}B: x`, { headerFieldBytes: 34 }).passed, 'headerFieldBytes')
})

test('of what comes behind the limit nothing is looked at', () => {
  const { meter } = measured('x'.repeat(1_000_000), { headerBytes: 100 })
  assert.equal(meter.bytes, 101)
})

test('the body is not measured', () => {
  const { passed, meter } = measured(`A: x\r\n\r\n${field.repeat(100)}`, { headerFields: 1, headerBytes: 7 })
  assert.equal(passed, undefined)
  assert.deepEqual([meter.fields, meter.addresses], [1, 0])
})

const piece = fc.constantFrom('\r\n', '\r', '\n', '\r\n\r\n', 'A: x', 'a@x', ' ', '\t', '\r\n ', ':', 'xx')
const anyText = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))

test('property: never less than the reader finds afterwards, however it was cut', () => {
  fc.assert(
    fc.property(anyText, fc.array(fc.nat(100), { maxLength: 5 }), (text, cuts) => {
      const bytes = Buffer.from(text, 'latin1')
      const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
      const meter = new HeaderMeter(none)
      for (const [i, end] of borders.slice(1).entries()) if (!meter.isDone) meter.push(bytes, borders[i] ?? 0, end)
      const whole = measured(text).meter
      assert.deepEqual([meter.fields, meter.bytes, meter.addresses], [whole.fields, whole.bytes, whole.addresses])
      const { header } = readMessage(normaliseLineEnds(bytes))
      const addresses = header.fields.reduce((sum, { raw }) => sum + raw.split('@').length - 1, 0)
      assert.equal(meter.fields, header.fields.filter(({ raw }) => !/^[ \t]/.test(raw)).length)
      assert.equal(meter.addresses, addresses)
    }),
    { numRuns: 2000 },
  )
})
