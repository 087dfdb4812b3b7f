import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { asAuthority, makeCertificate, openssl, type Wanted } from '../../../test/support/openssl.ts'
import { checkCertificate, type Demand, readBundle, readCandidate } from './certificate.ts'

const dir = mkdtempSync(join(tmpdir(), 'check-'))
after(() => rmSync(dir, { recursive: true }))
makeCertificate(dir, 'root', { subject: '/CN=Root', extensions: asAuthority, days: 4000 })
makeCertificate(dir, 'middle', { subject: '/CN=Middle', ca: 'root', extensions: asAuthority, days: 3000 })
const now = new Date(Date.now() + 3_600_000)
const days = (n: number) => new Date(now.getTime() + n * 24 * 3_600_000)
const read = (file: string) => readFileSync(join(dir, file))
const roots = readBundle(read('root.crt'))
let count = 0

const good: Wanted = {
  subject: '/CN=contoso.example',
  ca: 'middle',
  key: 'rsa:2048',
  days: 199,
  extensions: ['subjectAltName=DNS:contoso.example', 'extendedKeyUsage=serverAuth,clientAuth'],
}

function exported(w: Partial<Wanted> = {}, ...args: readonly string[]): Buffer {
  const name = `c${count++}`
  makeCertificate(dir, name, { ...good, ...w })
  const chain = args.includes('alone') ? [] : ['-certfile', 'middle.crt']
  const files = ['-inkey', `${name}.key`, '-in', `${name}.crt`, '-out', `${name}.pfx`, '-passout', 'pass:x', ...chain]
  openssl(dir, 'pkcs12', '-export', ...files, '-name', 'Contoso', ...args.filter((arg) => arg !== 'alone'))
  return read(`${name}.pfx`)
}

/** Each point as `verdict text`, by its name. */
function points(bytes: Buffer, demand: Partial<Demand> = {}, password = 'x'): ReadonlyMap<string, string> {
  const answer = readCandidate(bytes, password)
  assert.ok(answer.ok, answer.ok ? '' : answer.why)
  const found = checkCertificate(answer.candidate, { domains: ['contoso.example'], now, roots, ...demand })
  for (const { verdict, remedy } of found) assert.equal(remedy === '', verdict === 'pass')
  return new Map(found.map(({ point, verdict, text }) => [point, `${verdict} ${text}`]))
}
const only = (bytes: Buffer, point: string, demand: Partial<Demand> = {}) =>
  points(bytes, demand).get(point) ?? 'absent'

test('what a tenant’s certificate should be like passes in every point', () => {
  const found = points(exported(), { until: days(150) })
  assert.deepEqual(
    [...found.keys()],
    [
      'file',
      'private key',
      'name',
      'accepted domain',
      'further names',
      'strength',
      'purposes',
      'chain',
      'validity',
      'project',
      'friendly name',
    ],
  )
  for (const [point, text] of found) assert.match(text, /^pass /, point)
})

test('names: one accepted domain, no wildcard, no further names', () => {
  const named = (...names: string[]) => ({
    subject: `/CN=${names[0]}`,
    extensions: [`subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
  })
  const wild = points(exported(named('*.contoso.example')))
  assert.match(wild.get('name') ?? '', /^failure \*\.contoso\.example is a wildcard/)
  assert.match(wild.get('accepted domain') ?? '', /^failure/)
  assert.match(
    only(exported(named('contoso.example', 'www.contoso.example', 'x.example')), 'further names'),
    /^failure www\.contoso\.example, x\.example/,
  )
  assert.match(
    only(exported(named('other.example')), 'accepted domain'),
    /^failure other\.example is none of contoso\.example/,
  )
  assert.match(only(exported(named('CONTOSO.example')), 'accepted domain'), /^pass/)
  assert.match(only(exported(), 'accepted domain', { domains: [] }), /^warning not compared/)
  assert.match(only(exported(), 'accepted domain', { domains: ['a.example', 'Contoso.Example'] }), /^pass/)
  assert.match(only(exported({ extensions: [] }), 'name'), /^pass contoso\.example/)
  assert.match(only(exported({ subject: '/O=Nobody', extensions: [] }), 'name'), /^failure it names no domain/)
})

test('strength', () => {
  assert.match(only(exported({ key: 'rsa:1024' }), 'strength'), /^failure it has a key of 1024 bits/)
  assert.match(only(exported({ digest: 'sha1' }), 'strength'), /^failure it is signed with SHA-1/)
  assert.match(only(exported({ key: 'ec' }), 'strength'), /^warning a key of the kind prime256v1/)
})

test('purposes: what public authorities no longer write is a warning', () => {
  const purpose = (usage: string) => only(exported({ extensions: [`extendedKeyUsage=${usage}`] }), 'purposes')
  assert.match(purpose('serverAuth'), /^warning server authentication only/)
  assert.match(purpose('clientAuth'), /^failure it is not for server/)
  assert.match(purpose('emailProtection'), /^failure/)
  assert.match(purpose('anyExtendedKeyUsage'), /^pass/)
  assert.match(only(exported({ extensions: [] }), 'purposes'), /^pass/)
})

test('the chain, up to a public root', () => {
  assert.match(only(exported({}, 'alone'), 'chain'), /^failure no trusted authority issued "CN=contoso\.example"/)
  const answer = readCandidate(exported({}, 'alone'), 'x')
  assert.ok(answer.ok)
  const chain = checkCertificate(answer.candidate, { domains: [], now, roots }).find(({ point }) => point === 'chain')
  assert.match(chain?.remedy ?? '', /what is missing is "CN=Middle"/)
  const publicOnly: Demand = { domains: [], now }
  const unknown = checkCertificate(answer.candidate, publicOnly).find(({ point }) => point === 'chain')
  assert.equal(unknown?.verdict, 'failure')
  makeCertificate(dir, 'self', { subject: '/CN=contoso.example' })
  const self = readCandidate(Buffer.concat([read('self.crt'), read('self.key')]), '')
  assert.ok(self.ok)
  assert.match(
    checkCertificate(self.candidate, publicOnly).find(({ point }) => point === 'chain')?.text ?? '',
    /signed itself/,
  )
})

test('dates: the certificate’s, those of its chain, and the end of the project', () => {
  const bytes = exported()
  assert.match(only(bytes, 'validity'), /^pass valid until \d{4}-\d\d-\d\d, 198 days from now/)
  assert.match(only(bytes, 'validity', { now: days(170) }), /^warning .*, 28 days from now/)
  assert.match(only(bytes, 'validity', { now: days(200) }), /^failure expired on/)
  assert.match(only(bytes, 'validity', { now: days(-5) }), /^failure valid from/)
  assert.match(only(bytes, 'project', { until: days(300) }), /^failure valid until .* and the project ends on/)
  assert.match(only(bytes, 'project', { until: days(198) }), /^pass/)
  // A chain that has run out is told once, as what it is.
  assert.match(only(bytes, 'chain', { now: days(200) }), /^pass/)
  assert.match(
    only(exported({ days: 3500 }), 'validity', { now: days(3100) }),
    /^failure "CN=Middle" in its chain: expired/,
  )
})

test('key, password, ciphers, friendly name', () => {
  assert.match(only(exported({}, '-nokeys'), 'private key'), /^failure there is none/)
  assert.match(
    only(exported({}, '-legacy'), 'encryption'),
    /^warning encrypted with (?:RC2-40 and 3DES|3DES and RC2-40)/,
  )
  const open = exported({}, '-passout', 'pass:')
  assert.match(points(open, {}, '').get('file') ?? '', /^warning a PFX without a password/)
  makeCertificate(dir, 'plain', good)
  openssl(
    dir,
    'pkcs12',
    '-export',
    '-inkey',
    'plain.key',
    '-in',
    'plain.crt',
    '-out',
    'plain.pfx',
    '-passout',
    'pass:x',
  )
  assert.match(only(read('plain.pfx'), 'friendly name'), /^warning there is none/)
  assert.match(only(exported({}, 'alone', '-nocerts'), 'file'), /^failure there is no certificate in it/)
})

test('PEM: key and certificates in any order, the key under a password too', () => {
  makeCertificate(dir, 'pem', good)
  openssl(dir, 'pkcs8', '-topk8', '-in', 'pem.key', '-out', 'pem.enc', '-passout', 'pass:x')
  for (const files of [
    ['pem.key', 'middle.crt', 'pem.crt'],
    ['pem.crt', 'middle.crt', 'pem.enc'],
  ]) {
    const found = points(Buffer.concat(files.map(read)))
    for (const [point, text] of found) assert.match(text, /^pass /, `${files.join()}: ${point}`)
  }
  assert.match(only(Buffer.concat([read('pem.crt'), read('middle.crt')]), 'private key'), /^failure there is none/)
  assert.match(only(Buffer.concat([read('pem.crt'), read('middle.key')]), 'private key'), /^failure is that of another/)
  const wrong = readCandidate(Buffer.concat([read('pem.crt'), read('pem.enc')]), 'y')
  assert.ok(!wrong.ok)
  assert.match(wrong.why, /password is wrong/)
})

test('a key in PEM form that would take minutes is not opened either', () => {
  makeCertificate(dir, 'slow', good)
  openssl(
    dir,
    'pkcs8',
    '-topk8',
    '-in',
    'slow.key',
    '-out',
    'slow.der',
    '-outform',
    'DER',
    '-passout',
    'pass:x',
    '-iter',
    '65537',
  )
  const der = Buffer.from(read('slow.der').toString('hex').replace('0203010001', '02037fffff'), 'hex')
  writeFileSync(
    join(dir, 'slow.pem'),
    `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`,
  )
  const start = performance.now()
  const answer = readCandidate(Buffer.concat([read('slow.crt'), read('slow.pem')]), 'x')
  assert.ok(!answer.ok && performance.now() - start < 500)
  assert.match(answer.why, /hashed 8388607 times/)
})
