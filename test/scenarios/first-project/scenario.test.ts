/** The project file that the manual shows, served; swaks as the tenants' client and as a stranger, Postfix as every next hop. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from '../../support/bind.ts'
import { startGateway } from '../../support/gateway.ts'
import { startOutside, startTenant } from '../../support/mail-server.ts'
import { startPostfix } from '../../support/postfix.ts'
import { missing, runTool, until } from '../../support/program.ts'
import { openScenario, settleAccounts } from '../../support/scenario.ts'
import { swaks } from '../../support/swaks.ts'

const skip = missing('postfix', 'named', 'dig', 'swaks')

test('the project file of the manual', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const online = 'contoso-example.mail.protection.outlook.com'
  const zones = {
    [online]: [`@ A ${s.host('contoso')}`],
    'fabrikam.example': [`mail A ${s.host('fabrikam')}`],
    'outside.example': [`mx A ${s.host('outside')}`],
  }
  const dns = await s.keep(startBind({ dir: join(s.dir, 'dns'), zones }))
  s.certify('gw', 'gw.example.net', 't1.gw.example.net')
  const presented = s.certify('presented', 'gw.example.net')
  const project = s.project()
  const password = join(s.dir, 'contoso.pass')
  const pfx = ['-inkey', presented.key, '-in', presented.cert, '-out', join(s.dir, 'contoso.pfx')]
  assert.equal(runTool(['openssl', 'pkcs12', '-export', ...pfx, '-passout', `file:${password}`]).code, 0)

  const server = { host: s.host('gateway'), port: 25 }
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), smtp: [server], project, dns }))
  const own = s.certify('online', online)
  const [contoso, fabrikam, outside] = await Promise.all([
    startTenant(s, {
      name: 'contoso',
      mailboxes: ['john.smith@contoso.example', 'sales@contoso.example'],
      gateway: presented,
      relayhost: `[${s.host('outside')}]:25`,
      main: { smtpd_tls_chain_files: own.both },
    }),
    s.keep(
      startPostfix({
        dir: join(s.dir, 'fabrikam'),
        hostname: 'mail.fabrikam.example',
        listen: [{ host: s.host('fabrikam'), port: 25 }],
        mailboxes: ['anna@fabrikam.example'],
      }),
    ),
    startOutside(s, { mailboxes: ['olga@outside.example', 'paul@partner.example'] }),
  ])
  const secret = ['--add-header', 'X-Causeway-Key: a-secret-that-only-contoso-knows']
  const { cert, key } = s.certify('contoso-client', 'contoso.example')
  const asContoso = { server, tls: { cert, key, serverName: 't1.gw.example.net' } }
  const john = { from: 'john.smith@contoso.example', message: s.message('john.eml') }

  await t.test('contoso writes: shown as shared outside, as it is to the partner, inside to fabrikam', async () => {
    const to = ['olga@outside.example', 'paul@partner.example', 'anna@fabrikam.example']
    const said = await swaks({ ...asContoso, ...john, to, more: secret })
    assert.match(said.answer, /^250 /, said.transcript)
    s.sameAs('john-to-olga.eml', await outside.arrived('olga@outside.example'))
    s.sameAs('john-to-partner.eml', await outside.arrived('paul@partner.example'))
    s.sameAs('john-to-anna.eml', await fabrikam.arrived('anna@fabrikam.example'))
  })

  await t.test('every demand of the connector is needed: without one it is a stranger', async () => {
    const to = ['olga@outside.example']
    const noSecret = await swaks({ ...asContoso, ...john, to })
    assert.match(noSecret.answer, /^550 5\.7\.1 /, noSecret.transcript)
    const noName = await swaks({ server, tls: { cert, key }, ...john, to, more: secret })
    assert.match(noName.recipients[0] ?? '', /^550 5\.7\.1 /, noName.transcript)
    const noCertificate = await swaks({ server, tls: { serverName: 't1.gw.example.net' }, ...john, to, more: secret })
    assert.match(noCertificate.recipients[0] ?? '', /^550 5\.7\.1 /, noCertificate.transcript)
  })

  await t.test('the world answers to an old address, to one of each file, and to a whole domain', async () => {
    const to = ['js@old.example', 'sales@shared.example', 'anna@shared.example']
    const said = await swaks({ server, from: 'olga@outside.example', to, message: s.message('olga.eml') })
    assert.match(said.answer, /^250 /, said.transcript)
    s.sameAs('olga-to-john.eml', await contoso.arrived('john.smith@contoso.example'))
    await contoso.arrived('sales@contoso.example')
    await fabrikam.arrived('anna@fabrikam.example', 2)
  })

  await t.test('a subdomain of an old brand goes out as shared; the exception does not', async () => {
    const certificate = s.certify('fabrikam-client', 'fabrikam.example')
    const to = ['olga@outside.example']
    const eva = { from: 'eva@sub.legacy.example', message: s.message('eva.eml') }
    const said = await swaks({ server, tls: certificate, ...eva, to })
    assert.match(said.answer, /^250 /, said.transcript)
    s.sameAs('eva-to-olga.eml', await outside.arrived('olga@outside.example', 2))
  })

  await t.test('nothing is lost: accepted = delivered + refused', async () => {
    await until('empty queues', () => [contoso, fabrikam, outside].every((p) => p.queued() === 0) || undefined)
    const metrics = await gateway.metrics()
    assert.equal(metrics.get('causeway_messages_total{answer="accepted"}'), 3)
    assert.equal(metrics.get('causeway_messages_total{answer="refused"}'), 1)
    assert.equal(metrics.get('causeway_recipients_delivered_total'), 7)
    assert.equal(contoso.held + fabrikam.held + outside.held, 7)
    assert.equal((await settleAccounts(gateway)).deferred, 0)
  })
})
