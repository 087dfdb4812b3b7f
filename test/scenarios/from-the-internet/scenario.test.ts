/**
 * Mail from the internet, with a real server of the outside that signs (Postfix and OpenDKIM), a real DNS (BIND), and
 * Python's dkim as the judge of our seals.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from '../../support/bind.ts'
import { startGateway } from '../../support/gateway.ts'
import { startOutside, startTenant, submission } from '../../support/mail-server.ts'
import { signingKey, startOpenDkim } from '../../support/opendkim.ts'
import { missing } from '../../support/program.ts'
import { arcVerdict } from '../../support/python-dkim.ts'
import { openScenario, settleAccounts } from '../../support/scenario.ts'
import { swaks } from '../../support/swaks.ts'

const skip = missing('postfix', 'named', 'dig', 'opendkim', 'dkimverify', 'swaks')

test('from the internet', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const { keyFile, record } = signingKey(join(s.dir, 'outside.key'))
  const zones = {
    'outside.example': [
      `@ TXT "v=spf1 ip4:${s.host('outside')} -all"`,
      `o1._domainkey TXT ${record}`,
      '_dmarc TXT "v=DMARC1; p=reject"',
    ],
    'careless.example': ['@ MX 10 mx'],
    'shared.example': ['@ MX 10 gw.example.net.'],
    'silent.example': ['broken'],
  }
  const dns = await s.keep(startBind({ dir: join(s.dir, 'dns'), zones }))
  await dns.answerAt(s.host('dns'))
  const server = { host: s.host('gateway'), port: 25 }
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), smtp: [server], project: s.project(), dns }))
  const opendkim = await s.keep(
    startOpenDkim({
      dir: join(s.dir, 'opendkim'),
      host: s.host('outside'),
      port: 8891,
      name: 'mx.outside.example',
      dns,
      sign: { domain: 'outside.example', selector: 'o1', keyFile },
    }),
  )
  const [tenant1] = await Promise.all([
    startTenant(s, { name: 'tenant1', mailboxes: ['john@tenant1.example'] }),
    startOutside(s, {
      mailboxes: ['olga@outside.example'],
      nameserver: s.host('dns'),
      milter: opendkim.milter,
      signs: true,
      main: {
        smtp_bind_address: s.host('outside'),
        transport_maps: `inline:{ { shared.example = smtp:[${server.host}]:25 } }`,
      },
    }),
  ])
  const stranger = (from: string, message: string, to = 'john@shared.example') =>
    swaks({ server, from, to: [to], message, ehlo: 'stranger.example' })

  await t.test('the key of the seals is made, and its record published', async () => {
    const made = await gateway.run('dkim', 'create', 'shared.example', '--json')
    const { records }: { records: readonly { zone: string }[] } = JSON.parse(made.out)
    await dns.publish('shared.example', [...zones['shared.example'], ...records.map(({ zone }) => zone)])
  })

  let copy = ''
  await t.test('Olga writes: her mail passes, says so, and carries a seal that holds', async () => {
    const outside = { host: s.host('outside'), port: submission }
    const message = s.message('olga-writes.eml')
    const said = await swaks({ server: outside, from: 'olga@outside.example', to: ['john@shared.example'], message })
    assert.match(said.answer, /^250 /)
    copy = await tenant1.arrived('john@tenant1.example')
    assert.match(
      copy,
      /^Authentication-Results: gw\.example\.net;\n\tspf=pass smtp\.mailfrom=outside\.example;\n\tdkim=pass header\.d=outside\.example header\.s=o1 .*;\n\tdmarc=pass header\.from=outside\.example;\n\tarc=none$/m,
    )
    assert.match(copy, /^To: John <john@tenant1\.example>$/m)
    assert.equal(arcVerdict(copy, dns), 'pass')
    assert.notEqual(arcVerdict(copy.replace('Hello John', 'Hello Jim'), dns), 'pass')
  })

  await t.test('who writes in her name is refused, and the trace says why', async () => {
    const said = await stranger('olga@outside.example', s.message('forger-writes.eml'))
    assert.match(said.answer, /^550 5\.7\.1 .*outside\.example/)
    const events = await gateway.events()
    const checked = events.findLast(({ kind }) => kind === 'AUTH')
    assert.match(checked?.new ?? '', /^spf=fail .*; dkim=none .*; dmarc=fail /)
    const rejected = events.findLast(({ kind }) => kind === 'REJECT')
    assert.match(rejected?.why ?? '', /^DMARC of outside\.example fails, its policy is reject: SPF fail /)
  })

  await t.test('results in our name that a stranger wrote are gone, those of another stay', async () => {
    assert.match((await stranger('carl@careless.example', s.message('forged-results.eml'))).answer, /^250 /)
    const arrived = await tenant1.arrived('john@tenant1.example', 2)
    assert.deepEqual(arrived.match(/^Authentication-Results: .*$/gm), [
      'Authentication-Results: gw.example.net;',
      'Authentication-Results: mx.other.example; spf=pass smtp.mailfrom=careless.example',
    ])
    assert.doesNotMatch(arrived, /bank\.example/)
  })

  await t.test('while the DNS of a domain is unwell, its mail is asked to come back', async () => {
    assert.match((await stranger('carl@silent.example', s.message('silent-writes.eml'))).answer, /^451 4\.4\.3 /)
  })

  await t.test(
    'a copy that a forwarder sends on passes by the seal that we believe, and gets the next one',
    async () => {
      const forwarded = join(s.dir, 'forwarded.eml')
      writeFileSync(forwarded, copy, 'latin1')
      assert.match((await stranger('bounces@careless.example', forwarded, 'jsmith@shared.example')).answer, /^250 /)
      const arrived = await tenant1.arrived('john@tenant1.example', 3)
      assert.match(arrived, /^ARC-Seal: i=2; [^\0]*?cv=pass;/m)
      assert.match(arrived, /^\tdmarc=fail policy\.dmarc=reject header\.from=outside\.example;\n\tarc=pass /m)
      assert.equal(arcVerdict(arrived, dns), 'pass')
    },
  )

  await t.test('explain tells as much as can be told beforehand', async () => {
    const file = join(s.dir, 'question.eml')
    writeFileSync(file, copy.slice(copy.indexOf('DKIM-Signature:')), 'latin1')
    const ask = ['--from', 'olga@outside.example', '--to', 'john@shared.example', '--peer', 'internet']
    const { out } = await gateway.run('explain', ...ask, '--dns', '--message', file)
    assert.match(out, /dmarc=\w+ \(outside\.example/)
  })

  await t.test('nothing is lost', async () => {
    const { sent, refused, deferred } = await settleAccounts(gateway)
    assert.deepEqual([sent, refused, deferred], [3, 2, 0])
    assert.equal(tenant1.held, 3)
  })
})
