import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type MapAddress, parseAddress } from '../address/address.ts'
import { type ReportMap, rewriteReport } from './report.ts'

const chunk = fc.constantFrom(
  'Final-Recipient',
  'Original-Recipient',
  'Diagnostic-Code',
  ':',
  ';',
  ' ',
  'rfc822;',
  'utf-8;',
  'smtp; 550 ',
  'a@a.example',
  'b@a.example',
  '<',
  '>',
  '(',
  '"',
  '@',
  '\\x{41}',
  '\\x{ffffff}',
  '\\x{d800}',
  '\xe9',
  '\xc3\xa9',
  '\r\n',
  '\r\n',
  '\r\n ',
  '\n',
  '\0',
)
const bytes = fc
  .array(fc.oneof({ weight: 9, arbitrary: chunk }, fc.string()), { maxLength: 40 })
  .map((a) => Buffer.from(a.join(''), 'latin1'))
const sides = fc.constantFrom('inside', 'outside')

/** Moves everybody between two domains. */
function move(from: string, domain: string): ReportMap {
  const external: MapAddress = (a) =>
    a.domain === from ? { to: `${a.text.slice(0, -from.length)}${domain}`, entry: 'e' } : undefined
  return { external, internal: () => undefined, samePerson: () => false }
}

test('any bytes give an answer, and a map that changes nothing changes nothing', () => {
  const same: MapAddress = ({ text }) => ({ to: text, entry: 'e' })
  fc.assert(
    fc.property(bytes, sides, (fields, side) => {
      rewriteReport(fields, side, { external: same, internal: same, samePerson: () => true })
      assert.equal(
        rewriteReport(fields, 'outside', { external: same, internal: same, samePerson: () => true }),
        undefined,
      )
      assert.equal(rewriteReport(fields, side, move('nobody.example', 'x.example')), undefined)
    }),
    { numRuns: 2000 },
  )
})

/** Fields that are nearly right, so that many of them are. */
const field = fc
  .tuple(
    fc.constantFrom('Final-Recipient', 'original-recipient', 'Diagnostic-Code', 'Status'),
    fc.constantFrom('rfc822;', ' RFC822; ', ' rfc822;\r\n ', ' utf-8; ', 'smtp; 550 ', ''),
    fc.constantFrom(
      'a@a.example',
      '<b@a.example>',
      '"q r"@a.example',
      '(c) c@a.example',
      'to=d@a.example.',
      'j\xc3\xbc@a.example',
      'e@b.example',
      '@',
    ),
  )
  .map(([name, type, address]) => `${name}:${type}${address}\r\n`)
const report = fc
  .array(fc.oneof({ weight: 4, arbitrary: field }, fc.constant('\r\n')), { maxLength: 8 })
  .map((fields) => Buffer.from(fields.join(''), 'latin1'))

test('out and in again gives the same bytes', () => {
  let changed = 0
  fc.assert(
    fc.property(fc.oneof(report, bytes), (fields) => {
      const out = rewriteReport(fields, 'outside', move('a.example', 'shared.example'))
      if (out === undefined) return
      changed++
      assert.ok(out.changes.every((change) => parseAddress(change.old)?.domain === 'a.example'))
      const back = rewriteReport(out.fields, 'outside', move('shared.example', 'a.example'))
      assert.equal(back?.fields.toString('latin1'), fields.toString('latin1'))
    }),
    { numRuns: 2000 },
  )
  assert.ok(changed > 500, `only ${changed} reports were changed`)
})
