/**
 * Day One and Day Two by `return`: the mail of a tenant comes back to it rewritten and signed, and the tenant itself carries it
 * out. It knows the gateway by its certificate, and by X-Causeway-Pass what not to send there again.
 *
 * A tenant is two Postfixes: one with the rules (what carries our pass goes out, the rest to the gateway), one with the
 * mailboxes and the way out.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from '../../support/bind.ts'
import { startGateway } from '../../support/gateway.ts'
import { startOutside, startTenant, submission } from '../../support/mail-server.ts'
import { startOpenDkim } from '../../support/opendkim.ts'
import { missing, until } from '../../support/program.ts'
import { type Certified, openScenario, type Scenario } from '../../support/scenario.ts'
import { swaks } from '../../support/swaks.ts'

const skip = missing('postfix', 'named', 'dig', 'opendkim', 'swaks')

/** The tenant's rules, and behind them its mailboxes. */
async function startReturning(s: Scenario, name: string, mailboxes: readonly string[], gateway: Certified) {
  const store = await startOutside(s, {
    name: `${name}store`,
    mailboxes,
    nameserver: s.host('dns'),
    main: { mynetworks: s.host(name) },
  })
  const toStore = `smtp:[${s.host(`${name}store`)}]:25`
  const rules = await startTenant(s, {
    name,
    mailboxes: [],
    gateway,
    main: {
      relay_domains: `${name}.example`,
      transport_maps: `inline:{ { ${name}.example = ${toStore} } }`,
      header_checks: `regexp:{ { /^X-Causeway-Pass:/ FILTER ${toStore} } }`,
    },
  })
  return { store, rules }
}

test('Day One and Day Two, carried out by the sending tenant', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const zones = {
    'outside.example': ['@ MX 10 mx', `mx A ${s.host('outside')}`],
    'source.example': ['@ MX 10 gw.example.net.'],
    'target.example': ['@ MX 10 gw.example.net.'],
    'example.net': [`gw A ${s.host('gateway')}`],
  }
  const dns = await s.keep(startBind({ dir: join(s.dir, 'dns'), zones }))
  await dns.answerAt(s.host('dns'))
  const own = s.certify('gateway', 'gw.example.net')
  const smtp = [{ host: s.host('gateway'), port: 25 }]
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), smtp, project: s.project(), dns }))
  const verifier = {
    dir: join(s.dir, 'opendkim'),
    host: s.host('outside'),
    port: 8891,
    name: 'mx.outside.example',
    dns,
  }
  const { milter } = await s.keep(startOpenDkim(verifier))
  const [source, target, forgetful, outside] = await Promise.all([
    startReturning(s, 'source', ['ann@source.example'], own),
    startReturning(s, 'target', ['bob@target.example', 'ann@target.example'], own),
    startTenant(s, { name: 'forgetful', mailboxes: ['zoe@forgetful.example'], gateway: own }),
    startOutside(s, { mailboxes: ['olga@outside.example'], nameserver: s.host('dns'), milter }),
  ])
  const send = (server: string, from: string, to: readonly string[], message: string) =>
    swaks({ server: { host: s.host(server), port: submission }, from, to, message: s.message(message) })

  await t.test('the keys are made, and their records published', async () => {
    for (const domain of ['source.example', 'target.example'] as const) {
      const { out } = await gateway.run('dkim', 'create', domain, '--json')
      const { records }: { records: readonly { zone: string }[] } = JSON.parse(out)
      await dns.publish(domain, [...zones[domain], ...records.map(({ zone }) => zone)])
    }
  })

  await t.test('Ann has not moved, and is shown as if she had', async () => {
    const said = await send(
      'source',
      'ann@source.example',
      ['olga@outside.example', 'bob@target.example'],
      'ann-writes-out.eml',
    )
    assert.match(said.answer, /^250 /)
    const arrived = await outside.arrived('olga@outside.example')
    s.sameAs('ann-writes-out.eml', arrived)
    assert.match(arrived, /dkim=pass .* header\.d=target\.example/)
    // From the bottom: her tenant, the gateway, her tenant again, its way out, Olga's server.
    const by = [...arrived.matchAll(/^Received:[^]*?\sby (\S+)/gm)].map(([, name]) => name)
    const hops = ['mx.outside.example', 'mx.sourcestore.example', 'mail.source.example', 'gw.example.net']
    assert.deepEqual(by, [...hops, 'mail.source.example'])
    s.sameAs('ann-writes-to-bob.eml', await target.store.arrived('bob@target.example'))
  })

  await t.test('Bob has moved, and is shown as before', async () => {
    assert.match(
      (await send('target', 'bob@target.example', ['olga@outside.example'], 'bob-writes-out.eml')).answer,
      /^250 /,
    )
    const arrived = await outside.arrived('olga@outside.example', 2)
    s.sameAs('bob-writes-out.eml', arrived)
    assert.match(arrived, /dkim=pass .* header\.d=source\.example/)
  })

  await t.test('an answer reaches each of them where they are', async () => {
    const to = ['ann@target.example', 'bob@source.example']
    await send('outside', 'olga@outside.example', to, 'olga-answers.eml')
    s.sameAs('olga-answers-ann.eml', await source.store.arrived('ann@source.example'))
    s.sameAs('olga-answers-bob.eml', await target.store.arrived('bob@target.example', 2))
  })

  await t.test('Ann moves: one command, and the next mail follows her', async () => {
    const set = await gateway.run('directory', 'set', 'ann@source.example', 'DayTwo')
    assert.equal(set.code, 0, set.err)
    await send('outside', 'olga@outside.example', ['ann@source.example'], 'olga-writes-again.eml')
    s.sameAs('olga-writes-again.eml', await target.store.arrived('ann@target.example'))
  })

  await t.test('a tenant that does not exempt what comes back is stopped, and its user hears of it', async () => {
    await send('forgetful', 'zoe@forgetful.example', ['olga@outside.example'], 'zoe-writes-out.eml')
    const report = await forgetful.arrived('zoe@forgetful.example')
    assert.match(report, /^Diagnostic-Code: smtp; 554 5\.4\.6 /m)
  })

  await t.test('nothing is lost: accepted = delivered + refused', async () => {
    const all = [source.store, source.rules, target.store, target.rules, forgetful, outside]
    await until('empty queues', () => all.every((p) => p.queued() === 0) || undefined)
    // Handed on: Ann to Olga and Bob, Bob to Olga, Olga to both, Olga to Ann; and Zoe's twice, until it was a loop.
    const metrics = await gateway.metrics()
    assert.equal(metrics.get('causeway_recipients_delivered_total'), 8)
    const arrived = source.store.held + target.store.held + outside.held
    assert.equal(arrived, 6)
    assert.equal(forgetful.held, 1)
    const events = await gateway.events()
    assert.equal(events.filter(({ kind }) => kind === 'SEND').length, 8)
    assert.equal(events.filter(({ kind }) => kind === 'DEFER').length, 0)
  })
})
