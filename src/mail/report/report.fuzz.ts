import assert from 'node:assert/strict'
import type { FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { rewriteReport } from './report.ts'

const to = { to: 'new@shared.example', entry: 'e' }

export const target: FuzzTarget = {
  name: 'report',
  tokens: [
    '\r\n',
    '\r\n\r\n',
    '\r\n ',
    'Final-Recipient: ',
    'Original-Recipient: ',
    'rfc822;',
    'utf-8;',
    'Diagnostic-Code: smtp; ',
    'a@b.example',
    '<a@b>',
    '(',
    ')',
    '\\x{40}',
  ],
  maxBytes: 8192,
  run(input) {
    for (const side of ['outside', 'inside'] as const) {
      const nobody = { external: () => undefined, internal: () => undefined, samePerson: () => false }
      assert.equal(rewriteReport(input, side, nobody), undefined, 'nothing to map, nothing changes')
      const mapped = rewriteReport(input, side, { external: () => to, internal: () => to, samePerson: () => false })
      if (mapped !== undefined) assert.ok(mapped.changes.length > 0)
    }
  },
}
