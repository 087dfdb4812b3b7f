import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { cleanText, parseReply, type Reply, replies, replyLines } from './reply.ts'

test('one line, several lines, without enhanced code', () => {
  assert.equal(replyLines({ code: 550, enhanced: '5.7.1', text: 'no' }), '550 5.7.1 no\r\n')
  assert.equal(
    replyLines({ code: 250, enhanced: '', text: 'gw\nSIZE 1\nHELP' }),
    '250-gw\r\n250-SIZE 1\r\n250 HELP\r\n',
  )
  assert.equal(replyLines({ code: 550, enhanced: '5.1.1', text: 'a\nb' }), '550-5.1.1 a\r\n550 5.1.1 b\r\n')
})

test('nothing in a text ends a reply line or reaches a terminal', () => {
  const lines = replyLines({ code: 550, enhanced: '5.0.0', text: 'a\rb\0c\x1b[1m\u00e9' })
  assert.equal(lines, '550 5.0.0 a\\x0db\\x00c\\x1b[1m\\u{e9}\r\n')
})

const parsed: readonly (readonly [reason: string, lines: readonly string[], reply: Reply])[] = [
  ['one line', ['250 2.0.0 OK'], { code: 250, enhanced: '2.0.0', text: 'OK' }],
  ['no text', ['250'], { code: 250, enhanced: '', text: '' }],
  ['no enhanced code', ['354 go on'], { code: 354, enhanced: '', text: 'go on' }],
  ['a code alone', ['550 5.1.1'], { code: 550, enhanced: '5.1.1', text: '' }],
  ['several lines', ['550-5.1.1 no such', '550 5.1.1 user'], { code: 550, enhanced: '5.1.1', text: 'no such\nuser' }],
  [
    'an address that begins like a code',
    ['250-5.1.1.1 hello', '250 SIZE'],
    { code: 250, enhanced: '', text: '5.1.1.1 hello\nSIZE' },
  ],
  ['an enhanced code of another class is text', ['250 5.1.1 what'], { code: 250, enhanced: '', text: '5.1.1 what' }],
  ['control characters', ['550 5.0.0 a\x1b\r'], { code: 550, enhanced: '5.0.0', text: 'a\\x1b\\x0d' }],
  ['nothing', [], { code: 0, enhanced: '', text: '' }],
  ['HTTP', ['HTTP/1.1 400 Bad Request'], { code: 0, enhanced: '', text: 'HTTP/1.1 400 Bad Request' }],
  ['a code that SMTP has not', ['600 x'], { code: 0, enhanced: '', text: '600 x' }],
  ['text that touches the code', ['250OK'], { code: 0, enhanced: '', text: '250OK' }],
]

for (const [reason, lines, reply] of parsed) test(`parse: ${reason}`, () => assert.deepEqual(parseReply(lines), reply))

test('what a server says is bounded', () => {
  const reply = parseReply([...Array(10_000).fill(`250-${'x'.repeat(10_000)}`), '250 end'])
  assert.equal(reply.code, 250)
  assert.ok(reply.text.length < 60_000)
  assert.equal(cleanText('abcdef', 3), 'abc...')
})

test('cleanText: one line of printable ASCII', () => {
  assert.equal(cleanText('a\r\nb\nc'), 'a b c')
  assert.equal(cleanText('\x07\x7f\u00e9\u{1f600}\ud800'), '\\x07\\x7f\\u{e9}\\u{1f600}\\u{d800}')
})

test('the words of the next hop go on, with its enhanced code where that says the same', () => {
  assert.deepEqual(replies.nextHopRefused('5.7.64', 'TenantAttribution'), {
    code: 550,
    enhanced: '5.7.64',
    text: 'the next server refused the message: TenantAttribution',
  })
  assert.equal(replies.nextHopRefused('4.2.2', 'x').enhanced, '5.0.0')
  assert.equal(replies.nextHopDeferred('', '').enhanced, '4.4.1')
  assert.equal(replies.nextHopDeferred('', '').text, 'the next server cannot take the message now')
  assert.equal(replies.nextHopDeferred('4.2.2\r\n250 ok', 'x').enhanced, '4.4.1')
})

/** Every reply, asked for with the same words for its arguments. */
const every = Object.entries(replies).map(([name, make]): readonly [string, Reply] => {
  return [name, Reflect.apply(make, undefined, ['contoso.example', 'words'])]
})

test('the table: codes and enhanced codes agree, and a comment tells when each is given', () => {
  const source = readFileSync(new URL('./replies.ts', import.meta.url), 'utf8')
  for (const [name, reply] of every) {
    assert.match(source, new RegExp(`^  // .+\\n  ${name}:`, 'm'), `${name} has its comment`)
    assert.ok(reply.code >= 200 && reply.code < 600, name)
    const hasNone = ['greeting', 'capabilities', 'hello', 'sendMessage'].includes(name)
    assert.match(reply.enhanced, hasNone ? /^$/ : new RegExp(`^${String(reply.code)[0]}\\.\\d+\\.\\d+$`), name)
  }
})

test('any reply is lines of at most 512 bytes that read back as it was', () => {
  const words = fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\r', '\0', '\u00e9', '5.1.1 ', '-', 'x'.repeat(300)),
    maxLength: 20,
  })
  fc.assert(
    fc.property(fc.constantFrom(250, 421, 550), words, (code, text) => {
      const enhanced = `${String(code)[0]}.7.1`
      const lines = replyLines({ code, enhanced, text })
      assert.ok(lines.endsWith('\r\n'))
      const split = lines.slice(0, -2).split('\r\n')
      assert.ok(split.every((line) => line.length <= 510 && /^[ -~]+$/.test(line)))
      assert.ok(split.every((line, at) => line[3] === (at < split.length - 1 ? '-' : ' ')))
      const read = parseReply(split)
      assert.deepEqual([read.code, read.enhanced], [code, enhanced])
    }),
  )
})
