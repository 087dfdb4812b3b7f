import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseReply } from '../../mail/reply/reply.ts'
import { advice, meaningOf, slowsHop } from './deliver.ts'

const rows: readonly (readonly [string, RegExp])[] = [
  ['550 5.7.64 TenantAttribution; Relay Access Denied SMTP', /no inbound connector/],
  ['550 5.7.64 Relay Access Denied ATTR36', /neither the certificate's domain nor/],
  ['451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35', /wrong host/],
  ['550 5.7.750 Client blocked from sending from unregistered domain', /not registered/],
  ['550 5.4.1 Recipient address rejected: Access denied', /accepted domain/],
  ['452 4.5.3 Too many recipients', /the rest follows/],
  ['451 4.7.500 Server busy. Please try again later', /reputation/],
  ['550 5.7.606 Access denied, banned sending IP', /block list/],
  ['451 4.7.26 must pass SPF or DKIM', /IPv4/],
  ['432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded', /throttled/],
]

for (const [line, expected] of rows) {
  test(`advice on ${line}`, () => assert.match(advice(parseReply([line])) ?? '', expected))
}

test('no advice where we know nothing', () => {
  for (const line of ['250 2.0.0 ok', '550 5.7.1 no', '451 4.7.1 greylisted', '550 15.7.64']) {
    assert.equal(advice(parseReply([line])), undefined)
  }
})

const meanings = [
  ['550 5.7.64 TenantAttribution; Relay Access Denied SMTP', 'operator', false],
  ['550 5.7.64 Relay Access Denied ATTR36', 'operator', false],
  ['451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35', 'operator', false],
  ['530 5.7.57 Client was not authenticated to send anonymous mail', 'operator', false],
  ['550 5.7.506 Bad HELO', 'operator', false],
  ['550 5.7.606 Access denied, banned sending IP', 'operator', false],
  ['550 5.7.649 Access denied, banned sending IP', 'operator', false],
  ['550 5.7.750 Client blocked', 'operator', false],
  ['550 5.7.705 tenant has exceeded threshold', 'operator', false],
  ['451 4.7.500 Server busy', 'throttled', true],
  ['451 4.7.699 Server busy', 'throttled', true],
  ['451 4.7.850 Access denied, please try again later', 'throttled', true],
  ['432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded', 'throttled', false],
  ['550 5.2.121 the hourly limit of the recipient', 'throttled', false],
  ['550 5.4.1 Recipient address rejected: Access denied', undefined, false],
  ['550 5.7.650 no such code', undefined, false],
  ['451 4.7.700 no such code', undefined, false],
  ['250 2.0.0 5.7.64 in a yes means nothing', undefined, false],
] as const

for (const [line, meaning, slows] of meanings) {
  test(`${line} means ${meaning ?? 'what its class says'}`, () => {
    const reply = parseReply([line])
    assert.deepEqual([meaningOf(reply), slowsHop(reply)], [meaning, slows])
  })
}
