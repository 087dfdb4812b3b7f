import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHeader, readFrom } from './header.ts'

const readable: readonly (readonly [reason: string, text: string, ...authors: string[]])[] = [
  ['one author', 'From: John <john@x>\r\n', 'john@x'],
  ['one author and a Sender', 'Sender: s@y\r\nFrom: john@x\r\n', 'john@x'],
  [
    'two authors and a Sender that says which',
    'From: <first@evil>, <admin@legit>\r\nSender: <admin@legit>\r\n',
    'first@evil',
    'admin@legit',
  ],
  ['a name of several lines', 'From: "A\r\n B"\r\n <a@x>\r\n', 'a@x'],
  ['a group with a member (RFC 6854)', 'From: Team: a@x;\r\n', 'a@x'],
  [
    'an envelope line of a mailbox file is no field and no From',
    'From john@y Mon Jan  1 12:00:00 2024\r\nFrom: a@x\r\n',
    'a@x',
  ],
  ['comments around it, with its own address too', 'From: (a) A <(b)a@x(c)> (A@X, <a@x>)\r\n', 'a@x'],
  ['marks that are no encoded word', 'From: <a=?b?c@x>\r\n', 'a=?b?c@x'],
  ['a name in encoded words', 'From: =?utf-8?q?Ann?= <a@x>\r\n', 'a@x'],
  ['UTF-7, which nobody decodes in an address', 'From: <a+AEA-x@y>\r\n', 'a+AEA-x@y'],
  ['other fields with From in their names', 'X-From: b@y\r\nResent-From: c@z\r\nFrom: a@x\r\n', 'a@x'],
]

for (const [reason, text, ...authors] of readable) {
  test(`From: ${reason}`, () => {
    const from = readFrom(parseHeader(text))
    assert.ok(from.kind === 'one', JSON.stringify(from))
    assert.deepEqual(
      from.mailboxes.map((m) => m.address.text),
      authors,
    )
    assert.equal(from.field.key, 'from')
  })
}

const ambiguous: readonly (readonly [reason: string, text: string, why: RegExp])[] = [
  ['none', 'To: a@x\r\n', /no From/],
  ['none, but a Sender', 'Sender: <admin@legit>\r\n', /no From/],
  ['an empty one', 'From:\r\n', /without an address/],
  ['an empty group', 'From: nobody:;\r\n', /without an address/],
  ['two fields', 'From: <a@evil>\r\nFrom: <admin@legit>\r\n', /more than one/],
  ['the same twice', 'From: a@x\r\nFROM: a@x\r\n', /more than one/],
  ['a leading space', ' From: <a@evil>\r\nFrom: <admin@legit>\r\n', /take for From/],
  ['a space before the colon', 'From : <a@evil>\r\n', /before the colon/],
  ['a space before the colon of one of two', 'From: <a@evil>\r\nFrom : <admin@legit>\r\n', /more than one/],
  ['a folded name', 'From\r\n : <a@evil>\r\nFrom: <admin@legit>\r\n', /take for From/],
  ['a folded name and a Sender', 'From\r\n : <a@evil>\r\nSender: <admin@legit>\r\n', /take for From/],
  ['a byte order mark before it', '\xef\xbb\xbfFrom: <a@evil>\r\nFrom: <admin@legit>\r\n', /take for From/],
  ['NUL behind the name', 'From\0: <a@evil>\r\nFrom: <admin@legit>\r\n', /take for From/],
  ['two authors without Sender', 'From: <first@evil>, <admin@legit>\r\n', /no Sender/],
  ['bare and angle', 'From: admin@legit,<b@evil>\r\n', /no Sender/],
  ['two authors and two Senders', 'From: a@x, b@y\r\nSender: a@x\r\nSender: b@y\r\n', /no Sender/],
  ['two authors and a Sender of two', 'From: a@x, b@y\r\nSender: a@x, b@y\r\n', /no Sender/],
  ['an encoded address as phrase', 'From:=?utf-8?B?PGFkbWluQGxlZ2l0Pg==?=,<b@evil>\r\n', /cannot be read/],
  ['a route', 'From: <@evil,@any.com:admin@legit>\r\n', /source route/],
  ['a quoted pair outside quotes', 'From: <admin@legit>\\,<b@evil>\r\n', /quoted pair/],
  ['text after the bracket', 'From: <any@evil>admin@legit\r\n', /after an angle/],
  ['a comment inside the address', 'From: <a(b)@x>\r\n', /inside its address/],
  ['a comment inside the domain', 'From: a@(evil)x.y\r\n', /inside its address/],
  ['another address in a comment inside', 'From: a(<b@evil>)@x\r\n', /inside its address/],
  ['another address in a comment before', 'From: (b@evil) a@x\r\n', /holds another/],
  ['another address in a comment behind', 'From: a@x (<b@evil>)\r\n', /holds another/],
  ['its own address as part of another one', 'From: a@x (<b@evil.a@x>)\r\n', /holds another/],
  ['an encoded word as local part', 'From: <=?utf-8?q?admin?=@legit>\r\n', /cannot be read/],
  ['an encoded word that ends the address', 'From: <=?utf-8?Q?admin=40legit=3E?=b@evil>\r\n', /cannot be read/],
  ['an encoded word in quotes', 'From: "=?x?B?YWRtaW4=?="@legit\r\n', /cannot be read/],
  ['a group named like an address', 'From: <a@evil>:<admin@legit>;\r\n', /after an angle/],
]

for (const [reason, text, why] of ambiguous) {
  test(`ambiguous From: ${reason}`, () => {
    const from = readFrom(parseHeader(text))
    assert.equal(from.kind, 'ambiguous', JSON.stringify(from))
    assert.match(from.kind === 'ambiguous' ? from.why : '', why)
  })
}

test('thousands of authors with comments get their answer in time', () => {
  const before = performance.now()
  readFrom(parseHeader(`Sender: a@x\r\nFrom: ${'a@x(a@x),'.repeat(5000)}a@x\r\n`))
  readFrom(parseHeader(`From: a@x ${'(a@x)'.repeat(10_000)}\r\n`))
  assert.ok(performance.now() - before < 1000)
})
