import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeFolderName, encodeFolderName } from './folder-name.ts'

const pairs = [
  ['INBOX', 'INBOX'],
  ['Entwürfe', 'Entw&APw-rfe'],
  ['台北日本語', '&U,BTF2XlZyyKng-'],
  ['~peter/mail/台北', '~peter/mail/&U,BTFw-'],
  ['Kunden Müller & Söhne ', 'Kunden M&APw-ller &- S&APY-hne '],
  ['&&', '&-&-'],
  ['😀', '&2D3eAA-'],
  ['a\u00a0b', 'a&AKA-b'],
] as const

test('modified UTF-7, with the examples of RFC 3501', () => {
  for (const [text, wire] of pairs) {
    assert.equal(encodeFolderName(text), wire)
    assert.equal(decodeFolderName(wire), text)
  }
})

test('what is no modified UTF-7 stays as it stands', () => {
  for (const wire of ['&AGE', '&AGE-', '&', 'A&B', '&!-', '&A-', '&2D0-', '&APx-'])
    assert.equal(decodeFolderName(wire), wire)
})

test('names that were made as UTF-8', () => {
  assert.equal(decodeFolderName(Buffer.from('Entwürfe').toString('latin1')), 'Entwürfe')
})

test('control characters do not get through', () => {
  assert.equal(decodeFolderName('a\r\nb\0c\x7f'), 'a\ufffd\ufffdb\ufffdc\ufffd')
  assert.equal(decodeFolderName('&AAo-'), '\ufffd')
})

test('any name comes back, and its form is printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const wire = encodeFolderName(name)
      assert.match(wire, /^[\x20-\x7e]*$/)
      assert.equal(decodeFolderName(wire), name.toWellFormed().replace(/\p{Cc}/gu, '\ufffd'))
    }),
  )
})

test('two names of the server never become one by reading, where they are ASCII', () => {
  const name = fc
    .array(fc.constantFrom('&', '-', 'A', 'P', 'w', ',', 'a'), { maxLength: 12 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(name, name, (a, b) => {
      const [one, other] = [decodeFolderName(a), decodeFolderName(b)]
      if (a !== b && encodeFolderName(one) === a && encodeFolderName(other) === b) assert.notEqual(one, other)
    }),
  )
})
