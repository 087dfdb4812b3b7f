// Who is asked for a certificate: to look at what is shown costs us more than it costs him who shows it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { issue, makeCa } from '../../../test/support/certificates.ts'
import { type Border, border, until } from '../../../test/support/small-listener.ts'
import { Ledger } from './ledger.ts'
import { limitsOf } from './limits.ts'
import type { Backend, Client as Peer } from './listen.ts'

const ours = issue({ names: ['gw.example.net'] })
const theirs = issue({ names: ['visitor.example'], ca: makeCa({ name: 'Middle', parent: makeCa({ name: 'Root' }) }) })

/** Clients come through a balancer, so that each has the address that it names. */
function open(t: TestContext, certificateBytes: number, backend: Partial<Backend> = {}): Promise<Border> {
  return border(t, {
    secureContext: () => ({ key: ours.key, cert: ours.cert }),
    isBalancer: () => true,
    limits: { certificateBytes },
    backend: { ...backend, mail: (client) => void (seen = client) },
  })
}
let seen: Peer | undefined

/** How many certificates the listener has seen of somebody from there. */
async function shown({ greeted }: Border, from: string): Promise<number> {
  const client = await greeted(from)
  await client.ask('STARTTLS')
  await client.secure({ key: theirs.key, cert: theirs.chain })
  await client.ask('EHLO visitor.example')
  await client.ask('MAIL FROM:<a@visitor.example>')
  client.destroy()
  return seen?.tls?.peerChain.length ?? 0
}

test('whoever shows certificates that prove nothing is asked for no more of them', async (t) => {
  const gate = await open(t, 4000)
  const counts: number[] = []
  for (let i = 0; i < 6; i += 1) counts.push(await shown(gate, '192.0.2.1'))
  assert.deepEqual(
    counts.map((count) => count > 0),
    [true, true, false, false, false, false],
  )
  assert.equal(await shown(gate, '192.0.2.2'), 2, 'another source')
  assert.ok(gate.listener.limits.certificateBytes > 0)
  assert.match(gate.refused.join('\n'), /^192\.0\.2\.1 limit certificateBytes: 192\.0\.2\.1$/m)
})

test('a tenant shows its certificate as often as it comes', async (t) => {
  const standing = (client: Peer) =>
    client.tls === undefined
      ? ({ kind: 'internet', mayProve: true } as const)
      : ({ kind: 'tenant', name: 'contoso' } as const)
  const gate = await open(t, 4000, { standing })
  for (let i = 0; i < 6; i += 1) assert.equal(await shown(gate, '192.0.2.1'), 2)
})

test('handshakes that are broken off count, too', async (t) => {
  const gate = await open(t, 2000)
  for (let i = 0; i < 3; i += 1) {
    const client = await gate.greeted('192.0.2.1')
    await client.ask('STARTTLS')
    client.send(Buffer.concat([Buffer.from('1603010400', 'hex'), Buffer.alloc(1024, 0x63)]))
    await client.rest()
  }
  await until(() => gate.refused.filter((line) => line.includes('handshake failed')).length === 3)
  assert.equal(await shown(gate, '192.0.2.1'), 0)
})

test('where a certificate makes nobody a tenant none is asked for', async (t) => {
  const gate = await open(t, 100_000, { wantsCertificate: (client) => client.address === '192.0.2.1' })
  assert.equal(await shown(gate, '192.0.2.1'), 2)
  assert.equal(await shown(gate, '192.0.2.2'), 0)
})

test('a quarter is forgotten in a minute', () => {
  const ledger = new Ledger('source', '192.0.2.1', limitsOf({ certificateBytes: 4000 }))
  ledger.certificateInVain(5000, 0)
  assert.ok(!ledger.mayShowCertificate(0))
  assert.ok(!ledger.mayShowCertificate(59_000))
  assert.ok(ledger.mayShowCertificate(61_000 + 15_000))
  assert.ok(!ledger.isIdle(200_000))
  assert.ok(ledger.isIdle(400_000))
})
