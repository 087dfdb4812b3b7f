import * as fc from 'fast-check'
import { readMessage } from '../message/message.ts'
import { decodePart, type Part, parts } from '../mime/mime.ts'
import type { ReportRequest } from './values.ts'

/** What somebody outside might write to break out of his place. */
const nasty = [
  '\r\n',
  '\r',
  '\n',
  '\0',
  '\x1b[2J',
  '\x7f',
  '\x85',
  '\u2028',
  '\u202e',
  '\u2066',
  '\ud800',
  '\r\nBcc: x@y.example\r\n',
  '\r\n\r\nAction: delivered\r\n',
  '\r\n--=_report_',
  '=?utf-8?q?=0D=0ABcc:_x@y.example?=',
  '=?utf-8?b?4oCu?=',
  '=?x?q?',
  'Final-Recipient: rfc822;z@z.example',
  'é',
  '漢'.repeat(200),
  'x'.repeat(1200),
  '\\x{0D}',
  ';',
  ':',
  '<',
  '>',
  '"',
  ' ',
  'a@a.example',
]
const text = fc.oneof(
  fc.array(fc.constantFrom(...nasty), { maxLength: 8 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
)
const bytes = text.map((t) => Buffer.from(t, 'utf8').toString('latin1'))
const date = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })

/** An address as an envelope can have it. */
export const address = fc
  .tuple(fc.constantFrom('ann', 'b.c+d=e', '"q \\" r"', 'jörg', '漢字', '"ü \\\\x{41}"'), fc.nat(9999))
  .map(([local, n]) => `${local}@h${n}.example`)

const recipient = fc.record(
  {
    address: fc.oneof(address, text),
    originalRecipient: fc.oneof(
      address.map((a) => `rfc822;${a}`),
      text.map((t) => `utf-8;${t}`),
      text,
    ),
    status: fc.oneof(fc.constantFrom('5.1.1', '4.4.7', '2.0.0', ''), text),
    diagnostic: text,
    remote: fc.oneof(fc.constantFrom('mx.example.net', '[192.0.2.1]'), text),
    why: text,
    lastAttempt: date,
  },
  { requiredKeys: ['address', 'status', 'diagnostic', 'why'] },
)

const headerText = fc
  .array(fc.tuple(fc.constantFrom('Subject', 'Message-ID', 'To', 'X'), bytes), { maxLength: 4 })
  .map((fields) => fields.map(([name, value]) => `${name}: ${value}\r\n`).join(''))
const wholeMessage = fc
  .tuple(headerText, bytes)
  .map(([head, body]) => [Buffer.from(`${head}\r\n`, 'latin1'), Buffer.from(body, 'latin1')])

export const request: fc.Arbitrary<ReportRequest> = fc.record(
  {
    kind: fc.constantFrom('failed', 'delayed'),
    hostname: fc.constant('gw.example.net'),
    date,
    id: fc.constant('r1'),
    to: fc.oneof(address, text),
    originalEnvelopeId: text,
    arrival: date,
    giveUpAt: date,
    recipients: fc.array(recipient, { minLength: 1, maxLength: 4 }),
    returned: fc.oneof(
      headerText.map((head) => ({ kind: 'headers' as const, text: head })),
      wholeMessage.map((content) => ({ kind: 'message' as const, content })),
    ),
    smtputf8: fc.boolean(),
  },
  {
    requiredKeys: ['kind', 'hostname', 'date', 'id', 'to', 'arrival', 'recipients', 'returned', 'smtputf8'],
  },
)

export const simple: ReportRequest = {
  kind: 'failed',
  hostname: 'gw.example.net',
  date: new Date('2026-01-02T03:05:00Z'),
  id: 'r1',
  to: 'ann@tenant1.example',
  arrival: new Date('2026-01-02T03:04:05Z'),
  recipients: [
    { address: 'bob@shared.example', status: '5.1.1', diagnostic: '550 5.1.1 User unknown', why: 'Not found there.' },
  ],
  returned: { kind: 'headers', text: 'Subject: Hello\r\nMessage-ID: <m1@tenant1.example>\r\n' },
  smtputf8: false,
}

/** The report as our own readers see it. */
export function read(report: Buffer): {
  readonly fields: ReadonlyMap<string, string>
  readonly keys: readonly string[]
  readonly parts: readonly Part[]
  /** Of each part, decoded. */
  readonly bodies: readonly Buffer[]
} {
  const message = readMessage(report)
  const found = parts(message)
  return {
    fields: new Map(message.header.fields.map(({ key, raw, colon }) => [key, raw.slice(colon + 1).trim()])),
    keys: message.header.fields.map(({ key }) => key),
    parts: found,
    bodies: found.map((part) => decodePart(report, part) ?? Buffer.alloc(0)),
  }
}
