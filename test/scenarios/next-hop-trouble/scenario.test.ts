/**
 * Next hops that are down, refuse, or offer the wrong TLS: the queue keeps what they do not take, with the reason, and nobody gets
 * a second copy when they are mended. Under `whenNextHopFails: defer` the sender (a real Postfix with its queue) comes back instead.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { issue } from '../../support/certificates.ts'
import { startGateway } from '../../support/gateway.ts'
import { startOutside, submission } from '../../support/mail-server.ts'
import { startPostfix } from '../../support/postfix.ts'
import { missing, until } from '../../support/program.ts'
import { openScenario, settleAccounts } from '../../support/scenario.ts'
import { swaks } from '../../support/swaks.ts'

const skip = missing('postfix', 'swaks')

test('trouble at the next hop', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const server = { host: s.host('gateway'), port: 25 }
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), smtp: [server], project: s.project() }))
  const tls = (both: string) => ({ smtpd_tls_security_level: 'may', smtpd_tls_chain_files: both })
  const alone = s.write('alone', issue({ names: ['mail.selfsigned.example'] }))
  const hops = await s.keep(
    startPostfix({
      dir: join(s.dir, 'hops'),
      hostname: 'hops.example',
      listen: [
        { host: s.host('good'), port: 25, options: tls(s.certify('good', 'mail.good.example').both) },
        { host: s.host('plain'), port: 25 },
        { host: s.host('misnamed'), port: 25, options: tls(s.certify('other', 'mail.other.example').both) },
        { host: s.host('selfsigned'), port: 25, options: tls(alone.both) },
      ],
      mailboxes: ['gina@good.example', 'petra@plain.example', 'mina@misnamed.example', 'sela@selfsigned.example'],
    }),
  )
  const outside = await startOutside(s, {
    mailboxes: ['olga@outside.example'],
    main: { relayhost: `[${server.host}]:25` },
  })
  const send = (message: string, ...to: readonly string[]) =>
    swaks({ server, from: 'olga@outside.example', to, message: s.message(message) })
  const whyOf = async (recipient: string): Promise<string> => {
    const events = await gateway.events()
    return events.findLast((e) => e.kind === 'DEFER' && e.recipients?.includes(recipient) === true)?.why ?? ''
  }

  await t.test('a hop that is down: 250, and the queue keeps it', async () => {
    assert.match((await send('hello.eml', 'dora@shared.example')).answer, /^250 /)
    assert.match(await whyOf('dora@down.example'), /ECONNREFUSED|refused/)
  })

  for (const [who, where, why] of [
    ['petra', 'plain', /STARTTLS/],
    ['mina', 'misnamed', /mail\.other\.example/],
    ['sela', 'selfsigned', /self-?signed/i],
  ] as const) {
    await t.test(
      `TLS is required, and the hop is ${where}: kept with the reason in the trace, nothing sent`,
      async () => {
        assert.match((await send('hello.eml', `${who}@shared.example`)).answer, /^250 /)
        assert.match(await whyOf(`${who}@${where}.example`), why)
        assert.equal(hops.mail(`${who}@${where}.example`).length, 0)
        assert.doesNotMatch(hops.log(), new RegExp(`from=<olga@outside.example>, to=<${who}`))
      },
    )
  }

  await t.test('some refused for good: 554 names them, the others have it', async () => {
    const said = await send('partly.eml', 'gina@shared.example', 'gone@shared.example')
    assert.match(said.answer, /^554 5\.\d\.\d .*gone@shared\.example/)
    assert.doesNotMatch(said.answer, /good\.example/)
    await hops.arrived('gina@good.example')
  })

  await t.test('all refused for good: their refusal, with the address that was written to', async () => {
    const said = await send('hello.eml', 'gone@shared.example')
    assert.match(said.answer, /^550 5\.1\.1 .*gone@shared\.example/)
    assert.doesNotMatch(said.answer, /gone@good\.example/)
  })

  await t.test('a hop that comes back gets what was kept, once; those who had it get no second copy', async () => {
    const both = await send('retried.eml', 'gina@shared.example', 'dora@shared.example')
    assert.match(both.answer, /^250 /)
    await hops.arrived('gina@good.example', 2)
    const options = tls(s.certify('down', 'mail.down.example').both)
    const dir = join(s.dir, 'down')
    const listen = [{ host: s.host('down'), port: 25, options }]
    const back = await s.keep(
      startPostfix({ dir, hostname: 'mail.down.example', listen, mailboxes: ['dora@down.example'] }),
    )
    // On a slow machine a probe of its own may have been faster: then nothing is left to retry, which is the answer no.
    const { code } = await gateway.run('queue', 'retry', '--lane', 'tenant:down', '--yes')
    assert.ok(code === 0 || code === 1, `${code}`)
    await back.arrived('dora@down.example', 2)
    assert.equal(hops.mail('gina@good.example').length, 2)
    assert.equal(back.held, 2)
  })

  await t.test('defer: the sender comes back after 451, and nothing was kept', async () => {
    const file = join(s.dir, 'project.yaml')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('policy: {', 'policy: { whenNextHopFails: defer,'))
    assert.equal((await gateway.run('apply', file, '--yes')).code, 0)
    const users = { host: s.host('outside'), port: submission }
    const message = s.message('hello.eml')
    await swaks({ server: users, from: 'olga@outside.example', to: ['petra@shared.example'], message })
    await until('a 451', () => /status=deferred .*451 4/.test(outside.log()) || undefined)
    assert.equal(outside.queued(), 1)
  })

  await t.test('nothing is lost: accepted = delivered + refused + queued', async () => {
    const metrics = await gateway.metrics()
    const part = (name: string) => metrics.get(`causeway_account_recipients{part="${name}"}`)
    assert.deepEqual(
      ['accepted', 'delivered', 'refused', 'queued', 'held', 'returned', 'dropped'].map(part),
      [9, 4, 2, 3, 0, 0, 0],
    )
    const ledger = await settleAccounts(gateway)
    assert.deepEqual(ledger, { sent: 4, refused: 2, deferred: 3 })
    assert.equal(hops.held, 2)
  })
})
