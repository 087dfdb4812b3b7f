import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailHosts, makeResolver, type RecordResolver } from './dns.ts'
import { mx, type NameServer, record, serve, txt, type Zone } from './for-tests.ts'

async function withZone(
  zone: Zone,
  run: (r: RecordResolver, server: NameServer, clock: { ms: number }) => Promise<void>,
): Promise<void> {
  const server = await serve(zone)
  const clock = { ms: 0 }
  const resolver = makeResolver({ servers: [server.address], timeoutMs: 50, tries: 1, now: () => clock.ms })
  try {
    await run(resolver, server, clock)
  } finally {
    resolver.close()
    await server.close()
  }
}

const a = (name: string, address = '192.0.2.1', ttl = 60) => record('A', name, address, ttl)

test('found: each type', () =>
  withZone(
    {
      'A x.example': [a('x.example')],
      'AAAA x.example': [record('AAAA', 'x.example', '2001:db8::1')],
      'MX x.example': [mx('x.example', 20, 'b.example'), mx('x.example', 10, 'a.example')],
      'TXT x.example': [txt('x.example', 'v=spf1 ', '-all'), txt('x.example', 'two')],
      'NS x.example': [record('NS', 'x.example', 'ns.example')],
      'CNAME w.example': [record('CNAME', 'w.example', 'x.example')],
      'A xn--mnchen-3ya.example': [a('xn--mnchen-3ya.example')],
    },
    async (r) => {
      assert.deepEqual(await r.addresses('X.example.'), {
        kind: 'found',
        value: [
          { address: '192.0.2.1', family: 4 },
          { address: '2001:db8::1', family: 6 },
        ],
      })
      const hosts = [
        { host: 'a.example', preference: 10 },
        { host: 'b.example', preference: 20 },
      ]
      assert.deepEqual(await r.mx('x.example'), { kind: 'found', value: hosts })
      assert.deepEqual(await r.txt('x.example'), { kind: 'found', value: ['v=spf1 -all', 'two'] })
      assert.deepEqual(await r.ns('x.example'), { kind: 'found', value: ['ns.example'] })
      assert.deepEqual(await r.cname('w.example'), { kind: 'found', value: 'x.example' })
      assert.equal((await r.addresses('m\u00fcnchen.example')).kind, 'found')
    },
  ))

test('records: one type at a time, and whether the name has others', () =>
  withZone(
    {
      'A x.example': [a('x.example')],
      'AAAA silent.example': 'silence',
      'A silent.example': [a('silent.example')],
      'PTR 1.2.0.192.in-addr.arpa': [record('PTR', '1.2.0.192.in-addr.arpa', 'x.example')],
      'CNAME w.example': [record('CNAME', 'w.example', 'x.example')],
    },
    async (r) => {
      assert.deepEqual(await r.records('A', 'x.example'), { kind: 'found', value: ['192.0.2.1'] })
      assert.deepEqual(await r.records('AAAA', 'x.example'), { kind: 'absent', nameExists: true })
      assert.deepEqual(await r.records('A', 'nobody.example'), { kind: 'absent', nameExists: false })
      assert.deepEqual(await r.records('PTR', '1.2.0.192.in-addr.arpa'), { kind: 'found', value: ['x.example'] })
      assert.deepEqual(await r.records('CNAME', 'w.example'), { kind: 'found', value: ['x.example'] })
      // Both families together are found when one is; asked alone, silence stays silence.
      assert.equal((await r.addresses('silent.example')).kind, 'found')
      assert.equal((await r.records('AAAA', 'silent.example')).kind, 'unknown')
    },
  ))

test('absent: no such name, no such record, no possible name', () =>
  withZone({ 'TXT x.example': [] }, async (r) => {
    for (const name of ['nobody.example', 'x.example', '', 'a..b', `${'x'.repeat(64)}.example`, 'a b.example']) {
      assert.equal((await r.mx(name)).kind, 'absent', name)
      assert.equal((await r.addresses(name)).kind, 'absent', name)
    }
  }))

for (const trouble of ['SERVFAIL', 'REFUSED', 'silence', 'garbage'] as const) {
  test(`${trouble} is unknown, with words, and not remembered`, () =>
    withZone(
      {
        'MX x.example': trouble,
        'A x.example': trouble,
        'A y.example': [a('y.example')],
        'AAAA y.example': trouble,
        'A z.example': [],
        'AAAA z.example': trouble,
      },
      async (r, server) => {
        for (let i = 0; i < 2; i++) {
          const answer = await r.mx('x.example')
          assert.ok(answer.kind === 'unknown')
          assert.match(answer.why, /did not answer for MX of x\.example: E[A-Z]+/)
        }
        assert.ok(server.asked.filter((q) => q === 'MX x.example').length >= 2)
        assert.equal((await r.addresses('x.example')).kind, 'unknown')
        assert.equal((await mailHosts(r, 'x.example')).kind, 'unknown')
        assert.equal((await r.addresses('z.example')).kind, 'unknown')
        // One family is enough.
        assert.equal((await r.addresses('y.example')).kind, 'found')
      },
    ))
}

test('bytes that are no answer to one question are no answer to that one only', async () => {
  const zone = { 'MX bad.example': 'garbage', 'TXT good.example': [txt('good.example', 'fine')] } as const
  const server = await serve(zone, { 'TXT good.example': 100 })
  const r = makeResolver({ servers: [server.address] })
  const [good, bad] = await Promise.all([r.txt('good.example'), r.mx('bad.example')])
  assert.equal(bad.kind, 'unknown')
  assert.deepEqual(good, { kind: 'found', value: ['fine'] })
  r.close()
  await server.close()
})

test('no server at all is unknown', async () => {
  const r = makeResolver({ servers: ['127.0.0.1:1'], timeoutMs: 50, tries: 1 })
  assert.equal((await r.mx('x.example')).kind, 'unknown')
  r.close()
})

test('literals and localhost are their own answer', () =>
  withZone({}, async (r, server) => {
    for (const [host, address, family] of [
      ['192.0.2.7', '192.0.2.7', 4],
      ['[192.0.2.7]', '192.0.2.7', 4],
      ['2001:db8::7', '2001:db8::7', 6],
      ['[IPv6:2001:db8::7]', '2001:db8::7', 6],
    ] as const) {
      assert.deepEqual(await r.addresses(host), { kind: 'found', value: [{ address, family }] })
      assert.deepEqual(await mailHosts(r, host), { kind: 'found', value: [address] })
    }
    assert.equal((await r.addresses('localhost')).kind, 'found')
    assert.deepEqual(server.asked, [])
  }))

test('memory: one question for many askers, kept for its TTL, at most five minutes', () =>
  withZone(
    { 'A x.example': [a('x.example', '192.0.2.1', 20)], 'A y.example': [a('y.example', '192.0.2.1', 86_400)] },
    async (r, server, clock) => {
      const count = (question: string) => server.asked.filter((q) => q === question).length
      await Promise.all(Array.from({ length: 50 }, () => r.addresses('x.example')))
      assert.equal(count('A x.example'), 1)
      clock.ms = 19_999
      await r.addresses('x.example')
      assert.equal(count('A x.example'), 1)
      clock.ms = 20_001
      await r.addresses('x.example')
      assert.equal(count('A x.example'), 2)
      await r.addresses('y.example')
      clock.ms += 300_001
      await r.addresses('y.example')
      assert.equal(count('A y.example'), 2)
      await r.mx('none.example')
      await r.mx('none.example')
      assert.equal(count('MX none.example'), 1)
      clock.ms += 15_001
      await r.mx('none.example')
      assert.equal(count('MX none.example'), 2)
    },
  ))

test('memory is bounded', async () => {
  const server = await serve({ 'A x.example': [a('x.example')] })
  const r = makeResolver({ servers: [server.address], maxEntries: 2 })
  for (const name of ['x.example', 'b.example', 'c.example', 'x.example']) await r.addresses(name)
  assert.equal(server.asked.filter((q) => q === 'A x.example').length, 2)
  r.close()
  await server.close()
})

test('mail hosts by preference, equal ones in any order, names of addresses left out', () =>
  withZone(
    {
      'MX x.example': [
        mx('x.example', 20, 'c.example'),
        mx('x.example', 10, 'a.example'),
        mx('x.example', 10, 'B.example'),
        mx('x.example', 5, '192.0.2.1'),
      ],
    },
    async (r) => {
      const orders = new Set<string>()
      for (let i = 0; i < 60; i++) {
        const hosts = await mailHosts(r, 'x.example')
        assert.ok(hosts.kind === 'found')
        orders.add(hosts.value.join(' '))
      }
      assert.deepEqual([...orders].toSorted(), ['a.example b.example c.example', 'b.example a.example c.example'])
    },
  ))

test('mail hosts: null MX, no MX, nothing at all, only addresses, ourselves', () =>
  withZone(
    {
      'MX null.example': [mx('null.example', 0, '.')],
      'A null.example': [a('null.example')],
      'A host.example': [a('host.example')],
      'MX number.example': [mx('number.example', 0, '192.0.2.1')],
      'MX us.example': [mx('us.example', 10, 'GW.example'), mx('us.example', 20, 'worse.example')],
      'MX backup.example': [
        mx('backup.example', 10, 'better.example'),
        mx('backup.example', 20, 'gw.example'),
        mx('backup.example', 20, 'equal.example'),
      ],
      'MX many.example': Array.from({ length: 40 }, (_, i) => mx('many.example', i, `h${i}.example`)),
    },
    async (r) => {
      const hosts = async (domain: string) => mailHosts(r, domain, 'gw.example')
      assert.deepEqual(await hosts('null.example'), {
        kind: 'absent',
        why: 'null.example takes no mail (null MX, RFC 7505)',
      })
      assert.deepEqual(await hosts('host.example'), { kind: 'found', value: ['host.example'] })
      for (const [domain, why] of [
        ['nothing.example', /no MX, no A/],
        ['number.example', /name no host/],
        ['us.example', /a loop/],
      ] as const) {
        const answer = await hosts(domain)
        assert.ok(answer.kind === 'absent')
        assert.match(answer.why ?? '', why)
      }
      assert.deepEqual(await hosts('backup.example'), { kind: 'found', value: ['better.example'] })
      const many = await hosts('many.example')
      assert.ok(many.kind === 'found' && many.value.length === 16)
    },
  ))
