import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SizeBook } from './size-book.ts'

test('as a map would answer, for what was noted in order', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 300 }), fc.nat(600), (uids, asked) => {
      const book = new SizeBook()
      const expected = new Map<number, number>()
      for (const uid of uids.toSorted((a, b) => a - b)) {
        book.note(uid, uid * 3)
        expected.set(uid, uid * 3)
      }
      assert.equal(book.sizeOf(asked), expected.get(asked))
      for (const uid of uids) assert.equal(book.sizeOf(uid), uid * 3)
    }),
  )
})

test('UIDs of 32 bits and sizes of more', () => {
  const book = new SizeBook()
  book.note(0xffff_ffff, 5e9)
  book.note(7, 1)
  assert.deepEqual([book.sizeOf(0xffff_ffff), book.sizeOf(7)], [5e9, undefined])
})
