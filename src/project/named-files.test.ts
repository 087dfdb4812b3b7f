import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { asAuthority, makeCertificate, openssl } from '../../test/support/openssl.ts'
import { loadProjectText, problemText } from './project.ts'

const dir = mkdtempSync(join(tmpdir(), 'named-'))
after(() => rmSync(dir, { recursive: true }))
makeCertificate(dir, 'root', { subject: '/CN=Root', extensions: asAuthority })
makeCertificate(dir, 'middle', { subject: '/CN=Middle', ca: 'root', extensions: asAuthority })
makeCertificate(dir, 'leaf', { subject: '/CN=contoso.example', ca: 'middle', key: 'rsa:2048' })
const password = 'a-password-of-a-pfx'
writeFileSync(join(dir, 'password'), `${password}\n`)

function exported(name: string, ...args: readonly string[]): Buffer {
  const files = ['-inkey', 'leaf.key', '-in', 'leaf.crt', '-certfile', 'middle.crt', '-out', name]
  openssl(dir, 'pkcs12', '-export', ...files, '-passout', `pass:${password}`, ...args)
  return readFileSync(join(dir, name))
}

/** A project whose gateway and tenant both present what is in this file. */
function load(pfx: string) {
  const identity = `{ pfx: ${pfx}, passwordFile: password }`
  const yaml = `name: p
gateway: { hostname: gw.example.net, tls: ${identity} }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { addresses: [192.0.2.1] }, to: { host: mx.example, certificate: ${identity} } }
`
  return loadProjectText(Buffer.from(yaml), join(dir, 'p.yaml'))
}

function refused(pfx: string, why: RegExp): void {
  const start = performance.now()
  const result = load(pfx)
  const said = result.ok ? 'loads' : result.problems.map(problemText).join('\n')
  assert.match(said, why)
  assert.equal(result.ok ? 0 : result.problems.length, 2, said)
  assert.ok(!said.includes(password))
  assert.ok(performance.now() - start < 1500, 'it was opened')
}

test('a PFX becomes the leaf with its chain, and its key, whatever it was encrypted with', () => {
  for (const [name, ...args] of [['new.pfx'], ['old.pfx', '-legacy']] as const) {
    exported(name, ...args)
    const result = load(name)
    assert.ok(result.ok, result.ok ? '' : result.problems.map(problemText).join('\n'))
    const { gateway, tenants } = result.value
    for (const identity of [gateway.tls, tenants[0]?.to.identity]) {
      assert.ok(identity)
      const pem = identity.cert.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
      const chain = pem.map((block) => new X509Certificate(block))
      assert.deepEqual(
        chain.map((one) => one.subject),
        ['CN=contoso.example', 'CN=Middle'],
      )
      assert.ok(chain[0]?.checkPrivateKey(createPrivateKey(identity.key)))
    }
  }
})

test('a PFX that would take minutes is refused wherever a project names it', () => {
  const bytes = exported('slow.pfx', '-iter', '65537').toString('hex')
  writeFileSync(join(dir, 'slow.pfx'), Buffer.from(bytes.replaceAll('0203010001', '02037fffff'), 'hex'))
  refused('slow.pfx', /"slow\.pfx" would take too long to open: its password is to be hashed 8388607 times/)
})

test('a key that anybody could break is not shown to anybody', () => {
  makeCertificate(dir, 'short', { subject: '/CN=gw.example.net', key: 'rsa:1024' })
  const files = ['-inkey', 'short.key', '-in', 'short.crt', '-out', 'short.pfx', '-passout', `pass:${password}`]
  openssl(dir, 'pkcs12', '-export', ...files)
  refused('short.pfx', /the key is too short or the signature too weak.*\n.*2048 bits or more/)
})

test('a PFX that is too large, has no key, no certificate or another password', () => {
  writeFileSync(join(dir, 'large.pfx'), Buffer.alloc(64 * 1024 + 1, 0x30))
  refused('large.pfx', /has 65537 bytes, too many/)
  exported('certificates.pfx', '-nokeys')
  refused('certificates.pfx', /holds no private key/)
  exported('keys.pfx', '-nocerts', '-certfile', 'root.crt')
  refused('keys.pfx', /do not belong together/)
  exported('other.pfx', '-passout', 'pass:another')
  refused('other.pfx', /cannot be opened: the password is wrong/)
})
