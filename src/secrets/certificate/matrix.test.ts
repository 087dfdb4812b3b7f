import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { asAuthority, makeCertificate, type Wanted } from '../../../test/support/openssl.ts'
import { certificateNames, readBundle, verifyChain } from './certificate.ts'

const dir = mkdtempSync(join(tmpdir(), 'matrix-'))
after(() => rmSync(dir, { recursive: true }))
// Certificates begin at the second in which they are made.
const now = new Date(Date.now() + 3_600_000)
let count = 0

function make(w: Wanted): string {
  const name = `c${count++}`
  makeCertificate(dir, name, w)
  return name
}
const read = (name: string) => readBundle(readFileSync(join(dir, `${name}.crt`)))
const root = make({ subject: '/CN=Root', extensions: asAuthority })
const leafOf = (w: Wanted) =>
  make({ ca: root, subject: '/CN=contoso.example', extensions: ['subjectAltName=DNS:contoso.example'], ...w })

/** The verdict on a leaf with the intermediates that come with it. */
function verdict(leaf: string, ...between: readonly string[]): string {
  const result = verifyChain(
    [leaf, ...between].flatMap((name) => read(name).map((c) => c.raw)),
    read(root),
    now,
  )
  return result.ok ? result.names.join(' ') : result.why
}
const under = (extensions: readonly string[], more: Wanted = {}) =>
  make({ ca: root, subject: '/CN=Between', extensions, ...more })
const san = (name: string) => [`subjectAltName=DNS:${name}`]

test('keys', () => {
  for (const key of ['ec', 'rsa:2048', 'rsa:3072'] as const)
    assert.equal(verdict(leafOf({ key })), 'contoso.example', key)
  assert.match(verdict(leafOf({ key: 'rsa:1024' })), /"CN=contoso.example" has a key of 1024 bits/)
  assert.match(verdict(leafOf({ key: 'secp256k1' })), /has a key on the curve secp256k1/)
  const weak = under(asAuthority, { key: 'rsa:1024' })
  assert.match(verdict(leafOf({ ca: weak }), weak), /"CN=Between" has a key of 1024 bits/)
})

test('signatures', () => {
  const rsa = make({ subject: '/CN=RSA root', key: 'rsa:2048', extensions: asAuthority })
  const signed = (more: Wanted) => {
    const result = verifyChain(
      read(leafOf({ ca: rsa, ...more })).map((c) => c.raw),
      read(rsa),
      now,
    )
    return result.ok ? 'good' : result.why
  }
  assert.equal(signed({}), 'good')
  assert.match(signed({ digest: 'sha1' }), /is signed with SHA-1/)
  assert.match(signed({ digest: 'md5' }), /is signed with MD5/)
  assert.equal(signed({ more: ['-sigopt', 'rsa_padding_mode:pss'] }), 'good')
  assert.match(signed({ digest: 'sha1', more: ['-sigopt', 'rsa_padding_mode:pss'] }), /is signed with SHA-1/)
  assert.match(verdict(leafOf({ digest: 'sha1' })), /is signed with SHA-1/)
  // A root's signature on itself proves nothing, so it may be of any age.
  const old = make({ subject: '/CN=Old root', extensions: asAuthority, digest: 'sha1' })
  assert.ok(
    verifyChain(
      read(leafOf({ ca: old })).map((c) => c.raw),
      read(old),
      now,
    ).ok,
  )
})

test('purposes, of the leaf and of the authorities above it', () => {
  const purpose = (usage: string) =>
    verdict(leafOf({ extensions: [...san('contoso.example'), `extendedKeyUsage=${usage}`] }))
  for (const usage of [
    'serverAuth',
    'clientAuth',
    'serverAuth,clientAuth',
    'anyExtendedKeyUsage',
    'emailProtection,serverAuth',
  ])
    assert.equal(purpose(usage), 'contoso.example', usage)
  for (const usage of ['emailProtection', 'codeSigning', 'timeStamping,OCSPSigning'])
    assert.match(purpose(usage), /is for neither client nor server authentication/, usage)
  const forMail = under([...asAuthority, 'extendedKeyUsage=emailProtection'])
  assert.match(verdict(leafOf({ ca: forMail }), forMail), /"CN=Between" is for neither/)
})

test('an authority may issue what it was allowed to, and no more', () => {
  const allowed = under(asAuthority)
  assert.equal(verdict(leafOf({ ca: allowed }), allowed), 'contoso.example')
  const noAuthority = under(['basicConstraints=critical,CA:FALSE'])
  assert.match(verdict(leafOf({ ca: noAuthority }), noAuthority), /no trusted authority issued/)
  const noSigner = under(['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,digitalSignature'])
  assert.match(verdict(leafOf({ ca: noSigner }), noSigner), /may not sign certificates|no trusted authority/)
  const last = under(['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'])
  const below = make({ ca: last, subject: '/CN=Below', extensions: asAuthority })
  assert.equal(verdict(leafOf({ ca: last }), last), 'contoso.example')
  assert.match(verdict(leafOf({ ca: below }), below, last), /may have no more than 0 authorities below it/)
})

test('name constraints: an authority for one company does not speak for another', () => {
  const within = (constraints: string, name: string) => {
    const between = under([...asAuthority, `nameConstraints=critical,${constraints}`])
    return verdict(leafOf({ ca: between, extensions: san(name) }), between)
  }
  assert.equal(within('permitted;DNS:fabrikam.example', 'a.fabrikam.example'), 'a.fabrikam.example')
  assert.equal(within('permitted;DNS:fabrikam.example', 'fabrikam.example'), 'fabrikam.example')
  assert.equal(within('permitted;DNS:fabrikam.example', '*.fabrikam.example'), '*.fabrikam.example')
  for (const name of ['contoso.example', 'notfabrikam.example', 'fabrikam.example.contoso.example'])
    assert.match(within('permitted;DNS:fabrikam.example', name), /may not issue certificates for/, name)
  assert.match(within('permitted;DNS:.fabrikam.example', 'fabrikam.example'), /may not issue/)
  assert.match(within('excluded;DNS:contoso.example', 'mail.contoso.example'), /may not issue/)
  assert.equal(within('excluded;DNS:contoso.example', 'fabrikam.example'), 'fabrikam.example')
})

test('a critical extension that nobody here knows', () => {
  const strange = leafOf({ extensions: [...san('contoso.example'), '1.2.3.4=critical,ASN1:UTF8String:must'] })
  assert.match(verdict(strange), /has the critical extension 1\.2\.3\.4, which is not understood/)
  const harmless = leafOf({ extensions: [...san('contoso.example'), '1.2.3.4=ASN1:UTF8String:may'] })
  assert.equal(verdict(harmless), 'contoso.example')
})

test('a subject that tries to be two', () => {
  const names = (subject: string, extensions: readonly string[] = []) => {
    const [leaf] = read(leafOf({ subject, extensions }))
    assert.ok(leaf)
    return certificateNames(leaf)
  }
  assert.deepEqual(names('/O=x\nCN=victim.example/CN=evil.example'), ['evil.example'])
  assert.deepEqual(names('/CN=evil.example', ['subjectAltName=email:a@victim.example,IP:192.0.2.1']), ['evil.example'])
  assert.deepEqual(names('/CN=victim.example', san('evil.example')), ['evil.example'])
})
