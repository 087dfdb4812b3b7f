// TLS at the listener (RFC 3207, 8314): who is shown what, and what is never carried over.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls, type SecureContextOptions } from 'node:tls'
import { issue, makeCa } from '../../../test/support/certificates.ts'
import { Client } from '../../../test/support/smtp-client.ts'
import { type Limits, type Listener, listen, type Client as Peer } from './listen.ts'

const root = makeCa({ name: 'Root' })
const middle = makeCa({ name: 'Middle', parent: root })
const tenant = issue({ names: ['tenant.example'], ca: middle })
const first = issue({ names: ['gw.example.net'] })
const second = issue({ names: ['gw.example.net'] })

type Started = {
  readonly listener: Listener
  readonly plain: number
  readonly implicit: number
  readonly seen: Peer[]
  readonly refused: string[]
}

async function started(
  t: TestContext,
  secureContext: () => SecureContextOptions,
  limits: Partial<Limits> = {},
): Promise<Started> {
  const seen: Peer[] = []
  const refused: string[] = []
  const listener = await listen({
    hostname: 'gw.example.net',
    addresses: [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0, implicitTls: true },
    ],
    secureContext,
    limits,
    backend: {
      mail: (client) => void seen.push(client),
      rcpt: () => undefined,
      message: () => ({ code: 250, enhanced: '2.0.0', text: 'OK' }),
      refused: (_client, what) => void refused.push(what),
    },
  })
  t.after(() => listener.drain(0))
  const [plain, implicit] = listener.addresses
  return { listener, plain: plain?.port ?? 0, implicit: implicit?.port ?? 0, seen, refused }
}

const firstOnly = () => ({ key: first.key, cert: first.cert })

/** STARTTLS, EHLO, MAIL: the backend has seen this client. */
async function send(t: TestContext, port: number, o: ConnectionOptions): Promise<{ client: Client; leaf: Buffer }> {
  const client = new Client(port)
  t.after(() => client.destroy())
  await client.reply()
  await client.ask('EHLO client.example')
  assert.match(await client.ask('STARTTLS'), /^220 /)
  const secured = await client.secure(o)
  await client.ask('EHLO client.example')
  assert.match(await client.ask('MAIL FROM:<a@x.example>'), /^250 /)
  return { client, leaf: secured.getPeerCertificate().raw }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: name and certificate chain of this connection`, async (t) => {
    const { plain, seen } = await started(t, firstOnly)
    const versions = { minVersion: version, maxVersion: version }
    await send(t, plain, { ...versions, servername: 'T1.gw.example.net', key: tenant.key, cert: tenant.chain })
    const info = seen[0]?.tls
    assert.deepEqual(info?.peerChain, [tenant.der, middle.der])
    assert.deepEqual([info.protocol, info.serverName, info.resumed], [version, 't1.gw.example.net', false])
    assert.match(info.cipher, /^TLS_/)
  })

  test(`${version}: a client without certificate, or with one that nobody knows`, async (t) => {
    const { plain, seen } = await started(t, firstOnly)
    const versions = { minVersion: version, maxVersion: version }
    await send(t, plain, versions)
    assert.deepEqual([seen[0]?.tls?.peerChain, seen[0]?.tls?.serverName], [[], ''])
    await send(t, plain, { ...versions, key: second.key, cert: second.cert })
    assert.deepEqual(seen[1]?.tls?.peerChain, [second.der])
  })

  test(`${version}: a client that offers an old session makes a whole handshake`, async (t) => {
    const { implicit } = await started(t, firstOnly)
    const versions = { minVersion: version, maxVersion: version, servername: 'gw.example.net' }
    let session: Buffer | undefined
    for (let round = 0; round < 3; round++) {
      const given = session === undefined ? {} : { session }
      const o = { ...versions, ...given, port: implicit, host: '127.0.0.1', rejectUnauthorized: false }
      const socket = connectTls({ ...o, key: tenant.key, cert: tenant.chain })
      socket.on('session', (s) => {
        session = s
      })
      await once(socket, 'data') // the greeting
      assert.equal(socket.isSessionReused(), false)
      socket.destroy()
    }
    assert.notEqual(session, undefined)
  })
}

test('TLS 1.1 is not spoken', async (t) => {
  const { implicit, listener } = await started(t, firstOnly)
  const o = { port: implicit, host: '127.0.0.1', rejectUnauthorized: false, ciphers: 'ALL:@SECLEVEL=0' }
  await assert.rejects(once(connectTls({ ...o, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }), 'secureConnect'))
  await until(() => listener.connections === 0)
})

test('setTls: the next handshake has the new certificate, the open connection goes on', async (t) => {
  let current = first
  const { listener, plain } = await started(t, () => ({ key: current.key, cert: current.cert }))
  const old = await send(t, plain, {})
  assert.deepEqual(old.leaf, first.der)
  current = second
  listener.setTls()
  assert.deepEqual((await send(t, plain, {})).leaf, second.der)
  assert.match(await old.client.ask('RCPT TO:<b@y.example>'), /^250 /)
})

test('setTls under load: the certificate is exchanged again and again, and no handshake fails', async (t) => {
  let current = first
  const { listener, plain, implicit, refused } = await started(t, () => ({ key: current.key, cert: current.cert }))
  const exchange = setInterval(() => {
    current = current === first ? second : first
    listener.setTls()
  }, 2)
  t.after(() => clearInterval(exchange))
  const shown = new Map([
    [first.der.toString('hex'), 0],
    [second.der.toString('hex'), 0],
  ])
  const count = (leaf: Buffer) => shown.set(leaf.toString('hex'), (shown.get(leaf.toString('hex')) ?? 0) + 1)
  const byStartTls = async () => {
    for (let i = 0; i < 15; i++) {
      const { client, leaf } = await send(t, plain, {})
      count(leaf)
      client.destroy()
    }
  }
  const fromFirstByte = async () => {
    for (let i = 0; i < 30; i++) {
      const socket = connectTls({ port: implicit, host: '127.0.0.1', rejectUnauthorized: false })
      await once(socket, 'data') // the greeting
      count(socket.getPeerCertificate().raw)
      socket.destroy()
    }
  }
  await Promise.all([byStartTls(), byStartTls(), fromFirstByte(), fromFirstByte()])
  assert.deepEqual(refused, [])
  const [withFirst = 0, withSecond = 0, ...others] = shown.values()
  assert.deepEqual([withFirst + withSecond, others], [90, []])
  assert.ok(withFirst > 5 && withSecond > 5, `${withFirst} and ${withSecond}`)
})

test('setTls: what cannot be used changes nothing', async (t) => {
  let current: SecureContextOptions = firstOnly()
  const { listener, plain } = await started(t, () => current)
  current = { key: second.key, cert: first.cert }
  assert.throws(() => listener.setTls(), { code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' })
  assert.deepEqual((await send(t, plain, {})).leaf, first.der)
})

test('a handshake that does not come, or not to its end, is cut', async (t) => {
  const { listener, plain, implicit, refused } = await started(t, firstOnly, { handshakeMs: 40 })
  const silent = connect(implicit, '127.0.0.1')
  const oneByte = connect(implicit, '127.0.0.1')
  oneByte.write('\x16')
  const afterStartTls = new Client(plain)
  await afterStartTls.reply()
  assert.match(await afterStartTls.ask('STARTTLS'), /^220 /)
  await Promise.all([once(silent.resume(), 'close'), once(oneByte.resume(), 'close'), afterStartTls.rest()])
  afterStartTls.destroy()
  await until(() => listener.connections === 0)
  assert.deepEqual(refused, Array(3).fill('TLS handshake failed'))
})

test('a handshake of one byte at a time has no more time than any other', async (t) => {
  const { implicit, refused, listener } = await started(t, firstOnly, { handshakeMs: 60 })
  const client = connect(implicit, '127.0.0.1')
  client.on('error', () => {})
  const hello = Buffer.from('1603010200010001fc0303', 'hex')
  let sent = 0
  const trickle = setInterval(() => client.write(Buffer.of(hello[sent++] ?? 0)), 5)
  t.after(() => clearInterval(trickle))
  await once(client.resume(), 'close')
  // Its 512 bytes would have taken 2.6 seconds.
  assert.ok(sent < 400, `${sent} bytes`)
  await until(() => listener.connections === 0)
  assert.deepEqual([refused, listener.limits.handshakeMs], [['TLS handshake failed'], 1])
})

test('SMTP in plaintext at the port of implicit TLS', async (t) => {
  const { listener, implicit, refused } = await started(t, firstOnly)
  const client = connect(implicit, '127.0.0.1', () => client.write('EHLO client.example\r\n'))
  await once(client.resume(), 'close')
  await until(() => listener.connections === 0)
  assert.deepEqual(refused, ['TLS handshake failed'])
})

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${holds.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('drain: who does not go on with a handshake holds up nobody', async (t) => {
  const { listener, plain, implicit } = await started(t, firstOnly)
  const [silent, halfway] = [new Client(implicit), new Client(plain)]
  t.after(() => [silent, halfway].map((one) => one.destroy()))
  await halfway.reply()
  await halfway.ask('EHLO client.example')
  assert.match(await halfway.ask('STARTTLS'), /^220 /)
  for (let i = 0; listener.connections < 2 && i < 300; i += 1) await new Promise((resolve) => setTimeout(resolve, 10))
  const began = performance.now()
  await listener.drain(20_000)
  assert.ok(performance.now() - began < 5000, 'at once')
  assert.deepEqual([await silent.rest(), await halfway.rest()], [[], []])
})
