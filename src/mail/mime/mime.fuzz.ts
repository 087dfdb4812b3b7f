import assert from 'node:assert/strict'
import type { FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { contentLength, normaliseLineEnds, readMessage } from '../message/message.ts'
import { decodePart, encodePart, parts, replaceParts } from './mime.ts'

export const target: FuzzTarget = {
  name: 'mime',
  tokens: [
    '\r\n',
    '\r\n\r\n',
    '--b',
    '--b--',
    'Content-Type: multipart/mixed; boundary=b\r\n',
    'Content-Type: text/calendar\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
    "; filename*0*=utf-8''%41",
    '=\r\n',
    '=3D',
  ],
  maxBytes: 16_384,
  run(input) {
    const message = readMessage(normaliseLineEnds(input))
    const found = parts(message)
    let end = 0
    for (const part of found) {
      assert.ok(part.headerStart >= end && part.bodyStart >= part.headerStart && part.bodyEnd >= part.bodyStart)
      assert.ok(part.bodyEnd <= message.raw.length, 'inside the message')
      end = part.bodyEnd
      const decoded = part.sealed ? undefined : decodePart(message.raw, part)
      if (decoded === undefined) continue
      const again = encodePart(decoded, part)
      assert.deepEqual(decodePart(again, { ...part, bodyStart: 0, bodyEnd: again.length }), decoded, 'decode(encode)')
    }
    const same = replaceParts(
      message,
      found.map((part) => ({ part, body: message.raw.subarray(part.bodyStart, part.bodyEnd) })),
    )
    assert.equal(contentLength(same), message.body.length, 'replacing with the same copies no other byte')
  },
}
