/** The ways to the outside besides `return`: `handover`, `smarthost`, and `direct` by what the DNS says. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from '../../support/bind.ts'
import { startGateway } from '../../support/gateway.ts'
import { startOutside, startTenant } from '../../support/mail-server.ts'
import { missing, until } from '../../support/program.ts'
import { openScenario, settleAccounts } from '../../support/scenario.ts'
import { swaks } from '../../support/swaks.ts'

const skip = missing('postfix', 'named', 'dig', 'swaks')

test('ways to the outside', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const zones = {
    'outside.example': ['@ MX 20 mx', '@ MX 10 down', `mx A ${s.host('outside')}`, `down A ${s.host('down')}`],
    'plain.example': [`@ A ${s.host('outside')}`],
    'nomail.example': ['@ MX 0 .'],
    'broken.example': ['broken'],
  }
  const dns = await s.keep(startBind({ dir: join(s.dir, 'dns'), zones }))
  const own = s.certify('gateway', 'gw.example.net')
  const server = { host: s.host('gateway'), port: 25 }
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), smtp: [server], project: s.project(), dns }))
  const relayhost = `[${s.host('outside')}]:25`
  const [owner, smarthost, outside] = await Promise.all([
    startTenant(s, { name: 'owner', mailboxes: ['olaf@owner.example'], gateway: own, relayhost }),
    startTenant(s, { name: 'smarthost', mailboxes: [], gateway: own, relayhost }),
    startOutside(s, { mailboxes: ['olga@outside.example', 'paul@plain.example'] }),
  ])
  /** As a tenant: the name in the certificate says which one. */
  const sendAs = (tenant: string, who: string, to = 'olga@outside.example') => {
    const { cert, key } = s.certify(`as-${tenant}`, `mail.${tenant}.example`)
    return swaks({
      server,
      from: `${who}@${tenant}.example`,
      to: [to],
      message: s.message(`${who}.eml`),
      tls: { cert, key },
    })
  }
  const receivedBy = (arrived: string) => [...arrived.matchAll(/^Received:[^]*?\sby (\S+)/gm)].map(([, name]) => name)

  await t.test('handover: through the tenant that owns the domain shown', async () => {
    assert.match((await sendAs('handing', 'hans')).answer, /^250 /)
    const arrived = await outside.arrived('olga@outside.example')
    assert.deepEqual(receivedBy(arrived), ['mx.outside.example', 'mail.owner.example', 'gw.example.net'])
    assert.match(arrived, /^Return-Path: <hans@owner\.example>$/m)
    assert.match(arrived, /^From: <hans@owner\.example>$/m)
  })

  await t.test('smarthost: through the host of the project', async () => {
    assert.match((await sendAs('hosted', 'hugo')).answer, /^250 /)
    const arrived = await outside.arrived('olga@outside.example', 2)
    assert.deepEqual(receivedBy(arrived), ['mx.outside.example', 'mail.smarthost.example', 'gw.example.net'])
    assert.match(arrived, /^From: <hugo@shared\.example>$/m)
  })

  await t.test('direct: by MX, the second one where the first is down', async () => {
    assert.match((await sendAs('owner', 'olaf')).answer, /^250 /)
    const arrived = await outside.arrived('olga@outside.example', 3)
    assert.deepEqual(receivedBy(arrived), ['mx.outside.example', 'gw.example.net'])
  })

  await t.test('direct: by the address of the domain where it has no MX', async () => {
    assert.match((await sendAs('owner', 'olaf', 'paul@plain.example')).answer, /^250 /)
    await outside.arrived('paul@plain.example')
  })

  await t.test('direct: a null MX takes no mail, and a domain that does not exist has no host', async () => {
    assert.match((await sendAs('owner', 'olaf', 'x@nomail.example')).answer, /^55\d 5\.\d\.\d+ .*nomail\.example/)
    assert.match((await sendAs('owner', 'olaf', 'x@nowhere.example')).answer, /^55\d 5\.\d\.\d+ .*nowhere\.example/)
    const events = await gateway.events()
    assert.ok(events.some(({ kind, why }) => kind === 'FAIL' && /null MX/.test(why ?? '')))
  })

  await t.test('direct: a DNS server that cannot answer is no answer: kept, and asked again', async () => {
    assert.match((await sendAs('owner', 'olaf', 'x@broken.example')).answer, /^250 /)
    const events = await gateway.events()
    assert.ok(events.some(({ kind, why }) => kind === 'DEFER' && /SERVFAIL/.test(why ?? '')))
  })

  await t.test('nothing is lost: accepted = delivered + refused + queued', async () => {
    await until('empty queues', () => [owner, smarthost, outside].every((p) => p.queued() === 0) || undefined)
    const ledger = await settleAccounts(gateway)
    assert.deepEqual(ledger, { sent: 4, refused: 2, deferred: 1 })
    assert.equal(outside.held, ledger.sent)
    assert.equal(owner.held + smarthost.held, 0)
  })
})
