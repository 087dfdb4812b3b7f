import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sideBySide, table, wrap } from './page.ts'

test('what differs is marked, what is equal is not', () => {
  const text = sideBySide('sent', 'received', [
    { label: 'From', left: 'a@x.example', right: 'b@x.example' },
    { label: 'Subject', left: 'Hello', right: 'Hello' },
  ])
  assert.match(text, /From +a@x\.example +\* b@x\.example\n/)
  assert.match(text, /Subject +Hello {2,}Hello\n/)
})

test('long values go on below, in their own column', () => {
  const text = sideBySide('', '', [{ label: 'To', left: 'x'.repeat(50), right: 'y' }])
  const lines = text.split('\n').filter((each) => each.includes('x'))
  assert.equal(lines.length, 2)
  assert.ok(text.split('\n').every((each) => each.length <= 100))
})

test('words are kept whole where they fit', () => {
  assert.deepEqual(wrap('one two three', 8), ['one two', 'three'])
  assert.deepEqual(wrap('', 8), [])
  assert.deepEqual(wrap('abcdefghij', 4), ['abcd', 'efgh', 'ij'])
})

test('columns of a table stand under each other', () => {
  assert.equal(
    table([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
    '  a    bb\n  ccc  d\n',
  )
})
