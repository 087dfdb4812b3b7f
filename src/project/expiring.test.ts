import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { issue, makeCa } from '../../test/support/certificates.ts'
import { projectOf } from '../../test/support/relay-values.ts'
import { expiring } from './project.ts'

const dir = mkdtempSync(join(tmpdir(), 'expiring-'))
after(() => rmSync(dir, { recursive: true }))
const ca = makeCa({ name: 'Root' })
writeFileSync(join(dir, 'ca.pem'), ca.cert)
// Valid for 20 days, the authority for 30.
for (const name of ['gw.example.net', 'one.example']) {
  const { cert, key } = issue({ ca, names: [name] })
  writeFileSync(join(dir, `${name}.crt`), cert)
  writeFileSync(join(dir, `${name}.key`), key)
}
const identity = (name: string) => `{ cert: ${name}.crt, key: ${name}.key }`
const hop = `{ host: mx.example, ca: ca.pem, certificate: ${identity('one.example')} }`
const project = projectOf(
  `name: p
gateway: { hostname: gw.example.net, tls: ${identity('gw.example.net')} }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { certificate: [one.example], ca: ca.pem }, to: ${hop}, outbound: { smarthost: ${hop} } }
`,
  join(dir, 'p.yaml'),
)
const inDays = (days: number) => new Date(Date.now() + days * 24 * 3_600_000 - 60_000)
const places = (days: number) => expiring(project, inDays(days)).map(({ place, stage }) => `${stage} ${place}`)

test('every certificate of the project, and how near its end is', () => {
  assert.deepEqual(places(-11), [])
  const leaves = ['gateway.tls', 'tenants.one.to.certificate', 'tenants.one.outbound.smarthost.certificate']
  const authorities = ['tenants.one.from.ca', 'tenants.one.to.ca', 'tenants.one.outbound.smarthost.ca']
  const at = (stage: number, names: readonly string[]) => names.map((name) => `${stage} ${name}`)
  assert.deepEqual(places(-5), at(30, leaves))
  assert.deepEqual(places(5), [...at(30, leaves), ...at(30, authorities)])
  assert.deepEqual(places(6), [...at(14, leaves), ...at(30, authorities)])
  assert.deepEqual(places(13), [...at(7, leaves), ...at(30, authorities)])
  assert.deepEqual(places(19), [...at(1, leaves), ...at(14, authorities)])
  assert.deepEqual(places(21), [...at(0, leaves), ...at(14, authorities)])
})

test('in words', () => {
  const text = (days: number) => expiring(project, inDays(days))[0]?.text ?? ''
  assert.match(
    text(13),
    /^the certificate "CN=gw\.example\.net" of gateway\.tls expires on \d{4}-\d\d-\d\d, 7 days from now$/,
  )
  assert.match(text(19), /, 1 day from now/)
  assert.match(text(21), / expired on \d{4}-\d\d-\d\d$/)
})
