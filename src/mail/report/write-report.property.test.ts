import assert from 'node:assert/strict'
import { isAscii } from 'node:buffer'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type MapAddress } from '../address/address.ts'
import { decodeWords, encodeWords } from './encoded-words.ts'
import { address, read, request, simple } from './for-tests.ts'
import { rewriteReport, writeReport } from './report.ts'

const unseen = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u
const ours = [
  'from',
  'to',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'auto-submitted',
  'x-auto-response-suppress',
  'mime-version',
  'content-type',
]
const ofMessage = /^(?:Original-Envelope-Id|Reporting-MTA|Arrival-Date): ./
const ofRecipient =
  /^(?:(?:Original-Recipient|Final-Recipient|Action|Status|Remote-MTA|Diagnostic-Code|Last-Attempt-Date|Will-Retry-Until): .| +\S)/

test('whatever stands in it, a report has its own lines, fields and parts, and names every recipient once', () => {
  fc.assert(
    fc.property(request, (r) => {
      const report = writeReport(r)
      const text = report.toString('latin1')
      assert.ok(!/\r(?!\n)|(?<!\r)\n|\0/.test(text), 'a bare line end or NUL')
      assert.ok(text.split('\r\n').every((line) => line.length <= 998))
      const { keys, parts, bodies, fields } = read(report)
      assert.deepEqual(
        keys,
        ours.filter((key) => keys.includes(key)),
      )
      assert.deepEqual(
        parts.map(({ path }) => path),
        [['multipart/report'], ['multipart/report'], ['multipart/report']],
      )
      const [forPeople, forPrograms] = bodies
      assert.ok(!unseen.test(forPeople?.toString('utf8') ?? ''))
      assert.ok(!unseen.test(decodeWords(fields.get('subject')?.replaceAll('\r\n', '') ?? '').replaceAll('\t', '')))
      const [first = [], ...others] = (forPrograms?.toString('utf8') ?? '')
        .split('\r\n\r\n')
        .map((b) => b.split('\r\n'))
      assert.ok(
        first.every((line) => ofMessage.test(line)),
        first.join('|'),
      )
      assert.equal(others.length, r.recipients.length)
      for (const [i, block] of others.entries()) {
        assert.ok(
          block.every((line, at) => ofRecipient.test(line) || (i === others.length - 1 && at === block.length - 1)),
          block.join('|'),
        )
        assert.equal(block.filter((line) => line.startsWith('Final-Recipient: ')).length, 1)
      }
    }),
    { numRuns: 1000 },
  )
})

test('8-bit bytes stand in parts that say so, and in the header only with SMTPUTF8', () => {
  fc.assert(
    fc.property(request, (r) => {
      const report = writeReport(r)
      const { parts } = read(report)
      const mayBeUtf8 = r.smtputf8 || !isAscii(Buffer.from(r.to))
      if (!mayBeUtf8) assert.ok(isAscii(report.subarray(0, parts[0]?.headerStart)))
      for (const { headerStart, bodyStart, bodyEnd, encoding, type } of parts) {
        assert.ok(isAscii(report.subarray(headerStart, bodyStart)))
        if (encoding !== '8bit') assert.ok(isAscii(report.subarray(bodyStart, bodyEnd)))
        else assert.ok(mayBeUtf8 || type === 'message/rfc822', type)
      }
    }),
    { numRuns: 1000 },
  )
})

test('our own reader finds the addresses that were written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(address, { minLength: 1, maxLength: 4 }), fc.boolean(), (addresses, smtputf8) => {
      const recipients = addresses.map((a) => ({ address: a, status: '5.0.0', diagnostic: '', why: '' }))
      const { bodies } = read(writeReport({ ...simple, recipients, smtputf8 }))
      const map: MapAddress = () => ({ to: 'x@y.example', entry: 'e' })
      const result = rewriteReport(bodies[1] ?? Buffer.alloc(0), 'outside', {
        external: map,
        internal: map,
        samePerson: () => false,
      })
      assert.deepEqual(
        result?.changes.map(({ old }) => old),
        addresses,
      )
    }),
  )
})

test('encoded words say what was written, for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (t) => {
      const encoded = encodeWords(t)
      assert.ok(isAscii(Buffer.from(encoded)))
      assert.equal(decodeWords(encoded), t)
      if (encoded !== t) assert.ok(encoded.split(' ').every((word) => word.length <= 75))
    }),
  )
})
