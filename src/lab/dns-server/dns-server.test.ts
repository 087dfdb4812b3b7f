import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { after, before, describe, test } from 'node:test'
import { type DnsServer, startDns } from './dns-server.ts'

describe('the DNS server of the lab, asked by the resolver of Node', () => {
  let dns: DnsServer
  let resolver: Resolver
  before(async () => {
    dns = await startDns()
    dns.addZone('lab.example')
    resolver = new Resolver({ timeout: 150, tries: 1 })
    resolver.setServers([dns.address])
  })
  after(async () => {
    resolver.cancel()
    await dns.close()
  })

  const code = (asked: Promise<unknown>) =>
    asked.then(
      () => 'answered',
      (error: { code: string }) => error.code,
    )

  test('each type of record', async () => {
    dns.add(
      { name: 'a.lab.example', type: 'A', address: '127.0.0.9' },
      { name: 'a.lab.example', type: 'AAAA', address: '::1' },
      { name: 'Lab.Example', type: 'MX', exchange: 'a.lab.example', preference: 5 },
      { name: 'lab.example', type: 'NS', target: 'a.lab.example' },
      { name: 'alias.lab.example', type: 'CNAME', target: 'a.lab.example' },
    )
    assert.deepEqual(await resolver.resolve4('A.LAB.example'), ['127.0.0.9'])
    assert.deepEqual(await resolver.resolve6('a.lab.example'), ['::1'])
    const mx = await resolver.resolveMx('lab.example')
    assert.deepEqual(
      mx.map(({ exchange, priority }) => [exchange, priority]),
      [['a.lab.example', 5]],
    )
    assert.deepEqual(await resolver.resolveNs('lab.example'), ['a.lab.example'])
    assert.deepEqual(await resolver.resolveCname('alias.lab.example'), ['a.lab.example'])
    assert.deepEqual(await resolver.resolve4('alias.lab.example'), ['127.0.0.9'])
  })

  test('TXT is split at 255 and, where it does not fit, comes over TCP', async () => {
    const text = 'x'.repeat(700)
    dns.add({ name: 'long.lab.example', type: 'TXT', text })
    const [pieces] = await resolver.resolveTxt('long.lab.example')
    assert.deepEqual(
      pieces?.map((piece) => piece.length),
      [255, 255, 190],
    )
    assert.equal(pieces?.join(''), text)
  })

  test('a name that is not there, and a name without that type', async () => {
    dns.add({ name: 'deep.below.lab.example', type: 'A', address: '127.0.0.9' })
    assert.equal(await code(resolver.resolve4('nobody.lab.example')), 'ENOTFOUND')
    assert.equal(await code(resolver.resolveMx('deep.below.lab.example')), 'ENODATA')
    assert.equal(await code(resolver.resolve4('below.lab.example')), 'ENODATA')
    assert.equal(await code(resolver.resolve4('elsewhere.example')), 'EREFUSED')
  })

  test('zones change while it runs', async () => {
    dns.add({ name: 'moving.lab.example', type: 'A', address: '127.0.0.1' })
    dns.remove('moving.lab.example', 'A')
    dns.add({ name: 'moving.lab.example', type: 'A', address: '127.0.0.2' })
    assert.deepEqual(await resolver.resolve4('moving.lab.example'), ['127.0.0.2'])
    dns.remove('moving.lab.example')
    assert.equal(await code(resolver.resolve4('moving.lab.example')), 'ENOTFOUND')
  })

  test('a loop of aliases ends', async () => {
    dns.add(
      { name: 'x.lab.example', type: 'CNAME', target: 'y.lab.example' },
      { name: 'y.lab.example', type: 'CNAME', target: 'x.lab.example' },
    )
    const asked = resolver.resolve4('x.lab.example').then(
      (found) => found.length,
      () => 0,
    )
    assert.equal(await asked, 0)
  })

  test('it is unwell by order, for a name and what lies below', async () => {
    dns.add({ name: 'ill.lab.example', type: 'TXT', text: 'well' })
    dns.fault('ill.lab.example', 'servfail')
    assert.equal(await code(resolver.resolveTxt('ill.lab.example')), 'ESERVFAIL')
    assert.equal(await code(resolver.resolveTxt('below.ill.lab.example')), 'ESERVFAIL')
    dns.fault('ill.lab.example', 'timeout')
    assert.equal(await code(resolver.resolveTxt('ill.lab.example')), 'ETIMEOUT')
    dns.fault('ill.lab.example', 'truncated')
    assert.deepEqual(await resolver.resolveTxt('ill.lab.example'), [['well']])
    dns.fault('ill.lab.example', undefined)
    assert.deepEqual(await resolver.resolveTxt('ill.lab.example'), [['well']])
  })
})
