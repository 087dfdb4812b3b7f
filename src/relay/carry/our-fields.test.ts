import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aClient, incomingOf, projectOf, twoTenants } from '../../../test/support/relay-values.ts'
import { fieldValue, first, parseHeader, readFrom, unfold } from '../../mail/header/header.ts'
import { ourFields } from './our-fields.ts'

const header = parseHeader('From: a@x.example\r\n')
const project = projectOf(twoTenants)

/** Our Received field for a client that called itself so. */
function received(helo: string): string {
  const fields = ourFields({
    project,
    incoming: { ...incomingOf('a@x.example', [], ''), client: { ...aClient, helo } },
    admission: {
      peer: { kind: 'internet', why: '' },
      from: readFrom(header),
      pass: undefined,
      routed: [],
      held: [],
      refusals: [],
    },
    delivery: {
      side: 'inside',
      by: 'tenant',
      nextHop: { host: 'mx.one.example', port: 25, tls: 'none', serverName: 'mx.one.example' },
      view: 'inside',
      mailFrom: { given: 'a@x.example', rewritten: 'a@x.example' },
      recipients: [],
      reasons: [],
    },
    copy: { header, body: [], changes: [], isClear: true, left: [] },
    passKey: Buffer.alloc(32),
    id: 'the-id',
    now: new Date(0),
    arrivedAt: new Date(0),
  })
  const field = first(parseHeader(fields), 'received')
  assert.ok(field !== undefined)
  return unfold(fieldValue(field))
}

test('who came, by the name that it gave', () => {
  for (const helo of ['mail.example', 'MAIL_1.local', '[192.0.2.9]', '[IPv6:2001:db8::1]'])
    assert.equal(
      received(helo),
      `from ${helo} ([192.0.2.9])\tby gw.example.net with ESMTP id the-id;\tThu, 01 Jan 1970 00:00:00 +0000`,
    )
})

test('words that are no name are not taken for the rest of the field', () => {
  for (const helo of ['', 'x by evil.example', 'x;', 'x (y', '=?utf-8?q?x?=', '<x>', '"', 'x'.repeat(300)]) {
    const text = received(helo)
    assert.match(text, /^from unknown \(\[192\.0\.2\.9\]\)\tby gw\.example\.net with /, helo)
  }
})
