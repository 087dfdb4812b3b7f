import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Ca, issue, makeCa } from '../../../test/support/certificates.ts'
import { aClient, projectOf } from '../../../test/support/relay-values.ts'
import { parseHeader } from '../../mail/header/header.ts'
import type { Client, TlsInfo } from '../listen/listen.ts'
import { attribute, type Peer, proofFields, suppose, supposeTenant } from './attribute.ts'

const dir = mkdtempSync(join(tmpdir(), 'attribute-'))
after(() => rmSync(dir, { recursive: true }))
const caA = makeCa({ name: 'Authority A' })
const caB = makeCa({ name: 'Authority B' })
writeFileSync(join(dir, 'a.pem'), caA.cert)
writeFileSync(join(dir, 'b.pem'), caB.cert)
writeFileSync(join(dir, 'one.key'), 'the secret of one\n')
writeFileSync(join(dir, 'two.key'), 'the secret of two\n')
const now = new Date()

/** Tenants one, two ... recognised as written. */
function project(...froms: readonly string[]) {
  const names = ['one', 'two', 'three']
  const tenants = froms.map(
    (from, i) =>
      `  - { name: ${names[i]}, kind: smtp, domains: [${names[i]}.example], from: ${from}, to: { host: mx.example } }\n`,
  )
  return projectOf(`name: p\ngateway: { hostname: gw.example.net }\ntenants:\n${tenants.join('')}`, join(dir, 'p.yaml'))
}

function withTls(o: { names?: readonly string[]; ca?: Ca; serverName?: string; address?: string } = {}): Client {
  const { names, ca = caA, serverName = '', address = aClient.address } = o
  const peerChain = names === undefined ? [] : [issue({ ca, names }).der]
  const tls: TlsInfo = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName, peerChain, resumed: false }
  return { ...aClient, address, tls }
}

const name = (peer: Peer) => (peer.kind === 'tenant' ? peer.tenant.name : 'internet')
const who = (p: ReturnType<typeof project>, client: Client, header = '') =>
  attribute(suppose(p, client, now), parseHeader(header))

const cert = '{ certificate: [mail.one.example], ca: a.pem }'

test('the certificate: its name, from the authority that the tenant names', () => {
  const p = project(cert)
  assert.equal(name(who(p, withTls({ names: ['mail.one.example'] }))), 'one')
  assert.equal(name(who(p, withTls({ names: ['x.example', 'MAIL.One.example'] }))), 'one')
  const misses = [
    [withTls({ names: ['mail.two.example'] }), /certificate names mail\.two\.example/],
    [withTls({ names: ['mail.one.example'], ca: caB }), /no trusted authority/],
    [withTls(), /no client certificate was presented/],
    [aClient, /no client certificate was presented/],
  ] as const
  for (const [client, why] of misses) {
    const peer = who(p, client)
    assert.ok(peer.kind === 'internet')
    assert.match(peer.why, why)
  }
})

test('a certificate that names two tenants belongs to the one whose authority issued it', () => {
  const p = project(cert, '{ certificate: [mail.two.example], ca: b.pem }')
  const names = ['mail.one.example', 'mail.two.example']
  assert.equal(name(who(p, withTls({ names, ca: caA }))), 'one')
  assert.equal(name(who(p, withTls({ names, ca: caB }))), 'two')
})

test('the address: IPv4, IPv6, mapped as the listener writes it', () => {
  const p = project('{ addresses: [192.0.2.0/24, "2001:db8::/32", 198.51.100.7] }')
  for (const address of ['192.0.2.1', '192.0.2.255', '2001:db8::1', '198.51.100.7'])
    assert.equal(name(who(p, { ...aClient, address })), 'one', address)
  for (const address of ['192.0.3.1', '198.51.100.8', '2001:db9::1', '::1'])
    assert.equal(name(who(p, { ...aClient, address })), 'internet', address)
})

test('the server name that it asked for, in any case', () => {
  const p = project('{ addresses: [192.0.2.0/24], serverName: t1.gw.example.net }')
  assert.equal(name(who(p, withTls({ serverName: 'T1.gw.example.net' }))), 'one')
  for (const serverName of ['', 'gw.example.net', 't2.gw.example.net'])
    assert.equal(name(who(p, withTls({ serverName }))), 'internet', serverName)
})

test('everything that is demanded must hold', () => {
  const p = project(
    '{ certificate: [mail.one.example], ca: a.pem, addresses: [192.0.2.0/24], serverName: t1.gw.example.net, secret: { header: X-Key, valueFile: one.key } }',
  )
  const right = { names: ['mail.one.example'], address: '192.0.2.9', serverName: 't1.gw.example.net' }
  const secret = 'X-Key: the secret of one\r\n'
  const peer = who(p, withTls(right), secret)
  assert.ok(peer.kind === 'tenant')
  assert.deepEqual(peer.proofs, ['address', 'server name', 'certificate', 'secret header'])
  assert.deepEqual(peer.certificateNames, ['mail.one.example'])
  assert.equal(name(who(p, withTls({ ...right, address: '198.51.100.1' }), secret)), 'internet')
  assert.equal(name(who(p, withTls({ ...right, serverName: 'gw.example.net' }), secret)), 'internet')
  assert.equal(name(who(p, withTls({ ...right, names: ['x.example'] }), secret)), 'internet')
  assert.equal(name(who(p, withTls(right))), 'internet')
})

const secretly = (file: string, header = 'X-Key') =>
  `{ addresses: [192.0.2.0/24], secret: { header: ${header}, valueFile: ${file} } }`

test('the secret: whole, once, nothing around it but white space', () => {
  const p = project(secretly('one.key'))
  const good = ['X-Key: the secret of one', 'x-KEY:the secret of one  ', 'X-Key:\r\n the secret of one']
  for (const field of good) assert.equal(name(who(p, aClient, `${field}\r\n`)), 'one', field)
  const bad = [
    '',
    'X-Key:',
    'X-Key: the secret of on',
    'X-Key: the secret of one!',
    'X-Key: THE SECRET OF ONE',
    'X-Key: the  secret of one',
    'X-Key: "the secret of one"',
    'X-Key: the secret of one\0',
    'X-Other: the secret of one',
    'X-Key: the secret of one\r\nX-Key: the secret of one',
    'X-Key: wrong\r\nx-key: the secret of one',
    `X-Key: ${'the secret of one'.repeat(1000)}`,
    'X-Key: \xc3\xa9',
  ]
  for (const field of bad) assert.equal(name(who(p, aClient, `${field}\r\n`)), 'internet', field)
})

test('the reason says which header is missing and never what it should hold', () => {
  const peer = who(project(secretly('one.key')), aClient, 'X-Key: guess\r\n')
  assert.ok(peer.kind === 'internet')
  assert.match(peer.why, /one: the secret header X-Key is missing or wrong/)
  assert.doesNotMatch(peer.why, /the secret of|guess/)
})

test('two tenants behind the same addresses are told apart by their secrets', () => {
  const p = project(secretly('one.key'), secretly('two.key'))
  assert.deepEqual(suppose(p, aClient, now).peers.map(name), ['one', 'two'])
  assert.equal(name(who(p, aClient, 'X-Key: the secret of one\r\n')), 'one')
  assert.equal(name(who(p, aClient, 'X-Key: the secret of two\r\n')), 'two')
  assert.equal(name(who(p, aClient, 'X-Key: another\r\n')), 'internet')
  const own = project(secretly('one.key', 'X-One'), secretly('two.key', 'X-Two'))
  assert.equal(name(who(own, aClient, 'X-Two: the secret of two\r\n')), 'two')
})

test('nobody matches: the reason has a line for each tenant', () => {
  const peer = who(project(cert, '{ addresses: [203.0.113.0/24] }'), aClient)
  assert.ok(peer.kind === 'internet')
  assert.match(peer.why, /one: no client certificate.*; two: address 192\.0\.2\.9 is not one of its own/)
})

test('explain supposes what the connection must show, not what the message must carry', () => {
  const [tenant] = project(secretly('one.key')).tenants
  assert.ok(tenant)
  assert.equal(name(attribute(supposeTenant(tenant), parseHeader(''))), 'internet')
  assert.equal(name(attribute(supposeTenant(tenant), parseHeader('X-Key: the secret of one\r\n'))), 'one')
})

const exchanging =
  '{ addresses: [192.0.2.0/24], secret: { header: X-Key, valueFile: two.key, previousValueFile: one.key } }'

test('while a secret is exchanged both values count, and the trace tells which one came', () => {
  const p = project(exchanging)
  const proofs = (field: string) => {
    const peer = who(p, aClient, `${field}\r\n`)
    return peer.kind === 'tenant' ? peer.proofs : peer.why
  }
  assert.deepEqual(proofs('X-Key: the secret of two'), ['address', 'secret header'])
  assert.deepEqual(proofs('X-Key: the secret of one'), ['address', 'secret header', 'its previous value'])
  for (const field of ['X-Key: the secret of', 'X-Key: ', 'X-Key: the secret of one\r\nX-Key: the secret of two'])
    assert.match(String(proofs(field)), /the secret header X-Key is missing or wrong/, field)
})

const id = '00000000-1111-2222-3333-44444444abcd'
const hosted = (organisation: string) =>
  `{ certificate: [mail.protection.outlook.com], ca: a.pem, organisation: ${organisation} }`
const microsoft = { names: ['mail.protection.outlook.com'] }

test('the organisation: Microsoft’s word counts once, and only on a connection with its certificate', () => {
  const p = project(hosted(id))
  const byDomain = project(hosted('two.example'))
  const peer = who(p, withTls(microsoft), `X-MS-Exchange-CrossTenant-Id: ${id.toUpperCase()}\r\n`)
  assert.ok(peer.kind === 'tenant')
  assert.deepEqual(peer.proofs, ['certificate', 'organisation'])
  assert.equal(name(who(byDomain, withTls(microsoft), 'x-originatororg:  Two.Example \r\n')), 'one')
  const bad = [
    '',
    'X-MS-Exchange-CrossTenant-Id: 00000000-1111-2222-3333-44444444abce',
    `X-MS-Exchange-CrossTenant-Id: ${id}\r\nX-MS-Exchange-CrossTenant-Id: ${id}`,
    `X-MS-Exchange-CrossTenant-Id: other\r\nX-MS-Exchange-CrossTenant-Id: ${id}`,
    // What one field says is no answer to a question about the other.
    `X-OriginatorOrg: ${id}`,
    'X-MS-Exchange-CrossTenant-Id: two.example',
    'X-OriginatorOrg: two.example.evil.example',
    'X-OriginatorOrg: evil.example, two.example',
    'X-OriginatorOrg: two.example (comment)',
    'X-OriginatorOrg: two.example\r\nX-OriginatorOrg: three.example',
  ]
  for (const field of bad)
    for (const each of [p, byDomain])
      assert.equal(name(who(each, withTls(microsoft), `${field}\r\n`)), 'internet', field)
  const forgers = [aClient, withTls(), withTls({ ...microsoft, ca: caB }), withTls({ names: ['evil.example'] })]
  for (const client of forgers)
    assert.equal(name(who(p, client, `X-MS-Exchange-CrossTenant-Id: ${id}\r\n`)), 'internet')
})

test('a message of both organisations belongs to neither', () => {
  const p = project(
    hosted('one.example'),
    '{ addresses: [192.0.2.0/24], secret: { header: X-Key, valueFile: one.key } }',
  )
  const both = 'X-OriginatorOrg: one.example\r\nX-Key: the secret of one\r\n'
  const peer = who(p, withTls(microsoft), both)
  assert.ok(peer.kind === 'internet')
  assert.match(peer.why, /the demands of one and two hold alike/)
})

test('a resumed connection has presented nothing', () => {
  const client = withTls({ names: ['mail.one.example'] })
  assert.ok(client.tls)
  const resumed = { ...client, tls: { ...client.tls, resumed: true } }
  const peer = who(project(cert), resumed)
  assert.ok(peer.kind === 'internet')
  assert.match(peer.why, /resumed/)
})

test('explain writes into its example what the tenant’s messages show', () => {
  const [one, two] = project(hosted('one.example'), exchanging).tenants
  assert.ok(one && two)
  assert.deepEqual(proofFields(one), ['X-OriginatorOrg: one.example'])
  assert.deepEqual(proofFields(two), ['X-Key: the secret of two'])
})
