/**
 * HAProxy before the gateway, with both versions of its PROXY protocol: a tenant is known by its own address, a stranger stays
 * one, STARTTLS goes through, health checks do no harm, and a header from anybody else counts for nothing.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startGateway } from '../../support/gateway.ts'
import { startPostfix } from '../../support/postfix.ts'
import { missing, startProgram, until, untilListening } from '../../support/program.ts'
import { openScenario } from '../../support/scenario.ts'
import { swaks } from '../../support/swaks.ts'

const skip = missing('haproxy', 'postfix', 'swaks')

/** A port for each version. Its own connections come from the address that the project lists. */
const config = (balancer: string, gateway: string): string => `
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  source ${balancer}
${[
  ['v1', 25, 'send-proxy'],
  ['v2', 26, 'send-proxy-v2'],
  ['values', 27, 'send-proxy-v2 proxy-v2-options unique-id,crc32c'],
]
  .map(
    ([name, port, how]) => `
frontend ${name}
  bind ${balancer}:${port}
  unique-id-format %{+X}o%ci:%cp
  default_backend gateway-${name}
backend gateway-${name}
  option smtpchk EHLO balancer.example
  server gateway ${gateway}:25 ${how} check inter 200ms`,
  )
  .join('')}
`

test('behind a balancer', { skip }, async (t) => {
  await using s = openScenario(import.meta.dirname)
  const [balancer, tenant, stranger] = ['balancer', 'tenant', 'stranger'].map((name) => s.host(name))
  assert.ok(balancer !== undefined && tenant !== undefined && stranger !== undefined)
  s.certify('gateway', 'gw.example.net')
  const direct = { host: s.host('gateway'), port: 25 }
  const gateway = await s.keep(startGateway({ data: join(s.dir, 'data'), smtp: [direct], project: s.project() }))
  const hop = await s.keep(
    startPostfix({
      dir: join(s.dir, 'hop'),
      hostname: 'hop.example',
      listen: [{ host: s.host('hop'), port: 25 }],
      mailboxes: ['olga@outside.example', 'john@contoso.example'],
    }),
  )
  const file = join(s.dir, 'haproxy.cfg')
  writeFileSync(file, config(balancer, direct.host))
  const haproxy = await s.keep(startProgram(['/usr/sbin/haproxy', '-db', '-f', file], s.dir))
  for (const port of [25, 26, 27]) await untilListening(balancer, port, haproxy)

  const send = (from: string, port: number, server = balancer) =>
    swaks({
      server: { host: server, port },
      from: 'john@contoso.example',
      to: ['olga@outside.example'],
      message: s.message('out.eml'),
      tls: {},
      more: ['--local-interface', from],
    })
  const receivedFrom = async (): Promise<string | undefined> => {
    const events = await gateway.events()
    const last = events.findLast((e) => e.kind === 'RECEIVE')
    return `${last?.peer} ${last?.client}`
  }

  for (const [what, port] of [
    ['version 1', 25],
    ['version 2', 26],
    ['version 2 with values', 27],
  ] as const) {
    await t.test(`${what}: the tenant is known by its own address`, async () => {
      assert.match((await send(tenant, port)).answer, /^250 2\.0\.0 /)
      assert.equal(await receivedFrom(), `contoso ${tenant}`)
    })

    await t.test(`${what}: a stranger does not become the tenant, nor the balancer`, async () => {
      assert.match((await send(stranger, port)).answer, /^550 5\.7\.1 relaying denied/)
    })
  }

  await t.test('who comes past the balancer is who he is', async () => {
    assert.match((await send(tenant, 25, direct.host)).answer, /^250 2\.0\.0 /)
    assert.equal(await receivedFrom(), `contoso ${tenant}`)
    assert.match((await send(stranger, 25, direct.host)).answer, /^550 5\.7\.1 relaying denied/)
  })

  await t.test('health checks are answered, and nothing of it stays open', async () => {
    await sleep(1000)
    assert.doesNotMatch(haproxy.output(), /is DOWN/)
    const metrics = await gateway.metrics()
    assert.ok((metrics.get('causeway_connections') ?? 99) < 10)
    assert.equal(metrics.get('causeway_limit_total{limit="connectionsPerSource"}'), 0)
    assert.match((await send(tenant, 26)).answer, /^250 2\.0\.0 /)
  })

  await until('all that was taken', () => hop.held >= 5 || undefined)
  assert.equal(hop.held, 5)
})
