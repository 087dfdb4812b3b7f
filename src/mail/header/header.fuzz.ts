import assert from 'node:assert/strict'
import type { FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { hasBareLineEnds } from '../message/message.ts'
import { fieldValue, headerText, parseHeader, readFrom, unfold, withValue } from './header.ts'

export const target: FuzzTarget = {
  name: 'header',
  tokens: [
    '\r\n',
    '\r\n ',
    '\r',
    '\n',
    ':',
    'From:',
    'From :',
    'Sender:',
    'To: ',
    'a@b.example',
    '<a@b>',
    'x'.repeat(999),
  ],
  maxBytes: 16_384,
  run(input) {
    const text = input.toString('latin1')
    const header = parseHeader(text)
    assert.equal(headerText(header), text, 'byte for byte itself')
    for (const field of header.fields) {
      const value = fieldValue(field)
      assert.doesNotMatch(unfold(value), /\r\n[ \t]/, 'unfolded')
      if (field.key !== '' && !hasBareLineEnds(Buffer.from(value, 'latin1')))
        assert.equal(parseHeader(withValue(field, value).raw).fields.length, 1, 'one field stays one')
    }
    const from = readFrom(header)
    if (from.kind === 'one') assert.equal(header.fields.filter((f) => f.key === 'from').length, 1)
  },
}
