import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { all, type Field, fieldValue, first, headerText, makeField, parseHeader, unfold, withValue } from './header.ts'

const keys = (text: string) => parseHeader(text).fields.map((field) => field.key)

function only(text: string): Field {
  const [field, second] = parseHeader(text).fields
  assert.ok(field && !second, text)
  return field
}

const shapes: readonly (readonly [reason: string, text: string, keys: readonly string[]])[] = [
  ['nothing', '', []],
  ['fields', 'From: a@x\r\nTO: b@y\r\n', ['from', 'to']],
  ['folding', 'To: a@x,\r\n\tb@y,\r\n  c@z\r\nCc: d@w\r\n', ['to', 'cc']],
  ['no line end at the end', 'From: a@x', ['from']],
  ['an empty value', 'Bcc:\r\nTo:', ['bcc', 'to']],
  ['space before the colon', 'From \t: a@x\r\n', ['from']],
  ['a folded name is no field', 'From\r\n : a@x\r\nTo: b\r\n', ['', 'to']],
  ['a leading space: belongs to nothing', ' From: a@x\r\nTo: b\r\n', ['', 'to']],
  ['no colon', 'what is this\r\nTo: b\r\n', ['', 'to']],
  ['a space in the name', 'My Field: x\r\n', ['']],
  ['no name', ': x\r\n', ['']],
  ['8-bit bytes in the name', 'Fr\xf6m: x\r\n', ['']],
  ['a bare LF ends no field', 'To: a\nCc: b\r\n', ['to']],
  ['a bare CR neither', 'To: a\rCc: b\r\n', ['to']],
  ['odd names', 'X-!#$: x\r\n', ['x-!#$']],
]

for (const [reason, text, expected] of shapes) {
  test(`header: ${reason}`, () => {
    assert.deepEqual(keys(text), expected)
    assert.equal(headerText(parseHeader(text)), text)
  })
}

test('colon and value', () => {
  const field = only('From \t: a@x,\r\n b@y\r\n')
  assert.equal(field.colon, 6)
  assert.equal(fieldValue(field), ' a@x,\r\n b@y')
  assert.equal(fieldValue(only('To:x')), 'x')
  assert.equal(fieldValue(only('no field\r\n')), 'no field')
  assert.equal(only('no field\r\n').colon, -1)
})

test('unfold removes line ends before white space and nothing of the letters', () => {
  assert.equal(unfold(' a,\r\n\tb \r\n  c \r\n'), 'a,\tb   c')
  assert.equal(unfold(' \xc3\xa0'), '\xc3\xa0')
  assert.equal(unfold(' \t'), '')
})

test('first and all', () => {
  const header = parseHeader('To: a\r\nCc: b\r\nto: c\r\n')
  assert.equal(first(header, 'to')?.raw, 'To: a\r\n')
  assert.deepEqual(all(header, 'to').map(fieldValue), [' a', ' c'])
  assert.equal(first(header, 'from'), undefined)
})

test('makeField folds at 78 where it can and unfolds to what it was', () => {
  const value = `${'word '.repeat(60)}${'x'.repeat(200)} end`
  const field = makeField('X-Test', value)
  assert.equal(unfold(fieldValue(field)), value)
  const long = field.raw.split('\r\n').filter((line) => line.length > 78)
  assert.deepEqual(long, [` ${'x'.repeat(200)}`])
  assert.equal(makeField('X', 'short').raw, 'X: short\r\n')
})

test('makeField lets nothing in that would end the field', () => {
  for (const value of ['a\r\nBcc: x@y', 'a\nb', 'a\rb', 'a\0', 'a\r\n b', '\u0140']) {
    assert.throws(() => makeField('X', value), TypeError, JSON.stringify(value))
  }
  for (const name of ['', 'A B', 'A:', 'A\r\n', '\xf6']) assert.throws(() => makeField(name, 'x'), TypeError)
})

test('withValue keeps name, spacing and line end, and folding that is short enough', () => {
  assert.equal(withValue(only('FROM \t:a@x\r\n'), 'b@y,\r\n\tc@z').raw, 'FROM \t:b@y,\r\n\tc@z\r\n')
  assert.equal(withValue(only('From:a'), 'b').raw, 'From:b')
  const wide = ` ${'x '.repeat(400)}`
  assert.equal(withValue(only('To: a\r\n'), wide).raw, `To:${wide}\r\n`)
  for (const value of ['a\r\nBcc: x', 'a\nb', 'a\r b', 'a\r\n', '\0']) {
    assert.throws(() => withValue(only('To: a\r\n'), value), TypeError, JSON.stringify(value))
  }
})

test('withValue re-folds a line that would pass 998 bytes, and only that one', () => {
  const value = ` a@x,\r\n ${'someone@somewhere.example, '.repeat(40)}z@z,\r\n ${'y '.repeat(300)}z`
  const field = withValue(only('To: a\r\n'), value)
  const lines = field.raw.split('\r\n')
  assert.equal(lines[0], 'To: a@x,')
  assert.equal(lines.at(-2), ` ${'y '.repeat(300)}z`)
  assert.ok(lines.slice(1, -2).every((line) => line.length <= 78))
  assert.equal(unfold(fieldValue(field)), unfold(value))
})

test('998 bytes are a line, 999 are too many', () => {
  const fits = ` ${'a '.repeat(497)}`
  assert.equal(`To:${fits}`.length, 998)
  assert.ok(!withValue(only('To: a'), fits).raw.includes('\r\n'))
  assert.ok(withValue(only('To: a'), `${fits}b`).raw.includes('\r\n'))
})

test('a list without spaces is folded behind its commas, not behind one inside quotes', () => {
  const list = 'someone@somewhere.example,'.repeat(50)
  assert.ok(
    withValue(only('To: a\r\n'), `${list}z@z`)
      .raw.split('\r\n')
      .every((line) => line.length <= 78),
  )
  assert.equal(withValue(only('To: a\r\n'), `"${list}"@z`).raw, `To:"${list}"@z\r\n`)
})

test('a list with quotes, brackets and comments is folded behind its own commas only', () => {
  const mailbox = '"a,\\\\\\",b"<@x,@y:"c>,d"@tenant1.example>(e,\\),(f,g),h),[i,j]'
  const list = Array.from({ length: 39 }, () => mailbox).join(',')
  const { raw } = withValue(only('To: a\r\n'), `"k,\r\n ${'l,'.repeat(10)}",${list}`)
  const lines = raw.trimEnd().split('\r\n ')
  assert.deepEqual(lines.splice(0, 2), ['To:"k,', `${'l,'.repeat(10)}",`])
  assert.ok(lines.every((line) => /^(?:"a|\[i)/.test(line)))
  assert.equal(lines.join('').replaceAll(', ', ','), list)
})

test('39 quoted names without a space between them leave in lines that every server takes', () => {
  const list = Array.from({ length: 39 }, () => '"a"<john@a-longer-shared.example>').join(',')
  const { raw } = withValue(only('To: a\r\n'), ` ${list}`)
  assert.ok(raw.split('\r\n').every((line) => line.length <= 78))
  assert.equal(unfold(fieldValue(only(raw))).replaceAll(' ', ''), list)
  const short = ` ${list.slice(0, 33 * 10)}`
  assert.equal(withValue(only('To: a\r\n'), short).raw, `To:${short}\r\n`)
})

const pieces = ['From', 'To', ':', ' ', '\t', '\r\n', '\r', '\n', '\0', 'a@x', '\xff', '\r\n ', '\r\nTo: b\r\n']
const anyText = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join('')),
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 200 }),
)

test('any text is a header and is itself again; a field with its own value too', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const header = parseHeader(text)
      assert.equal(headerText(header), text)
      for (const field of header.fields) {
        assert.notEqual(field.raw, '')
        assert.equal(field.key === '', field.colon === -1)
        if (field.key !== '' && !/(?<!\r)\n|\r(?!\n)|\0/.test(field.raw) && field.raw.endsWith('\r\n')) {
          assert.deepEqual(withValue(field, fieldValue(field)), field)
        }
      }
    }),
    { numRuns: 2000 },
  )
})

test('what makeField makes is one field again, with the value', () => {
  const value = fc
    .array(fc.constantFrom('a', ' ', '\t', 'word', 'x'.repeat(90), ',', '\xff'))
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(value, (text) => {
      const field = makeField('X-Test', text)
      assert.deepEqual(parseHeader(field.raw).fields, [field])
      assert.equal(fieldValue(field).replaceAll('\r\n', ''), ` ${text}`)
      // A line of nothing but white space would be obsolete folding, which some readers take for the end of the header.
      const [, ...continued] = field.raw.slice(0, -2).split('\r\n')
      assert.ok(continued.every((line) => line.trim() !== ''))
    }),
  )
})

test('a hundred thousand fields, folds or spaces get an answer', () => {
  assert.equal(parseHeader('a: b\r\n'.repeat(1e5)).fields.length, 1e5)
  assert.equal(parseHeader(`a:${'\r\n '.repeat(1e5)}`).fields.length, 1)
  assert.equal(unfold(' '.repeat(1e6)), '')
  assert.equal(makeField('X', ' '.repeat(1e5)).raw.length, 1e5 + 5)
})
