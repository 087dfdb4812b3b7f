import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { judgedByPython, readByPostalMime } from '../../../test/support/judge-reports.ts'
import { decodeWords } from './encoded-words.ts'
import { address, read, request, simple } from './for-tests.ts'
import { type ReportRequest, type Returned, writeReport } from './report.ts'
import { shown } from './shown.ts'
import { typedAddress, typedAsGiven } from './typed-address.ts'

const message = (text: string): Returned => ({ kind: 'message', content: [Buffer.from(text, 'latin1')] })
const headers = (text: string): Returned => ({ kind: 'headers', text })
const large = 'a line of text\r\n'.repeat(660_000)

const comingBack: readonly (readonly [
  reason: string,
  returned: Returned,
  smtputf8: boolean,
  type: string,
  encoding: string,
  text?: string,
])[] = [
  ['a header', headers('A: b\r\n'), false, 'text/rfc822-headers', '7bit', 'A: b\r\n'],
  ['a message', message('A: b\r\n\r\nc\r\n'), false, 'message/rfc822', '7bit', 'A: b\r\n\r\nc\r\n'],
  ['an 8-bit body', message('A: b\r\n\r\n\xe9\r\n'), false, 'message/rfc822', '8bit', 'A: b\r\n\r\n\xe9\r\n'],
  ['a message over 10 MB', message(`A: b\r\n\r\n${large}`), false, 'text/rfc822-headers', '7bit', 'A: b\r\n'],
  ['a bare line feed', message('A: b\r\n\r\nc\n'), false, 'text/rfc822-headers', '7bit', 'A: b\r\n'],
  ['NUL', message('A: b\r\n\r\n\0\r\n'), false, 'text/rfc822-headers', '7bit', 'A: b\r\n'],
  ['a long line', message(`A: b\r\n\r\n${'c'.repeat(999)}\r\n`), false, 'text/rfc822-headers', '7bit', 'A: b\r\n'],
  ['a line that is long enough', message(`A: b\r\n\r\n${'c'.repeat(998)}\r\n`), false, 'message/rfc822', '7bit'],
  ['8-bit in a header', headers('A: \xe9\r\n'), false, 'text/rfc822-headers', 'quoted-printable', 'A: \xe9\r\n'],
  [
    'the same of a message',
    message('A: \xe9\r\n\r\n'),
    false,
    'text/rfc822-headers',
    'quoted-printable',
    'A: \xe9\r\n',
  ],
  ['UTF-8 and SMTPUTF8', headers('A: \xc3\xa9\r\n'), true, 'message/global-headers', '8bit', 'A: \xc3\xa9\r\n'],
  ['the same of a message', message('A: \xc3\xa9\r\n\r\n'), true, 'message/global', '8bit', 'A: \xc3\xa9\r\n\r\n'],
  ['no UTF-8, with SMTPUTF8', headers('A: \xe9\r\n'), true, 'text/rfc822-headers', 'quoted-printable', 'A: \xe9\r\n'],
  ['the same of a message', message('A: \xe9\r\n\r\n'), true, 'text/rfc822-headers', 'quoted-printable', 'A: \xe9\r\n'],
  ['nothing', headers(''), false, 'text/rfc822-headers', '7bit', ''],
  ['a field that is too long', headers(`A: ${'b'.repeat(1200)}\r\n`), false, 'text/rfc822-headers', 'quoted-printable'],
]

for (const [reason, returned, smtputf8, type, encoding, text] of comingBack) {
  test(`what comes back: ${reason}`, () => {
    const { parts, bodies } = read(writeReport({ ...simple, returned, smtputf8 }))
    assert.deepEqual([parts[2]?.type, parts[2]?.encoding], [type, encoding])
    if (text !== undefined) assert.equal(bodies[2]?.toString('latin1'), text)
  })
}

test('of a long header whole fields come back, 64 KiB of them', () => {
  const field = `X: ${'y'.repeat(95)}\r\n`
  const { bodies } = read(writeReport({ ...simple, returned: headers(field.repeat(1000)) }))
  assert.equal(bodies[2]?.toString('latin1'), field.repeat(655))
})

test('a message that holds delimiters of other reports comes back whole', () => {
  const first = writeReport({ ...simple, returned: message('A: b\r\n\r\nc\r\n') })
  const second = writeReport({ ...simple, returned: { kind: 'message', content: [first] } })
  assert.deepEqual(read(second).bodies[2], first)
})

const subjects: readonly (readonly [reason: string, field: string, subject: string])[] = [
  ['plain', 'Subject: Hello', 'Undeliverable: Hello'],
  ['none', 'X: y', 'Undeliverable:'],
  ['folded', 'Subject: Hello\r\n there', 'Undeliverable: Hello there'],
  ['encoded words', 'Subject: =?utf-8?Q?J=C3=B6?= =?iso-8859-15?B?pA==?=', 'Undeliverable: =?UTF-8?B?SsO24oKs?='],
  ['a letter cut in two', 'Subject: J=?utf-8?Q?=C3?=\r\n =?UTF-8?Q?=B6?=', 'Undeliverable: =?UTF-8?B?SsO2?='],
  ['raw UTF-8', 'Subject: J\xc3\xb6', 'Undeliverable: =?UTF-8?B?SsO2?='],
  ['words that only look encoded', 'Subject: =?x?=', 'Undeliverable: =?UTF-8?B?PT94Pz0=?='],
  ['an unknown charset', 'Subject: =?no-such?Q?a?= b', 'Undeliverable: =?UTF-8?B?PT9uby1zdWNoP1E/YT89IGI=?='],
  ['a line end in an encoded word', 'Subject: =?utf-8?Q?a=0D=0ABcc:_b?=', 'Undeliverable: a Bcc: b'],
  ['the direction of text', 'Subject: =?utf-8?B?YeKArmI=?=', 'Undeliverable: ab'],
]
for (const [reason, field, subject] of subjects) {
  test(`subject: ${reason}`, () => {
    assert.equal(read(writeReport({ ...simple, returned: headers(`${field}\r\n`) })).fields.get('subject'), subject)
  })
}

test('the subject of a warning says that it is one, and a long subject is cut', () => {
  const { fields } = read(writeReport({ ...simple, kind: 'delayed' }))
  assert.equal(fields.get('subject'), 'Delivery delayed: Hello')
  const long = read(writeReport({ ...simple, returned: headers(`Subject: ${'é'.repeat(3000)}\r\n`) }))
  const words = long.fields.get('subject')?.replaceAll('\r\n', '').replace('Undeliverable: ', '') ?? ''
  assert.equal(Array.from(decodeWords(words)).length, 258)
})

test('it answers the message that it is about, and nobody answers it', () => {
  const { fields } = read(writeReport(simple))
  assert.equal(fields.get('in-reply-to'), '<m1@tenant1.example>')
  assert.equal(fields.get('references'), '<m1@tenant1.example>')
  assert.equal(fields.get('auto-submitted'), 'auto-replied')
  assert.equal(fields.get('x-auto-response-suppress'), 'All')
  const odd = read(writeReport({ ...simple, returned: headers('Message-ID: <a b> <c>\r\n') }))
  assert.ok(!odd.keys.includes('in-reply-to'))
})

test('addresses that are not ASCII: escaped, or UTF-8 where the sender needs it anyway', () => {
  const recipients = [
    {
      address: 'jörg@x.example',
      originalRecipient: 'utf-8;j\\x{F6}rg@x.example',
      status: '5.1.1',
      diagnostic: '',
      why: '',
    },
  ]
  const plain = read(writeReport({ ...simple, recipients }))
  assert.equal(plain.parts[1]?.type, 'message/delivery-status')
  assert.match(
    plain.bodies[1]?.toString() ?? '',
    /Original-Recipient: utf-8;j\\x\{F6\}rg@x.example\r\nFinal-Recipient: utf-8;j\\x\{F6\}rg@x.example\r\n/,
  )
  const global = read(writeReport({ ...simple, to: 'jürgen@tenant1.example', recipients }))
  assert.equal(global.parts[1]?.type, 'message/global-delivery-status')
  assert.match(
    global.bodies[1]?.toString() ?? '',
    /Original-Recipient: utf-8;jörg@x.example\r\nFinal-Recipient: utf-8;jörg@x.example\r\n/,
  )
})

test('an address keeps its type, its spelling and its line', () => {
  assert.equal(typedAddress('"a \\" b"@x.example', false), 'rfc822;"a \\" b"@x.example')
  assert.equal(typedAddress('a\r\nB: c', false), 'utf-8;a\\x{0D}\\x{0A}B:\\x{20}c')
  assert.equal(typedAddress('é\u202e\\x{41} b', true), 'utf-8;é\\x{202E}\\x{5C}x{41} b')
  assert.equal(typedAsGiven('RFC822;A+b@x.example', false), 'RFC822;A+b@x.example')
  assert.equal(typedAsGiven('x400;/G=a\r\nB: c/', true), 'x400;/G\\x{3D}a\\x{0D}\\x{0A}B:\\x{20}c/')
  assert.equal(typedAsGiven('utf-8;é@x.example', false), 'utf-8;\\x{E9}@x.example')
  for (const none of ['', 'rfc822', ';a', 'r f c;a', 'rfc822;']) assert.equal(typedAsGiven(none, true), undefined)
})

test('what cannot be seen goes, what joins letters stays', () => {
  assert.equal(shown('a\u200b\u2066b\u00ad\t\r\nc\ufeff', 9), 'ab c')
  assert.equal(shown('👩\u200d💻 می\u200cخواهم', 20), '👩\u200d💻 می\u200cخواهم')
  assert.equal(shown('x'.repeat(99), 5), 'xxxxx...')
})

/** Requests as they come from outside, and the same with addresses that an envelope can have. */
const likely: fc.Arbitrary<ReportRequest> = fc
  .tuple(request, fc.uniqueArray(address, { minLength: 1, maxLength: 4 }))
  .map(([r, addresses]) => ({
    ...r,
    to: 'ann@tenant1.example',
    recipients: addresses.map((a, i) => ({ ...(r.recipients[i] ?? simple.recipients[0] ?? raise()), address: a })),
  }))
const raise = (): never => assert.fail('a request has a recipient')

test("Python's e-mail package and postal-mime read each report as it was meant", async () => {
  const requests = [...fc.sample(request, 200), ...fc.sample(likely, 200)]
  const reports = requests.map(writeReport)
  const verdicts = judgedByPython(reports)
  for (const [i, r] of requests.entries()) {
    const verdict = verdicts[i]
    assert.ok(verdict)
    assert.deepEqual([verdict.type, verdict.reportType, verdict.defects], ['multipart/report', 'delivery-status', []])
    const finals = verdict.blocks.map((block) => block.filter(([name]) => name === 'Final-Recipient').length)
    assert.deepEqual(finals, [0, ...r.recipients.map(() => 1)])
    assert.equal(new Set(verdict.fields).size, verdict.fields.length)
    const seen = await readByPostalMime(reports[i] ?? Buffer.alloc(0))
    assert.equal(seen.subject.replaceAll(/\s+/g, ' '), verdict.subject.replaceAll(/\s+/g, ' '))
  }
})
