// Keys that were made to keep whoever verifies with them busy.

import assert from 'node:assert/strict'
import { createPrivateKey, generatePrimeSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { asAuthority, openssl } from '../../../test/support/openssl.ts'
import { verifyChain } from './certificate.ts'
import { costlyKey, weakKey } from './strength.ts'

const dir = mkdtempSync(join(tmpdir(), 'costly-'))
after(() => rmSync(dir, { recursive: true }))

const b64 = (n: bigint): string => {
  const hex = n.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}

/** The inverse of `a` modulo `m`; undefined when there is none. */
function inverse(a: bigint, m: bigint): bigint | undefined {
  let [r, next, s, t] = [m, a % m, 0n, 1n]
  while (next !== 0n) {
    const q = r / next
    ;[r, next, s, t] = [next, r - q * next, t, s - q * t]
  }
  return r === 1n ? ((s % m) + m) % m : undefined
}

/** RSA of 2048 bits whose public exponent is as long as the modulus. */
function slowKey(): string {
  const [p, q] = [generatePrimeSync(1024, { bigint: true }), generatePrimeSync(1024, { bigint: true })]
  const phi = (p - 1n) * (q - 1n)
  let e = (1n << 2030n) + 1n
  let d = inverse(e, phi)
  for (; d === undefined; d = inverse(e, phi)) e += 2n
  const crt = { dp: b64(d % (p - 1n)), dq: b64(d % (q - 1n)), qi: b64(inverse(q, p) ?? 0n) }
  const key = { kty: 'RSA', n: b64(p * q), e: b64(e), d: b64(d), p: b64(p), q: b64(q), ...crt }
  return createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString()
}

function made(name: string, issuer?: string): X509Certificate {
  writeFileSync(join(dir, 'ext'), `${asAuthority.join('\n')}\n`)
  openssl(dir, 'req', '-new', '-key', 'slow.key', '-subj', `/CN=${name}`, '-out', 'csr')
  const signer = issuer === undefined ? ['-signkey', 'slow.key'] : ['-CA', `${issuer}.crt`, '-CAkey', 'slow.key']
  const files = ['-in', 'csr', '-extfile', 'ext', '-out', `${name}.crt`]
  openssl(dir, 'x509', '-req', ...files, ...signer, '-days', '2', '-set_serial', `${name.length}`)
  return new X509Certificate(readFileSync(join(dir, `${name}.crt`)))
}

writeFileSync(join(dir, 'slow.key'), slowKey())

test('a key with an exponent as long as its modulus, in a chain and by itself', () => {
  const chain = ['a', 'aa', 'aaa', 'aaaa'].map((name, i) => made(name, i === 0 ? undefined : name.slice(1)))
  const [top] = chain
  assert.ok(top !== undefined && top.verify(top.publicKey), 'OpenSSL takes it')
  assert.match(costlyKey(top) ?? '', /an exponent of more than 32 bits/)
  assert.match(weakKey(top) ?? '', /an exponent of more than 32 bits/)
  const ders = chain.toReversed().map(({ raw }) => raw)
  const verified = verifyChain(ders, [], new Date())
  assert.ok(!verified.ok)
  // As an authority below a root that is trusted, too: nothing is computed with it.
  const [, ...below] = ders.toReversed()
  const under = verifyChain(below.toReversed(), [top], new Date())
  assert.ok(!under.ok)
  assert.match(under.why, /exponent of more than 32 bits/)
})

test('a modulus of 16,384 bits', () => {
  const huge = { modulusLength: 16_384, publicExponent: 65_537n }
  const certificate: Parameters<typeof costlyKey>[0] = Object.create(X509Certificate.prototype, {
    publicKey: { value: { asymmetricKeyType: 'rsa', asymmetricKeyDetails: huge } },
  })
  assert.match(costlyKey(certificate) ?? '', /16384 bits, more than 8192/)
  assert.match(weakKey(certificate) ?? '', /16384 bits, more than 8192/)
})
