// Behind a load balancer: the client is the one that the PROXY header names, and limits are his.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { issue } from '../../../test/support/certificates.ts'
import { until } from '../../../test/support/small-listener.ts'
import { Client } from '../../../test/support/smtp-client.ts'
import { type Limits, listen, type Client as Peer } from './listen.ts'

const ours = issue({ names: ['gw.example.net'] })

async function started(t: TestContext, limits: Partial<Limits> = {}, isBalancer = true) {
  const seen: Peer[] = []
  const refused: string[] = []
  const listener = await listen({
    hostname: 'gw.example.net',
    addresses: [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0, implicitTls: true },
    ],
    secureContext: () => ({ key: ours.key, cert: ours.cert }),
    limits,
    isBalancer: (address) => isBalancer && address === '127.0.0.1',
    backend: {
      connect: (client) => void seen.push(client),
      mail: (client) => void seen.push(client),
      rcpt: () => undefined,
      message: () => ({ code: 250, enhanced: '2.0.0', text: 'taken' }),
      refused: (client, what) => void refused.push(`${client.address} ${what}`),
    },
  })
  t.after(() => listener.drain(0))
  const [plain, implicit] = listener.addresses
  const dial = (header = '') => {
    const client = new Client(plain?.port ?? 0)
    t.after(() => client.destroy())
    if (header !== '') client.send(Buffer.from(header, 'latin1'))
    return client
  }
  return { listener, implicit: implicit?.port ?? 0, seen, refused, dial }
}

const from = (address: string) => `PROXY TCP4 ${address} 192.0.2.25 4711 25\r\n`
const v2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x19\x12\x67\0\x19'

for (const [version, header] of [
  ['version 1', from('192.0.2.1')],
  ['version 2', v2],
] as const) {
  test(`${version}: the client of the header, through STARTTLS too`, async (t) => {
    const { seen, dial } = await started(t)
    const client = dial(header)
    assert.match(await client.reply(), /^220 /)
    await client.ask('EHLO client.example')
    await client.ask('STARTTLS')
    await client.secure({})
    await client.ask('EHLO client.example')
    await client.ask('MAIL FROM:<a@x.example>')
    assert.deepEqual(
      seen.map(({ address, port, tls }) => [address, port, tls?.protocol]),
      [
        ['192.0.2.1', 4711, undefined],
        ['192.0.2.1', 4711, 'TLSv1.3'],
      ],
    )
  })

  test(`${version}: byte by byte`, async (t) => {
    const { seen, dial } = await started(t)
    const client = dial()
    for (const byte of header) {
      client.send(Buffer.from(byte, 'latin1'))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.match(await client.reply(), /^220 /)
    assert.match(await client.ask('EHLO client.example'), /^250 /)
    assert.equal(seen[0]?.address, '192.0.2.1')
  })

  test(`${version}: TLS from the first byte, in one segment with the header`, async (t) => {
    const { implicit, seen } = await started(t)
    const plain = connect(implicit, '127.0.0.1')
    plain.cork()
    plain.write(header, 'latin1')
    const secured = connectTls({ socket: plain, rejectUnauthorized: false })
    t.after(() => secured.destroy())
    process.nextTick(() => plain.uncork())
    const [greeting] = await once(secured, 'data')
    assert.match(String(greeting), /^220 /)
    assert.deepEqual([seen[0]?.address, seen[0]?.tls?.protocol], ['192.0.2.1', 'TLSv1.3'])
  })
}

test('the balancer itself asks for our health: it is its own address', async (t) => {
  const { seen, dial } = await started(t)
  for (const header of ['PROXY UNKNOWN\r\n', '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'])
    assert.match(await dial(header).reply(), /^220 /)
  assert.deepEqual(
    seen.map(({ address }) => address),
    ['127.0.0.1', '127.0.0.1'],
  )
})

test('commands in one segment with the header have not waited for the greeting', async (t) => {
  const { dial } = await started(t, {})
  const client = dial(`${from('192.0.2.1')}EHLO client.example\r\n`)
  const first = await client.reply()
  // Our greeting may be out by then, but what was sent ahead of it is then only an EHLO.
  assert.match(first, /^(?:220|554) /)
})

test('limits are those of the client, not of the balancer', async (t) => {
  const { listener, refused, dial } = await started(t, { connectionsPerSource: 2 })
  const [first] = [dial(from('192.0.2.1')), dial(from('192.0.2.1'))]
  assert.match((await first?.reply()) ?? '', /^220 /)
  const third = dial(from('192.0.2.1'))
  assert.equal(await third.reply(), '421 4.7.0 too many connections from your address, try again later')
  assert.deepEqual(await third.rest(), [])
  assert.match(await dial(from('192.0.2.2')).reply(), /^220 /)
  assert.deepEqual(refused, ['192.0.2.1 limit connectionsPerSource: 192.0.2.1'])
  assert.equal(listener.limits.connectionsPerSource, 1)
})

for (const [what, bytes] of [
  ['a client that comes past the balancer', 'EHLO client.example\r\n'],
  ['a TLS handshake without the header', '\x16\x03\x01'],
  ['a header that lies about its family', 'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n'],
  ['an endless line', `PROXY TCP4 ${'1'.repeat(70_000)}`],
] as const) {
  test(`from a balancer, but ${what}: closed without a word`, async (t) => {
    const { listener, refused, seen, dial } = await started(t)
    assert.deepEqual(await dial(bytes).rest(), [])
    await until(() => listener.connections === 0)
    assert.match(refused.join('\n'), /^127\.0\.0\.1 balancer: [^\n]+$/)
    assert.deepEqual(seen, [])
  })
}

test('a header that does not come, or not to its end, has the time of a handshake', async (t) => {
  const { listener, refused, dial } = await started(t, { handshakeMs: 40 })
  await Promise.all([dial().rest(), dial(from('192.0.2.1').slice(0, -1)).rest()])
  await until(() => listener.connections === 0)
  assert.deepEqual(refused, Array(2).fill('127.0.0.1 balancer: no PROXY header'))
  assert.equal(listener.limits.handshakeMs, 2)
})

test('a header from an address that is not listed names nobody', async (t) => {
  const { seen, dial } = await started(t, {}, false)
  const client = dial(from('192.0.2.1'))
  assert.match(await client.reply(), /^(?:554 5\.5\.0|220) /)
  assert.ok(seen.every(({ address }) => address === '127.0.0.1'))
})
