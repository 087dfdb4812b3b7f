/**
 * Two tenants share a domain, with everything real around the gateway: Postfix as both tenants and as the outside, BIND as
 * the DNS in which the gateway is the MX of the shared domain, OpenDKIM and Python's dkim as verifiers.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from '../../support/bind.ts'
import { startGateway } from '../../support/gateway.ts'
import { startOutside, startTenant, submission } from '../../support/mail-server.ts'
import { startOpenDkim } from '../../support/opendkim.ts'
import { missing, until } from '../../support/program.ts'
import { dkimVerdicts } from '../../support/python-dkim.ts'
import { openScenario, settleAccounts } from '../../support/scenario.ts'
import { swaks } from '../../support/swaks.ts'

const skip = missing('postfix', 'named', 'dig', 'opendkim', 'dkimverify', 'swaks')

test('two tenants share a domain', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const dns = await s.keep(startBind({ dir: join(s.dir, 'dns'), zones: zones() }))
  await dns.answerAt(s.host('dns'))
  const own = s.certify('gateway', 'gw.example.net')
  const gateway = await s.keep(
    startGateway({
      data: join(s.dir, 'data'),
      smtp: [{ host: s.host('gateway'), port: 25 }],
      project: s.project(),
      dns,
    }),
  )
  const milter = { dir: join(s.dir, 'opendkim'), host: s.host('outside'), port: 8891, name: 'mx.outside.example', dns }
  const opendkim = await s.keep(startOpenDkim(milter))
  const [tenant1, tenant2, outside] = await Promise.all([
    startTenant(s, { name: 'tenant1', mailboxes: ['john@tenant1.example'], gateway: own }),
    startTenant(s, { name: 'tenant2', mailboxes: ['mary@tenant2.example'], gateway: own }),
    startOutside(s, {
      mailboxes: ['olga@outside.example', 'other@outside.example'],
      nameserver: s.host('dns'),
      milter: opendkim.milter,
    }),
  ])

  function zones() {
    return {
      'outside.example': ['@ MX 10 mx', `mx A ${s.host('outside')}`],
      'shared.example': ['@ MX 10 gw.example.net.'],
      'example.net': [`gw A ${s.host('gateway')}`],
    }
  }
  const send = (server: string, from: string, to: readonly string[], message: string) =>
    swaks({ server: { host: s.host(server), port: submission }, from, to, message: s.message(message) })

  await t.test('the keys are made, and their records published', async () => {
    const made = await gateway.run('dkim', 'create', 'shared.example', '--json')
    assert.equal(made.code, 0, made.err)
    const { records }: { records: readonly { zone: string }[] } = JSON.parse(made.out)
    assert.equal(records.length, 2)
    await dns.publish('shared.example', [...zones()['shared.example'], ...records.map(({ zone }) => zone)])
    const checked = await gateway.run('domain', 'dns', 'shared.example')
    assert.equal(checked.code, 0, checked.out)
  })

  await t.test('John writes out: the world sees the shared address, and the signature holds', async () => {
    const to = ['olga@outside.example', 'other@outside.example']
    assert.match((await send('tenant1', 'john@tenant1.example', to, 'john-writes-out.eml')).answer, /^250 /)
    const arrived = await outside.arrived('olga@outside.example')
    s.sameAs('john-writes-out.eml', arrived)
    assert.match(arrived, /^Authentication-Results: mx\.outside\.example;\n\tdkim=pass/m)
    assert.deepEqual(dkimVerdicts(arrived, dns), ['shared.example pass', 'shared.example pass'])
    await outside.arrived('other@outside.example')
  })

  await t.test('Olga answers to both: the MX is the gateway, and each tenant has its reply', async () => {
    const to = ['john@shared.example', 'mary@shared.example']
    assert.match((await send('outside', 'olga@outside.example', to, 'olga-answers.eml')).answer, /^250 /)
    s.sameAs('olga-answers-john.eml', await tenant1.arrived('john@tenant1.example'))
    s.sameAs('olga-answers-mary.eml', await tenant2.arrived('mary@tenant2.example'))
  })

  await t.test('Mary writes to one inside and one outside: each sees their side', async () => {
    const to = ['john@shared.example', 'olga@outside.example']
    assert.match((await send('tenant2', 'mary@tenant2.example', to, 'mary-writes-to-both.eml')).answer, /^250 /)
    s.sameAs('mary-writes-to-john.eml', await tenant1.arrived('john@tenant1.example', 2))
    const atOlga = await outside.arrived('olga@outside.example', 2)
    s.sameAs('mary-writes-to-olga.eml', atOlga)
    assert.match(atOlga, /dkim=pass/)
  })

  await t.test('a recipient that nobody knows is refused at RCPT, and Olga hears of it', async () => {
    await send('outside', 'olga@outside.example', ['nobody@shared.example'], 'olga-writes-to-nobody.eml')
    const report = await outside.arrived('olga@outside.example', 3)
    assert.match(report, /^Final-Recipient: rfc822; nobody@shared\.example$/m)
    assert.match(report, /^Status: 5\.1\.1$/m)
    assert.match(report, /^Diagnostic-Code: smtp; 550 5\.1\.1 /m)
  })

  await t.test('a stranger who wants to relay is refused, also with a certificate of somebody else', async () => {
    const server = { host: s.host('gateway'), port: 25 }
    const message = s.message('john-writes-out.eml')
    const ask = { server, from: 'john@tenant1.example', to: ['olga@outside.example'], message }
    const plain = await swaks(ask)
    assert.match(plain.recipients[0] ?? '', /^550 5\.7\.1 /)
    const { cert, key } = s.certify('stranger', 'mail.stranger.example')
    const other = await swaks({ ...ask, tls: { cert, key } })
    assert.match(other.recipients[0] ?? '', /^550 5\.7\.1 /)
    const events = await gateway.events()
    const rejected = events.findLast(({ kind }) => kind === 'REJECT')
    assert.match(rejected?.why ?? '', /tenant1: the certificate names mail\.stranger\.example/)
  })

  await t.test('the certificate of a tenant is not enough from an address that is not its own', async () => {
    const server = { host: s.host('gateway'), port: 25 }
    const tls = { cert: join(s.dir, 'tenant2.crt'), key: join(s.dir, 'tenant2.key') }
    const message = s.message('mary-writes-to-both.eml')
    const said = await swaks({ server, from: 'mary@tenant2.example', to: ['olga@outside.example'], message, tls })
    assert.match(said.recipients[0] ?? '', /^550 5\.7\.1 /)
  })

  await t.test('nothing is lost: accepted = delivered + refused', async () => {
    await until('empty queues', () => [tenant1, tenant2, outside].every((p) => p.queued() === 0) || undefined)
    const ledger = await settleAccounts(gateway)
    assert.deepEqual(ledger, { sent: 6, refused: 0, deferred: 0 })
    // Olga's third is the report that her own server wrote.
    assert.equal(tenant1.held + tenant2.held + outside.held, ledger.sent + 1)
    const metrics = await gateway.metrics()
    assert.equal(metrics.get('causeway_messages_total{answer="accepted"}'), 3)
    assert.equal(metrics.get('causeway_recipients_delivered_total'), 6)
    assert.equal(metrics.get('causeway_recipients_refused_total'), 4)
  })
})
