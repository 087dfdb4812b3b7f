// A server that nobody has chosen, and that would keep us busy with its handshakes.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import { issue, makeCa } from '../../../test/support/certificates.ts'
import { type Peer, startPeer } from '../../../test/support/scripted-smtp.ts'
import type { TlsPolicy } from '../../project/project.ts'
import type { Outcome } from './deliver.ts'
import { attempt, deliverer, hopTo, only } from './for-tests.ts'
import { Metered } from './metered.ts'

const ca = makeCa()
const good = issue({ ca, names: ['peer.example'] })

async function send(t: TestContext, chain: string, tls: TlsPolicy, content: readonly Buffer[]) {
  const peer: Peer = await startPeer({ tls: { cert: chain, key: good.key }, extensions: ['STARTTLS'] })
  t.after(() => peer.close())
  await using made = deliverer()
  const hop = hopTo(peer.port, { tls, ca: Buffer.from(ca.cert) })
  const outcome: Outcome = only(await made.attempt(attempt(hop, undefined, { content })))
  return { outcome, peer }
}

const small = [Buffer.from('Subject: x\r\n\r\nHello\r\n')]
/** Certificates that nobody needs, so many bytes of them. */
const padded = (bytes: number): string =>
  good.chain + ca.cert.repeat(Math.ceil(bytes / Buffer.from(ca.cert.replaceAll(/-.*-/g, ''), 'base64').length))

test('a chain that no honest server has is not looked at: plaintext, on one fresh connection', async (t) => {
  const { outcome, peer } = await send(t, padded(20_000), 'opportunistic', small)
  assert.deepEqual([outcome.kind, outcome.tls, peer.connections.count], ['delivered', '', 2])
})

test('a long chain is none of these', async (t) => {
  const { outcome } = await send(t, padded(16_000), 'opportunistic', small)
  assert.match(outcome.tls, /^TLSv1\.3 .* unverified$/)
})

test('a server of the project may show what it likes', async (t) => {
  const { outcome } = await send(t, padded(30_000), 'required', small)
  assert.match(outcome.tls, /^TLSv1\.3 .* verified$/)
})

test('what says nothing is bounded after the handshake, too; with words in between it is not', () => {
  const plain = new Socket()
  for (const speaks of [true, false]) {
    const told: string[] = []
    const metered = new Metered(plain, (why) => void told.push(why))
    metered.heard()
    for (let i = 0; i < 100; i += 1) {
      plain.emit('data', Buffer.alloc(10_000))
      if (speaks) metered.heard()
    }
    plain.removeAllListeners('data')
    assert.deepEqual(told.slice(0, 1), speaks ? [] : ['it sent more than 262144 bytes of TLS that say nothing'])
  }
})

test('costly handshakes take turns, and leave most of the time to others; nothing changes its order', async () => {
  const began: number[] = []
  const heard: string[] = []
  const plains = Array.from({ length: 3 }, () => new Socket())
  const ends = plains.map((plain) => {
    const metered = new Metered(plain, assert.fail)
    metered.on('data', (chunk: Buffer) => {
      heard.push(chunk.toString())
      if (chunk.toString() !== 'costly') return
      began.push(performance.now())
      while (performance.now() - (began.at(-1) ?? 0) < 20);
    })
    return { metered, end: once(metered, 'end') }
  })
  await new Promise((resolve) => setImmediate(resolve)) // the streams flow
  for (const plain of plains) plain.emit('data', Buffer.from('costly'))
  ends.at(-1)?.metered.heard()
  plains.at(-1)?.emit('data', Buffer.from('words'))
  for (const plain of plains) plain.emit('end')
  await Promise.all(ends.map(({ end }) => end))
  assert.deepEqual(heard, ['costly', 'costly', 'costly', 'words'])
  const [first = 0, second = 0, third = 0] = began
  assert.ok(second - first >= 78 && third - second >= 78, `${second - first} and ${third - second} ms`)
})

test('the bound is one on the handshake: a large message goes through, whole', async (t) => {
  const line = `${'x'.repeat(998)}\r\n`
  const body = Buffer.from(`Subject: x\r\n\r\n${line.repeat(3000)}`)
  const { outcome, peer } = await send(t, good.chain, 'opportunistic', [body])
  assert.match(outcome.tls, /unverified$/)
  assert.ok(peer.messages[0]?.equals(body))
})

/** TLS 1.2 from the first byte, so that the greeting comes with the last bytes of the handshake. */
async function oldServer(t: TestContext, onMail: (socket: TLSSocket) => void): Promise<number> {
  const server = createServer({ cert: good.chain, key: good.key, maxVersion: 'TLSv1.2' }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.write('220 peer.example\r\n')
    socket.on('data', (chunk: Buffer) => {
      const line = chunk.toString('latin1')
      if (line.startsWith('MAIL')) onMail(socket)
      socket.write(line.startsWith('DATA') ? '354 go\r\n' : '250 fine\r\n')
    })
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

for (const tls of ['opportunistic', 'required'] as const) {
  const hop = hopTo(465, { tls, ca: Buffer.from(ca.cert) })

  test(`${tls}: a greeting in one packet with the end of the handshake`, async (t) => {
    const port = await oldServer(t, () => {})
    await using made = deliverer({ dial: (host) => connect({ host, port }) })
    const outcome = only(await made.attempt(attempt(hop)))
    assert.deepEqual([outcome.kind, outcome.tls.slice(0, 7)], ['delivered', 'TLSv1.2'])
  })

  test(`${tls}: a server that wants another handshake gets none`, async (t) => {
    const ends: (Error | null)[] = []
    const port = await oldServer(t, (socket) => void socket.renegotiate({}, (error) => void ends.push(error)))
    await using made = deliverer({ dial: (host) => connect({ host, port }) })
    const outcome = only(await made.attempt(attempt(hop)))
    assert.match(outcome.tls, /^TLSv1\.2 /)
    assert.ok(!ends.includes(null), 'a second handshake was made')
  })
}
