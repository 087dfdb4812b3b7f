import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readMessage } from '../message/message.ts'
import { parts } from './mime.ts'

/** Written with the line ends of this file, read with those of mail. */
function mail(text: string) {
  return readMessage(Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1'))
}

/** What a human wants to see of the parts: type, sealed, body. */
function seen(text: string): string[] {
  const m = mail(text)
  return parts(m).map((p) => {
    const body = m.raw.toString('latin1', p.bodyStart, p.bodyEnd).replaceAll('\r\n', '|')
    return `${p.type}${p.sealed ? ' sealed' : ''}: ${body}`
  })
}

/** A multipart with these parts, each header, empty line and body. */
function multipart(type: string, boundary: string, ...inner: string[]): string {
  const delimited = inner.map((part) => `--${boundary}\n${part}\n`).join('')
  return `Content-Type: ${type}; boundary="${boundary}"\n\n${delimited}--${boundary}--`
}

test('a message without structure is one part, whatever stands in its body', () => {
  assert.deepEqual(seen('Subject: x\n\n--a\nhello\n'), ['text/plain: --a|hello|'])
  assert.deepEqual(seen('Content-Type: text/calendar; method=REQUEST\n\nBEGIN\n'), ['text/calendar: BEGIN|'])
  assert.deepEqual(seen('Subject: no body\n'), ['text/plain: '])
})

test('preamble and epilogue belong to no part, the line end before a delimiter to the delimiter', () => {
  const text =
    'Content-Type: multipart/mixed; boundary=a\n\npreamble\n--a\n\none\n\n--a\nX: y\n\ntwo\n--a--\nepilogue\n--a\nno part\n'
  assert.deepEqual(seen(text), ['text/plain: one|', 'text/plain: two'])
})

test('nested parts keep the way to them', () => {
  const alternative = multipart('multipart/alternative', 'in', '\nplain', 'Content-Type: text/calendar\n\nBEGIN')
  const m = mail(
    multipart('multipart/mixed', 'out', alternative, 'Content-Type: application/ics; name="a.ics"\n\nBEGIN'),
  )
  assert.deepEqual(
    parts(m).map((p) => [p.type, p.path.join(' '), p.filename]),
    [
      ['text/plain', 'multipart/mixed multipart/alternative', ''],
      ['text/calendar', 'multipart/mixed multipart/alternative', ''],
      ['application/ics', 'multipart/mixed', 'a.ics'],
    ],
  )
})

test('a boundary that begins like another one is another one', () => {
  const inner = multipart('multipart/alternative', 'abc', '\none')
  assert.deepEqual(seen(multipart('multipart/mixed', 'ab', inner, '\ntwo')), ['text/plain: one', 'text/plain: two'])
  assert.deepEqual(seen('Content-Type: multipart/mixed; boundary=ab\n\n--ab\n\none\n--abc\n--ab--x\n--ab--'), [
    'text/plain: one|--abc|--ab--x',
  ])
})

test('white space behind a delimiter does not matter, before it does', () => {
  assert.deepEqual(seen('Content-Type: multipart/mixed; boundary=a\n\n--a \t\n\none\n --a\n--a--  \nend'), [
    'text/plain: one| --a',
  ])
})

test('an outer delimiter ends inner multiparts that are not closed', () => {
  const open = 'Content-Type: multipart/alternative; boundary=in\n\n--in\n\none'
  assert.deepEqual(seen(multipart('multipart/mixed', 'out', open, '\n--in\ntwo')), [
    'text/plain: one',
    'text/plain: --in|two',
  ])
})

test('the end of the message ends a part without close delimiter', () => {
  assert.deepEqual(seen('Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/calendar\n\nBEGIN\n'), [
    'text/calendar: BEGIN|',
  ])
  assert.deepEqual(seen('Content-Type: multipart/mixed; boundary=a\n\n--a\n'), ['text/plain: '])
  assert.deepEqual(seen('Content-Type: multipart/mixed; boundary=a\n\n--a'), ['text/plain: '])
})

test('a part can end inside its header', () => {
  assert.deepEqual(seen('Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n--a\n\nx\n--a--'), [
    'text/html: ',
    'text/plain: x',
  ])
})

test('boundaries in all their spellings', () => {
  const body = '\n\n--b=1/2\n\nx\n--b=1/2--'
  for (const parameter of [
    'boundary="b=1/2"',
    'boundary=b=1/2',
    'BOUNDARY = "b\\=1/2" ; x=y',
    '(a (nested) comment) boundary="b=1/2" (another; one)',
    'boundary*0="b=";\n boundary*1="1/2"',
    "boundary*0*=us-ascii''b%3D; boundary*1=1/2",
    "boundary*=us-ascii'en'b%3D1%2F2",
    'boundary="b=1/2 "',
    'boundary="b=1/2"; boundary="b=1/2";',
  ])
    assert.deepEqual(seen(`Content-Type: multipart/mixed; ${parameter}${body}`), ['text/plain: x'], parameter)
})

test('a Content-Type with two readings or none seals the part', () => {
  const body = '\n\n--a\nContent-Type: text/calendar\n\nx\n--a--'
  for (const field of [
    'Content-Type: multipart/mixed',
    'Content-Type: multipart/mixed; boundary=',
    'Content-Type: multipart/mixed; boundary="a',
    'Content-Type: multipart/mixed; boundary=a; boundary=b',
    'Content-Type: multipart/mixed; boundary=a; boundary*0=b',
    'Content-Type: multipart/mixed; boundary="a"b',
    'Content-Type: multipart/mixed; boundary=a b',
    'Content-Type: multipart/mixed; (comment; boundary=a',
    'Content-Type: multipart/mixed; boundary=a\nContent-Type: text/plain',
    'Content-Type: multipart/mixed; boundary=a\nContent-Transfer-Encoding: base64',
    'Content-Type: multipart; boundary=a',
    'Content-Type: ; boundary=a',
  ]) {
    const found = parts(mail(field + body))
    assert.deepEqual([found.length, found[0]?.sealed], [1, true], field)
  }
})

test('what is signed, encrypted or enclosed is one sealed part', () => {
  const invite = 'Content-Type: text/calendar\n\nBEGIN'
  for (const type of [
    'multipart/signed',
    'multipart/encrypted',
    'message/rfc822',
    'message/partial',
    'message/external-body',
  ])
    assert.deepEqual(
      parts(mail(multipart('multipart/mixed', 'o', multipart(type, 'i', invite), invite))).map((p) => [
        p.type,
        p.sealed,
      ]),
      [
        [type, true],
        ['text/calendar', false],
      ],
    )
  for (const type of [
    'application/pkcs7-mime',
    'application/pkcs7-signature',
    'text/rfc822-headers',
    'multipart/signed',
  ])
    assert.equal(parts(mail(`Content-Type: ${type}; boundary=a; name=x.ics\n\n--a\n\nx\n--a--`))[0]?.sealed, true, type)
})

test('the parts of a report are lists of fields, not messages', () => {
  const report = multipart(
    'multipart/report; report-type=delivery-status',
    'r',
    '\nfor people',
    'Content-Type: message/delivery-status\n\nReporting-MTA: dns; a',
    'Content-Type: message/rfc822\n\nSubject: x',
  )
  assert.deepEqual(seen(report), [
    'text/plain: for people',
    'message/delivery-status: Reporting-MTA: dns; a',
    'message/rfc822 sealed: Subject: x',
  ])
})

test('what a digest holds are messages, unless it says otherwise', () => {
  assert.deepEqual(seen(multipart('multipart/digest', 'd', '\nSubject: x\n\ny', 'Content-Type: text/plain\n\nz')), [
    'message/rfc822 sealed: Subject: x||y',
    'text/plain: z',
  ])
})

test("a boundary that an outer multipart uses too is nobody's", () => {
  const inner = 'Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/calendar\n\nx\n--a--'
  const found = parts(mail(multipart('multipart/mixed', 'a', inner)))
  assert.deepEqual(found.map((p) => [p.type, p.sealed]).slice(0, 1), [['multipart/alternative', true]])
  const collides = 'Content-Type: multipart/alternative; boundary="a--"\n\n--a--\n\nx'
  assert.equal(parts(mail(multipart('multipart/mixed', 'a', collides)))[0]?.sealed, true)
})

test('LF alone ends lines too', () => {
  const m = readMessage(
    Buffer.from('Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\nContent-Type: text/calendar\n\nBEGIN\n--a--\n'),
  )
  const [part] = parts(m)
  assert.equal(part?.type, 'text/calendar')
  assert.equal(m.raw.toString('latin1', part?.bodyStart, part?.bodyEnd), 'BEGIN')
})

test('names of files: quoted, continued, encoded', () => {
  for (const [fields, name] of [
    ['Content-Type: x/y; name=my invite.ics', 'my invite.ics'],
    ['Content-Type: x/y; name="a;b.ics"', 'a;b.ics'],
    ["Content-Type: x/y\nContent-Disposition: attachment; filename*=utf-8''gr%C3%BC%C3%9Fe.ics", 'grüße.ics'],
    [
      'Content-Type: x/y\nContent-Disposition: attachment; filename*0="in"; filename*1="vite.i"; filename*2=cs',
      'invite.ics',
    ],
    ['Content-Type: x/y; name="=?utf-8?B?Z3LDvMOfZS5pY3M=?="', 'grüße.ics'],
    ['Content-Type: x/y; name="=?utf-8?Q?gr=C3=BC=C3?=\n =?utf-8?Q?=9Fe=2Eics?="', 'grüße.ics'],
    ['Content-Type: x/y; name=a.ics\nContent-Disposition: attachment; filename=b.txt', 'b.txt'],
  ] as const)
    assert.equal(parts(mail(`${fields}\n\nbody`))[0]?.filename, name, fields)
})

test('bounds: what is too deep or too much is one sealed part', () => {
  let deep = 'Content-Type: text/calendar\n\nBEGIN'
  for (let level = 150; level > 0; level--) deep = multipart('multipart/mixed', `b${level}.`, deep)
  const [only, ...more] = parts(mail(deep))
  assert.deepEqual([more.length, only?.sealed, only?.path.length], [0, true, 100])

  const many = parts(mail(multipart('multipart/mixed', 'a', ...Array.from({ length: 12_000 }, () => '\nx'))))
  assert.equal(many.length, 10_001)
  assert.deepEqual([many.at(-2)?.sealed, many.at(-1)?.sealed], [false, true])
})

test('a header without end is not read', () => {
  const text = `Content-Type: multipart/mixed; boundary=a\n\n--a\nX: ${'y\n'.repeat(50_000)}\n\nz\n--a--`
  assert.deepEqual(
    parts(mail(text)).map((p) => [p.type, p.sealed]),
    [['application/octet-stream', true]],
  )
})

test('lines that only look like delimiters are given up, not searched for ever', () => {
  const inner = multipart(
    'multipart/alternative',
    'y',
    `\n${'--\n'.repeat(200_100)}`,
    'Content-Type: text/calendar\n\nx',
  )
  const found = parts(mail(multipart('multipart/mixed', 'x', inner)))
  assert.deepEqual(
    found.map((p) => p.sealed),
    [true],
  )
})

const pieces = fc.constantFrom(
  '--a',
  '--b',
  '--a--',
  '--b--',
  '--',
  ' ',
  '\r\n',
  '\r\n',
  '\n',
  'x',
  ':',
  ';',
  '"',
  '(',
  '\xff',
  '\0',
  'Content-Type: multipart/mixed; boundary=b\r\n',
  'Content-Type: message/rfc822\r\n',
  'Content-Type: ',
  'Content-Transfer-Encoding: base64\r\n',
  '\r\n\r\n',
)

test('any bytes have parts: in range, in order, apart', () => {
  const body = fc.array(fc.oneof({ weight: 9, arbitrary: pieces }, fc.string()), { maxLength: 60 })
  fc.assert(
    fc.property(body, (texts) => {
      const m = readMessage(Buffer.from(`Content-Type: multipart/mixed; boundary=a\r\n\r\n${texts.join('')}`, 'latin1'))
      let at = 0
      for (const p of parts(m)) {
        assert.ok(at <= p.headerStart && p.headerStart <= p.bodyStart && p.bodyStart <= p.bodyEnd)
        at = p.bodyEnd
      }
      assert.ok(at <= m.raw.length)
    }),
    { numRuns: 2000 },
  )
})

test('what was put together is found again', () => {
  const text = fc.stringMatching(/^[a-z\r\n -]{0,40}$/).map((s) => s.replaceAll('--', ''))
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), fc.boolean(), (bodies, closed) => {
      const raw = `Content-Type: multipart/mixed; boundary=q\r\n\r\n${bodies.map((b) => `--q\r\n\r\n${b}\r\n`).join('')}${closed ? '--q--' : '--q'}`
      const m = readMessage(Buffer.from(raw))
      const found = parts(m).map((p) => m.raw.toString('latin1', p.bodyStart, p.bodyEnd))
      assert.deepEqual(found, closed ? bodies : [...bodies, ''])
    }),
  )
})
