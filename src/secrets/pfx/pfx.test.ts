import assert from 'node:assert/strict'
import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { asAuthority, makeCertificate, openssl } from '../../../test/support/openssl.ts'
import { type Element, elements, inside, tags } from '../der.ts'
import { readEncryptedKey, readPfx } from './pfx.ts'

const dir = mkdtempSync(join(tmpdir(), 'pfx-'))
after(() => rmSync(dir, { recursive: true }))
makeCertificate(dir, 'root', { subject: '/CN=Root', extensions: asAuthority })
makeCertificate(dir, 'middle', { subject: '/CN=Middle', ca: 'root', extensions: asAuthority })
makeCertificate(dir, 'leaf', { ca: 'middle', key: 'rsa:2048', extensions: ['subjectAltName=DNS:contoso.example'] })
makeCertificate(dir, 'curve', { ca: 'middle' })

const password = 'geheim-ß-秘密'
let count = 0

function exported(args: readonly string[], of = 'leaf', secret = password): Buffer {
  const out = `f${count++}.pfx`
  const files = ['-inkey', `${of}.key`, '-in', `${of}.crt`, '-out', out]
  openssl(dir, 'pkcs12', '-export', ...files, '-passout', `pass:${secret}`, ...args)
  return readFileSync(join(dir, out))
}

function opened(bytes: Buffer, secret = password) {
  const answer = readPfx(bytes, secret)
  assert.ok(answer.ok, answer.ok ? '' : answer.why)
  return answer.pfx
}

function refused(bytes: Buffer, why: RegExp, secret = password): void {
  const answer = readPfx(bytes, secret)
  assert.ok(!answer.ok, 'was opened')
  assert.match(answer.why, why)
  assert.ok(!answer.why.includes(password) && !answer.remedy.includes(password))
}

const forms: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['as OpenSSL 3 exports', [], []],
  ['as OpenSSL 1 and Windows exported for twenty years', ['-legacy'], ['3DES', 'RC2-40']],
  ['3DES for both', ['-legacy', '-descert'], ['3DES']],
  [
    'RC2-128 and 3DES with two keys',
    ['-legacy', '-keypbe', 'PBE-SHA1-RC2-128', '-certpbe', 'PBE-SHA1-2DES'],
    ['3DES with two keys', 'RC2-128'],
  ],
  ['AES-128 with SHA-512', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'sha512'], []],
  ['SHA-384, a block of 128 bytes', ['-macalg', 'sha384', '-iter', '5'], []],
  ['nothing encrypted', ['-keypbe', 'NONE', '-certpbe', 'NONE'], []],
  ['without a seal', ['-nomac'], []],
]
for (const [name, args, old] of forms)
  test(name, () => {
    const pfx = opened(exported([...args, '-name', 'For contoso ü']))
    assert.equal(pfx.friendlyName, 'For contoso ü')
    assert.deepEqual([...pfx.oldCiphers].sort(), old)
    assert.equal(pfx.key?.asymmetricKeyType, 'rsa')
    assert.ok(pfx.key && pfx.certificates[0]?.checkPrivateKey(pfx.key))
    refused(
      exported(args),
      args.includes('NONE') ? /password is wrong/ : /password is wrong|is not a PKCS #12 file/,
      'wrong',
    )
  })

test('keys on curves, in old wrapping too', () => {
  for (const args of [[], ['-legacy']]) assert.equal(opened(exported(args, 'curve')).key?.asymmetricKeyType, 'ec')
})

test('no password at all', () => {
  for (const args of [[], ['-legacy']]) assert.ok(opened(exported(args, 'leaf', ''), '').key)
})

test('the chain in order, without what does not belong to it and without the root', () => {
  openssl(
    dir,
    'req',
    '-x509',
    '-config',
    'req.cnf',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=Stray',
    '-keyout',
    'stray.key',
    '-out',
    'stray.crt',
  )
  const all = ['stray', 'root', 'middle'].flatMap((name) => ['-certfile', `${name}.crt`])
  openssl(dir, 'crl2pkcs7', '-nocrl', ...all, '-out', 'all.p7')
  openssl(dir, 'pkcs7', '-in', 'all.p7', '-print_certs', '-out', 'all.pem')
  const subjects = opened(exported(['-certfile', 'all.pem'])).certificates.map((c) => c.subject)
  assert.deepEqual(subjects, ['CN=leaf', 'CN=Middle'])
})

test('a key alone, a certificate alone', () => {
  const certificate = opened(exported(['-nokeys']))
  assert.equal(certificate.key, undefined)
  assert.equal(certificate.certificates.length, 1)
  const key = opened(exported(['-nocerts']))
  assert.ok(key.key)
  assert.equal(key.certificates.length, 0)
})

// ---- files that mean harm

const enormous = 2 ** 31 - 1

function coded(tag: number, content: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(content.length)
  return Buffer.concat([Buffer.from([tag, 0x84]), size, content])
}
const sequence = (...items: Buffer[]) => coded(0x30, Buffer.concat(items))
function number(n: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt32BE(n, 1)
  return coded(0x02, bytes)
}

/** The file with every whole number `from` in it replaced, wherever it stands; lengths are written anew. */
function patched(bytes: Buffer, from: number, to: number): Buffer {
  const again = (e: Element): Buffer => {
    if (e.tag === tags.integer && e.content.length < 5 && e.content.readUIntBE(0, e.content.length) === from)
      return number(to)
    const within = (e.tag & 0x20) !== 0 ? inside(e) : e.tag === tags.octets ? elements(e.content) : []
    return within.length === 0 ? e.whole : coded(e.tag, Buffer.concat(within.map(again)))
  }
  return Buffer.concat(elements(bytes).map(again))
}

function quickly(job: () => void): void {
  const start = performance.now()
  job()
  assert.ok(performance.now() - start < 1500, `took ${performance.now() - start} ms`)
}

test('a count of minutes is refused before anything is computed, wherever it stands', () => {
  for (const args of [[], ['-legacy'], ['-nomac'], ['-legacy', '-nomac'], ['-macalg', 'sha1']]) {
    const bytes = exported(['-iter', '4242', ...args])
    const why = /would take too long to open: its password is to be hashed 2147483647 times/
    quickly(() => refused(patched(bytes, 4242, enormous), why))
    quickly(() => refused(patched(bytes, 4242, 0), /is not a PKCS #12 file/))
  }
  // The re-encoding itself changes nothing.
  const plain = exported(['-iter', '4242', '-nomac'])
  assert.ok(opened(patched(plain, 4242, 4242)).key)
})

test('a count past every integer, and one below zero', () => {
  const bytes = exported(['-iter', '4242'])
  const hex = patched(bytes, 4242, enormous).toString('hex')
  const negative = Buffer.from(hex.replaceAll('028400000005007fffffff', '028400000005ffffffffff'), 'hex')
  quickly(() => refused(negative, /is not a PKCS #12 file/))
  const endless = Buffer.from(hex.replaceAll('028400000005007fffffff', '0284000000057fffffffff'), 'hex')
  quickly(() => refused(endless, /hashed 549755813887 times/))
})

test('the budget is one million in all', () => {
  const sealed = patched(exported(['-iter', '4242']), 4242, 1_000_001)
  quickly(() => refused(sealed, /hashed 1000001 times, and 1000000 in all is the limit/))
})

const oid = (hex: string) => coded(0x06, Buffer.from(hex, 'hex'))
const octetString = (bytes: Buffer) => coded(0x04, bytes)
const explicit = (content: Buffer) => coded(0xa0, content)
const id = {
  data: oid('2a864886f70d010701'),
  encrypted: oid('2a864886f70d010706'),
  shrouded: oid('2a864886f70d010c0a0102'),
  nested: oid('2a864886f70d010c0a0106'),
  pbes2: oid('2a864886f70d01050d'),
  pbkdf2: oid('2a864886f70d01050c'),
  hmacSha256: oid('2a864886f70d0209'),
  aes256: oid('60864801650304012a'),
}
const salt = Buffer.alloc(8, 7)
const iv = Buffer.alloc(16, 9)

const scheme = (iterations: number) =>
  sequence(
    id.pbes2,
    sequence(
      sequence(id.pbkdf2, sequence(octetString(salt), number(iterations), sequence(id.hmacSha256))),
      sequence(id.aes256, octetString(iv)),
    ),
  )
function enciphered(text: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, 10, 32, 'sha256'), iv)
  return Buffer.concat([cipher.update(text), cipher.final()])
}
/** A file whose bags stand inside what is encrypted, as Windows puts certificates. */
function fileWith(bags: Buffer): Buffer {
  const encrypted = sequence(number(0), sequence(id.data, scheme(10), coded(0x80, enciphered(bags))))
  const safe = sequence(sequence(id.encrypted, explicit(encrypted)))
  return sequence(number(3), sequence(id.data, explicit(octetString(safe))))
}

test('a count that only shows once the outside is decrypted', () => {
  const bomb = sequence(id.shrouded, explicit(sequence(scheme(enormous), octetString(Buffer.alloc(32)))))
  quickly(() => refused(fileWith(sequence(bomb)), /would take too long to open/))
  const deeper = sequence(id.nested, explicit(sequence(bomb)))
  quickly(() => refused(fileWith(sequence(deeper)), /would take too long to open/))
})

test('bags in bags without end', () => {
  let bags = sequence()
  for (let i = 0; i < 500; i += 1) bags = sequence(sequence(id.nested, explicit(bags)))
  quickly(() => refused(fileWith(bags), /is not a PKCS #12 file/))
})

test('a string of bytes in pieces of pieces without end, in a file or a key', () => {
  const nested = (levels: number): Buffer => {
    const heads: Buffer[] = []
    for (let i = 0, length = 0; i < levels; i += 1) {
      const size = Buffer.alloc(5, 0x84)
      size.writeUInt32BE(length, 1)
      heads.push(Buffer.concat([Buffer.of(0x24), size]))
      length += 6
    }
    return Buffer.concat(heads.toReversed())
  }
  quickly(() => refused(sequence(number(3), sequence(id.data, explicit(nested(10_000)))), /is not a PKCS #12 file/))
  const pbes2 = oid('2a864886f70d01050d')
  quickly(() => {
    const answer = readEncryptedKey(sequence(sequence(pbes2, sequence()), nested(100_000)), password)
    assert.ok(!answer.ok)
  })
})

test('PBMAC1, the newer seal', () => {
  const safe = sequence()
  const kdf = sequence(id.pbkdf2, sequence(octetString(salt), number(10), number(32), sequence(id.hmacSha256)))
  const algorithm = sequence(oid('2a864886f70d01050e'), sequence(kdf, sequence(id.hmacSha256)))
  const mac = createHmac('sha256', pbkdf2Sync(password, salt, 10, 32, 'sha256'))
    .update(safe)
    .digest()
  const macData = sequence(sequence(algorithm, octetString(mac)), octetString(Buffer.from('not used')), number(1))
  const file = sequence(number(3), sequence(id.data, explicit(octetString(safe))), macData)
  assert.deepEqual(opened(file).certificates, [])
  refused(file, /password is wrong/, 'wrong')
})

test('too large, and what is no PKCS #12 file', () => {
  refused(Buffer.alloc(64 * 1024 + 1), /has 65537 bytes/)
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('text'),
    readFileSync(join(dir, 'leaf.crt')),
    Buffer.alloc(60_000, 0x30),
  ])
    quickly(() => refused(bytes, /is not a PKCS #12 file/))
  const deep = Buffer.concat([...new Array<Buffer>(20_000).fill(Buffer.from([0x30, 0x80]))])
  quickly(() => refused(deep, /is not a PKCS #12 file/))
})

test('encryption that cannot be read is named, with the way out', () => {
  const answer = readPfx(exported(['-legacy', '-keypbe', 'PBE-SHA1-RC4-128']), password)
  assert.ok(!answer.ok)
  assert.match(answer.why, /uses the encryption 1\.2\.840\.113549\.1\.12\.1\.1/)
  assert.match(answer.remedy, /openssl pkcs12 -legacy/)
})

test('any bytes give an answer, and so does a file with any byte changed', () => {
  const good = exported(['-iter', '3'])
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readPfx(Buffer.from(bytes), 'x')))
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (place, value) => {
      const bytes = Buffer.from(good)
      bytes[place] = value
      const answer = readPfx(bytes, password)
      assert.ok(answer.ok || answer.why !== '')
    }),
    { numRuns: 300 },
  )
})
