import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classOf } from './sender-class.ts'

const hour = 3_600_000
const online = 'EUR05-DB8-obe.outbound.protection.outlook.com'

test('patience is told from the name, and the shortest that is common counts where it tells nothing', () => {
  const cases: readonly (readonly [name: string, kind: string, hours: number])[] = [
    [online, 'exchange-online', 24],
    [`${online}.`, 'exchange-online', 24],
    ['AM0PR01MB1234.eurprd01.prod.outlook.com', 'exchange-online', 24],
    ['outbound.protection.outlook.com.evil.example', 'others', 24],
    ['notoutbound.protection.outlook.com', 'others', 24],
    ['EXCH01.corp.example.com', 'exchange-server', 48],
    ['mail.firm.local', 'exchange-server', 48],
    ['m9.mailgun.net', 'service', 8],
    ['a8-31.smtp-out.amazonses.com', 'service', 12],
    ['o1.sendgrid.net', 'service', 72],
    ['mail.partner.example', 'others', 24],
    ['', 'others', 24],
    ['[192.0.2.1]', 'others', 24],
  ]
  for (const [name, kind, hours] of cases) {
    const found = classOf(name)
    assert.deepEqual([found.kind, found.givesUpAfterMs / hour], [kind, hours], name)
    assert.ok(found.why.length > 10)
  }
})
