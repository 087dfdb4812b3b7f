import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { issue, makeCa } from '../../../test/support/certificates.ts'
import { aClient, projectOf } from '../../../test/support/relay-values.ts'
import type { Client } from '../listen/listen.ts'
import { standing, wantsCertificate } from './standing.ts'

const now = new Date()
const dir = mkdtempSync(join(tmpdir(), 'standing-'))
after(() => rmSync(dir, { recursive: true }))
const ca = makeCa({ name: 'Authority' })
writeFileSync(join(dir, 'ca.pem'), ca.cert)

const project = (...froms: readonly string[]) => {
  const tenants = froms.map(
    (from, i) => `  - { name: t${i}, kind: smtp, domains: [t${i}.example], from: ${from}, to: { host: mx.example } }\n`,
  )
  return projectOf(`name: p\ngateway: { hostname: gw.example.net }\ntenants:\n${tenants.join('')}`, join(dir, 'p.yaml'))
}

const from = (address: string): Client => ({ ...aClient, address })
const stranger = from('203.0.113.1')
const inTls = (serverName: string, peerChain: readonly Buffer[] = []): Client => ({
  ...stranger,
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName, peerChain, resumed: false },
})

const byAddress = '{ addresses: [192.0.2.0/24, "2001:db8::/32"] }'
const byCertificate = '{ certificate: [mail.t1.example], ca: ca.pem, serverName: t1.gw.example.net }'
const byBoth = '{ addresses: [198.51.100.1], certificate: [mail.t0.example] }'
const internet = { kind: 'internet', mayProve: false }

test('an address of a tenant is enough for a place, also where it proves nothing yet', () => {
  const p = project(byBoth, byAddress)
  assert.deepEqual(standing(p, from('198.51.100.1'), now), { kind: 'tenant', name: 't0' })
  assert.deepEqual(standing(p, from('192.0.2.77'), now), { kind: 'tenant', name: 't1' })
  assert.deepEqual(standing(p, from('2001:db8::7'), now), { kind: 'tenant', name: 't1' })
  assert.deepEqual(standing(p, stranger, now), internet)
})

test('who may show itself in TLS gets the chance, and is known by what it showed', () => {
  const p = project(byAddress, byCertificate)
  assert.deepEqual(standing(p, stranger, now), { kind: 'internet', mayProve: true })
  const shown = [issue({ ca, names: ['mail.t1.example'] }).der]
  assert.deepEqual(standing(p, inTls('t1.gw.example.net', shown), now), { kind: 'tenant', name: 't1' })
  for (const other of [inTls('other.example', shown), inTls('t1.gw.example.net')])
    assert.deepEqual(standing(p, other, now), internet)
})

test('a certificate counts only when its chain was verified', () => {
  const forged = issue({ ca: makeCa({ name: 'Authority' }), names: ['mail.t1.example'] }).der
  assert.deepEqual(standing(project(byAddress, byCertificate), inTls('t1.gw.example.net', [forged]), now), internet)
})

test('without a project everybody is the internet', () => {
  assert.deepEqual(standing(undefined, aClient, now), { kind: 'internet' })
})

test('a certificate is wanted of those whom one could make a tenant', () => {
  assert.ok(!wantsCertificate(undefined, stranger))
  assert.ok(!wantsCertificate(project(byAddress), from('192.0.2.1')))
  assert.ok(wantsCertificate(project(byAddress, byCertificate), stranger))
  assert.ok(wantsCertificate(project(byAddress, byBoth), from('198.51.100.1')))
  assert.ok(!wantsCertificate(project(byAddress, byBoth), from('192.0.2.1')))
})
