import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { asIdentity, type Issued, issue, makeCa } from '../../../test/support/certificates.ts'
import { type PeerOptions, startPeer } from '../../../test/support/scripted-smtp.ts'
import type { NextHop } from '../../project/project.ts'
import type { DelivererOptions, Outcome } from './deliver.ts'
import { attempt, deliverer, hopTo, only } from './for-tests.ts'

const ca = makeCa()
const stranger = makeCa({ name: 'Another root' })
const intermediate = makeCa({ name: 'Intermediate', parent: ca })
const good = issue({ ca, names: ['peer.example'] })
const trusted = { ca: Buffer.from(ca.cert) }

const asServer = (i: Issued) => ({ cert: i.chain, key: i.key })

const tooOld = { ...asServer(good), maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const

type Peer = Awaited<ReturnType<typeof startPeer>>
const peers: Peer[] = []
after(() => Promise.all(peers.map((peer) => peer.close())))

async function send(
  o: PeerOptions,
  hop: Partial<NextHop>,
  times = 1,
  d: Partial<DelivererOptions> = {},
): Promise<{ outcome: Outcome; peer: Peer }> {
  const peer = await startPeer(o)
  peers.push(peer)
  await using made = deliverer({ messagesPerConnection: 1, dial: (host) => connect({ host, port: peer.port }), ...d })
  const attempts: Outcome[] = []
  for (let i = 0; i < times; i++) attempts.push(only(await made.attempt(attempt(hopTo(peer.port, hop)))))
  return { outcome: only(attempts.slice(-1)), peer }
}

test('required: verified, and said so', async () => {
  const { outcome, peer } = await send({ tls: asServer(good) }, { tls: 'required', ...trusted })
  assert.equal(outcome.kind, 'delivered')
  assert.match(outcome.tls, /^TLSv1\.3 TLS_\w+ verified$/)
  assert.deepEqual(peer.lines.map((line) => line.split(' ')[1]).slice(0, 3), ['EHLO', 'STARTTLS', 'EHLO'])
})

const withoutChain = (i: Issued): Issued => ({ ...i, chain: i.cert })

type Wrong = { readonly name: string; readonly certificate: Issued; readonly why: RegExp; readonly publicRoots?: true }
const wrong: readonly Wrong[] = [
  {
    name: 'another name',
    certificate: issue({ ca, names: ['other.example'] }),
    why: /peer\.example.*DNS:other\.example/,
  },
  { name: 'expired', certificate: issue({ ca, names: ['peer.example'], expired: true }), why: /expired/ },
  {
    name: 'not yet valid',
    certificate: issue({ ca, names: ['peer.example'], notYetValid: true }),
    why: /not yet valid/,
  },
  { name: 'self-signed', certificate: issue({ names: ['peer.example'] }), why: /self-signed/ },
  { name: 'unknown CA', certificate: issue({ ca: stranger, names: ['peer.example'] }), why: /unable to/ },
  { name: 'same CA name, other key', certificate: issue({ ca: makeCa(), names: ['peer.example'] }), why: /TLS: / },
  { name: 'for clients only', certificate: issue({ ca, names: ['peer.example'], usage: 'client' }), why: /purpose/ },
  {
    name: 'intermediate missing',
    certificate: withoutChain(issue({ ca: intermediate, names: ['peer.example'] })),
    why: /unable to/,
  },
  {
    name: 'name only as common name beside another SAN',
    certificate: issue({ ca, names: ['other.example'], commonName: 'peer.example' }),
    why: /altnames/,
  },
  { name: 'public roots do not know it', certificate: good, publicRoots: true, why: /unable to|self-signed/ },
]

for (const { name, certificate, publicRoots, why } of wrong) {
  test(`required: ${name}: deferred, nothing is sent; opportunistic: good enough`, async () => {
    const roots = publicRoots ? {} : trusted
    const { outcome, peer } = await send({ tls: asServer(certificate) }, { tls: 'required', ...roots })
    assert.equal(outcome.kind, 'deferred')
    assert.equal(outcome.reply.enhanced, '4.7.5')
    assert.match(outcome.why, why)
    assert.ok(!peer.lines.some((line) => line.includes('MAIL')))
    assert.equal(peer.connections.count, 1)
    const soft = await send({ tls: asServer(certificate) }, { tls: 'opportunistic', ...roots })
    assert.equal(soft.outcome.kind, 'delivered')
    assert.match(soft.outcome.tls, /unverified$/)
  })
}

test('required: an intermediate that is sent along, a wildcard, a common name without SAN, an address', async () => {
  const fine = [
    { certificate: issue({ ca: intermediate, names: ['peer.example'] }), serverName: 'peer.example' },
    { certificate: issue({ ca, names: ['*.peer.example'] }), serverName: 'mx.peer.example' },
    { certificate: issue({ ca, names: ['peer.example'], withoutSan: true }), serverName: 'peer.example' },
    { certificate: issue({ ca, names: ['127.0.0.1'] }), serverName: '127.0.0.1' },
  ]
  for (const { certificate, serverName } of fine) {
    const { outcome } = await send({ tls: asServer(certificate) }, { tls: 'required', serverName, ...trusted })
    assert.equal(outcome.kind, 'delivered', outcome.why)
  }
})

test('required: no STARTTLS, or STARTTLS refused, is deferred; opportunistic goes on in plaintext', async () => {
  const refuse: PeerOptions = {
    tls: asServer(good),
    on: (line, talk) => {
      if (line === 'STARTTLS') talk.say('454 4.7.0 not now')
      return line === 'STARTTLS'
    },
  }
  for (const [o, why] of [
    [{}, /does not offer STARTTLS/],
    [refuse, /STARTTLS was answered 454/],
  ] as const) {
    const strict = await send(o, { tls: 'required', ...trusted })
    assert.equal(strict.outcome.kind, 'deferred')
    assert.match(strict.outcome.why, why)
    assert.ok(!strict.peer.lines.some((line) => line.includes('MAIL')))
    const { outcome } = await send(o, { tls: 'opportunistic' })
    assert.deepEqual([outcome.kind, outcome.tls], ['delivered', ''])
  }
})

test('a handshake that fails: plaintext on one fresh connection when opportunistic, never when required', async () => {
  const broken: PeerOptions = { tls: tooOld }
  const soft = await send(broken, { tls: 'opportunistic' })
  assert.deepEqual([soft.outcome.kind, soft.outcome.tls, soft.peer.connections.count], ['delivered', '', 2])
  const strict = await send(broken, { tls: 'required', ...trusted })
  assert.equal(strict.outcome.kind, 'deferred')
  assert.equal(strict.peer.connections.count, 1)
})

for (const injected of ['250 evil\r\n', '250-evil', '250-evil\r\n250 AUTH PLAIN\r\n']) {
  for (const tls of ['required', 'opportunistic'] as const) {
    test(`${tls}: ${JSON.stringify(injected)} behind the answer to STARTTLS ends the connection`, async () => {
      const peer: PeerOptions = {
        tls: asServer(good),
        on: (line, talk) => {
          if (line !== 'STARTTLS') return false
          talk.raw(`220 go ahead\r\n${injected}`)
          talk.startTls()
          return true
        },
      }
      const sent = await send(peer, { tls, ...trusted })
      assert.equal(sent.outcome.kind, 'deferred')
      assert.match(sent.outcome.why, /in the clear/)
      assert.equal(sent.peer.connections.count, 1)
    })
  }
}

test('our certificate is presented, with its chain; the session is resumed', async () => {
  const identity = asIdentity(issue({ ca: intermediate, names: ['contoso.example'] }))
  const { peer, outcome } = await send(
    { tls: { ...asServer(good), ca: ca.cert } },
    { tls: 'required', identity, ...trusted },
    3,
  )
  assert.equal(outcome.kind, 'delivered', outcome.why)
  assert.deepEqual(
    peer.clientNames.map((name) => name.trim()),
    Array(3).fill('CN=contoso.example'),
  )
  assert.deepEqual(peer.resumed, [false, true, true])
})

test('a server that breaks on resumption gets a handshake from the start', async () => {
  // Without a session id context OpenSSL refuses to resume where it asks for client certificates.
  const { peer, outcome } = await send(
    { tls: asServer(good), breaksOnResumption: true },
    { tls: 'required', ...trusted },
    2,
  )
  assert.equal(outcome.kind, 'delivered', outcome.why)
  assert.deepEqual([peer.connections.count, peer.resumed], [3, [false, false]])
})

test('hops with different identities share no connection', async () => {
  const peer = await startPeer({ tls: { ...asServer(good), ca: ca.cert } })
  peers.push(peer)
  await using d = deliverer()
  const one = asIdentity(issue({ ca, names: ['one.example'] }))
  const two = asIdentity(issue({ ca, names: ['two.example'] }))
  const copyOfOne = { cert: Buffer.from(one.cert), key: Buffer.from(one.key) }
  for (const identity of [one, two, copyOfOne])
    await d.attempt(attempt(hopTo(peer.port, { tls: 'required', identity, ...trusted })))
  assert.deepEqual(
    peer.clientNames.map((name) => name.trim()),
    ['CN=one.example', 'CN=two.example'],
  )
})

test('port 465 is TLS from the first byte', async () => {
  const { outcome, peer } = await send(
    { tls: asServer(good), implicitTls: true },
    { port: 465, tls: 'required', ...trusted },
  )
  assert.equal(outcome.kind, 'delivered')
  assert.match(outcome.tls, /verified/)
  assert.ok(!peer.lines.some((line) => line.includes('STARTTLS')))
  const wrongPort = await send({}, { port: 465, tls: 'opportunistic' }, 1)
  assert.equal(wrongPort.outcome.kind, 'deferred')
})

test('a handshake that stalls ends by its time limit', async () => {
  const stalled: PeerOptions = {
    tls: asServer(good),
    on: (line, talk) => {
      if (line === 'STARTTLS') talk.say('220 go ahead')
      return line === 'STARTTLS' || line.charCodeAt(0) === 0x16
    },
  }
  const { outcome } = await send(stalled, { tls: 'required', ...trusted }, 1, { timeouts: { handshake: 50 } })
  assert.equal(outcome.kind, 'deferred')
  assert.match(outcome.why, /did not answer in time/)
})

test('TLS 1.1 at most: deferred', async () => {
  const { outcome } = await send({ tls: tooOld }, { tls: 'required', ...trusted })
  assert.equal(outcome.kind, 'deferred')
})

test('a key that cannot be used is told, not thrown', async () => {
  const identity = { cert: Buffer.from('no certificate'), key: Buffer.from('no key') }
  const { outcome } = await send({ tls: asServer(good) }, { tls: 'required', identity, ...trusted })
  assert.equal(outcome.kind, 'deferred')
  assert.match(outcome.why, /cannot be used/)
})
