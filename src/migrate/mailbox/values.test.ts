import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  canonicalFlags,
  type Folder,
  headerEnd,
  headingOf,
  identityOf,
  instantOf,
  internalDateOf,
  usesOf,
  without,
} from './mailbox.ts'

test('dates of IMAP are instants, and what is none is none', () => {
  assert.equal(instantOf('17-Jul-2026 02:44:25 -0700'), Date.UTC(2026, 6, 17, 9, 44, 25))
  assert.equal(instantOf(' 1-Jan-1999 00:00:00 +0130'), Date.UTC(1998, 11, 31, 22, 30))
  assert.equal(instantOf('29-Feb-0096 00:00:00 +0000'), new Date('0096-02-29T00:00:00Z').getTime())
  for (const none of [
    '',
    ' 1-Jan-0000 00:00:00 +0000',
    '31-Apr-2020 00:00:00 +0000',
    '1-Foo-2020 00:00:00 +0000',
    '01-Jan-2020 24:00:00 +0000',
  ])
    assert.equal(instantOf(none), undefined, none)
  fc.assert(
    fc.property(fc.integer({ min: -6e10, max: 2e11 }), (s) =>
      assert.equal(instantOf(internalDateOf(s * 1000)), s * 1000),
    ),
  )
})

test('one spelling for one set of flags', () => {
  assert.deepEqual(canonicalFlags(['\\SEEN', '$b', '\\recent', 'A', '\\seen', '$B']), ['$b', '\\Seen', 'A'])
  assert.deepEqual(without(['\\Seen', 'Projekt'], ['\\seen']), ['Projekt'])
})

test('a heading is the same however it is folded, and another one when a word is', () => {
  const fields = (text: string): ReturnType<typeof identityOf> => identityOf(headingOf(Buffer.from(text)))
  const one = fields('Message-ID: <a@b>\r\nSubject: one two\r\nX-Other: 1\r\nDate: today\r\n\r\nbody')
  assert.deepEqual(fields('date:today\r\nSUBJECT: one\r\n two\r\nMessage-ID:\r\n <a@b>\r\n\r\nBODY'), one)
  assert.notEqual(fields('Message-ID: <a@b>\r\nSubject: one three\r\nDate: today\r\n\r\n').full, one.full)
  assert.equal(fields('Message-ID: <a@b>\r\nSubject: one three\r\nDate: today\r\n\r\n').core, one.core)
  assert.equal(fields('Date: today\r\n\r\n').core, 0)
})

test('a header ends before the empty line, whatever its line ends are', () => {
  for (const [text, end] of [
    ['a: b\r\n\r\nx', 6],
    ['a: b\n\nx', 5],
    ['\r\nx', 0],
    ['\nx', 0],
    ['a: b\r\n', 6],
    ['a: b', 4],
  ] as const)
    assert.equal(headerEnd(Buffer.from(text)), end, JSON.stringify(text))
})

test('a task belongs to one folder: by the word of the server, then by the most usual name, at the top before below INBOX', () => {
  const folder = (path: string, more: Partial<Folder> = {}): Folder => ({
    id: path,
    path: path.split('/'),
    holdsMessages: true,
    isSubscribed: false,
    ...more,
  })
  const folders = [
    folder('inbox'),
    folder('Sent Items'),
    folder('INBOX/Sent'),
    folder('Trash'),
    folder('Bin', { use: 'trash' }),
    folder('INBOX/Entwürfe'),
    folder('Spam', { holdsMessages: false }),
  ]
  const uses = Object.fromEntries([...usesOf(folders)].map(([f, use]) => [f.id, use]))
  assert.deepEqual(uses, { inbox: 'inbox', Bin: 'trash', 'INBOX/Sent': 'sent', 'INBOX/Entwürfe': 'drafts' })
})
