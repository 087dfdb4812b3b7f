import assert from 'node:assert/strict'
import type { FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { rewriteCalendar } from './calendar.ts'

export const target: FuzzTarget = {
  name: 'calendar',
  tokens: [
    '\r\n',
    '\n',
    '\r\n ',
    '\n\t',
    'ORGANIZER',
    'ATTENDEE',
    ';CN=',
    ';SENT-BY="',
    'mailto:',
    'MAILTO:',
    'a@b.example',
    '"',
    '^',
    '\\',
    ',',
  ],
  maxBytes: 8192,
  run(input) {
    assert.equal(
      rewriteCalendar(input, () => undefined),
      undefined,
      'nothing to map, nothing changes',
    )
    const mapped = rewriteCalendar(input, () => ({ to: 'new@shared.example', entry: 'e' }))
    if (mapped === undefined) return
    assert.ok(mapped.changes.length > 0)
    const again = rewriteCalendar(mapped.ics, () => ({ to: 'new@shared.example', entry: 'e' }))
    assert.equal(again, undefined, 'what was mapped is not mapped again')
  },
}
