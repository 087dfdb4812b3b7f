/** Against a small Entra on the loopback. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { constants, verify, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Credential, makeTokens } from './entra.ts'

type Asked = { readonly path: string; readonly form: URLSearchParams }
type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body: unknown }

async function fakeEntra(answer: (asked: Asked, count: number) => Answer) {
  const asked: Asked[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const one = { path: request.url ?? '', form: new URLSearchParams(Buffer.concat(chunks).toString()) }
    asked.push(one)
    const { status = 200, headers = {}, body } = answer(one, asked.length)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => server.close())
  const place = server.address()
  const port = typeof place === 'object' && place !== null ? place.port : 0
  return { asked, authority: `http://127.0.0.1:${port}` }
}

const token = (name: string, seconds = 3600): Answer => ({
  body: { token_type: 'Bearer', access_token: name, expires_in: seconds },
})
const secret: Credential = { kind: 'secret', secret: 'Zq8~secret' }

function tokensAt(authority: string, credential: Credential = secret) {
  const clock = { at: Date.parse('2026-11-23T08:00:00Z') }
  const scope = 'https://outlook.office365.com/.default'
  const o = { authority, tenant: 'contoso.example', clientId: 'app-1', scope, now: () => clock.at }
  return { clock, tokens: makeTokens({ ...o, credential: async () => credential }) }
}

test('a token is asked for once, however many want it, and again shortly before it ends', async () => {
  const { authority, asked } = await fakeEntra((_, count) => token(`t${count}`))
  const { tokens, clock } = tokensAt(authority)
  const all = await Promise.all(Array.from({ length: 20 }, () => tokens.token()))
  assert.ok(all.every((one) => one.ok && one.token === 't1'))
  const { path, form } = asked[0] ?? assert.fail()
  assert.equal(path, '/contoso.example/oauth2/v2.0/token')
  assert.deepEqual(Object.fromEntries(form), {
    grant_type: 'client_credentials',
    client_id: 'app-1',
    scope: 'https://outlook.office365.com/.default',
    client_secret: 'Zq8~secret',
  })
  clock.at += 54 * 60_000
  assert.deepEqual(await tokens.token(), { ok: true, token: 't1' })
  clock.at += 2 * 60_000
  assert.deepEqual(await tokens.token(), { ok: true, token: 't2' })
  assert.equal(asked.length, 2)
})

test('a refusal is told in the words of Entra, once for a while, without the secret', async () => {
  const body = {
    error: 'invalid_client',
    error_description: 'AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1-2-3',
  }
  const { authority, asked } = await fakeEntra(() => ({ status: 401, body }))
  const { tokens, clock } = tokensAt(authority)
  const answer = await tokens.token()
  assert.deepEqual(answer, {
    ok: false,
    why: 'Entra gave no token (401): invalid_client: AADSTS7000215: Invalid client secret provided.',
    mayPass: false,
  })
  assert.deepEqual(await tokens.token(), answer)
  assert.equal(asked.length, 1)
  clock.at += 16_000
  await tokens.token()
  assert.equal(asked.length, 2)
})

test('too many requests, trouble of theirs and silence may pass', async () => {
  const busy = await fakeEntra(() => ({ status: 429, headers: { 'retry-after': '17' }, body: {} }))
  const answer = await tokensAt(busy.authority).tokens.token()
  assert.deepEqual([answer.ok, !answer.ok && answer.mayPass, !answer.ok && answer.waitMs], [false, true, 17_000])
  const broken = await fakeEntra(() => ({ status: 503, body: '<html>' }))
  const other = await tokensAt(broken.authority).tokens.token()
  assert.deepEqual(other, { ok: false, why: 'Entra gave no token (503): without a reason', mayPass: true })
  const silent = await tokensAt('http://127.0.0.1:1').tokens.token()
  assert.ok(!silent.ok && silent.mayPass && silent.why.startsWith('http://127.0.0.1:1 does not answer'))
})

test('an answer that is no token is none: too long, of another type, sent elsewhere', async () => {
  for (const answer of [
    { body: 'x'.repeat(300_000) },
    { body: { token_type: 'mac', access_token: 'x' } },
    { body: [] },
    { body: 'null' },
    { status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: {} },
  ]) {
    const { authority } = await fakeEntra(() => answer)
    assert.equal((await tokensAt(authority).tokens.token()).ok, false)
  }
})

test('a certificate in place of a secret: signed for this authority, in the form that Entra wants', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'entra-'))
  after(() => rmSync(dir, { recursive: true }))
  const [key, crt] = [join(dir, 'k.pem'), join(dir, 'c.pem')]
  const subject = ['-subj', '/CN=app', '-days', '2', '-newkey', 'rsa:2048', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', crt], { stdio: 'ignore' })
  const pem = readFileSync(key, 'utf8') + readFileSync(crt, 'utf8')
  const { authority, asked } = await fakeEntra(() => token('by certificate'))
  const { tokens, clock } = tokensAt(authority, { kind: 'certificate', pem })
  assert.deepEqual(await tokens.token(), { ok: true, token: 'by certificate' })
  const form = asked[0]?.form ?? assert.fail()
  assert.equal(form.get('client_secret'), null)
  assert.equal(form.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  const [head = '', body = '', signature = ''] = (form.get('client_assertion') ?? '').split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const certificate = new X509Certificate(readFileSync(crt))
  const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
  assert.deepEqual(read(head), { alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint })
  const claims = read(body)
  assert.equal(claims.aud, `${authority}/contoso.example/oauth2/v2.0/token`)
  assert.deepEqual([claims.iss, claims.sub], ['app-1', 'app-1'])
  assert.ok(claims.exp > clock.at / 1000 && claims.nbf <= clock.at / 1000)
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  const made = { key: certificate.publicKey, ...padding }
  assert.ok(verify('sha256', Buffer.from(`${head}.${body}`), made, Buffer.from(signature, 'base64url')))
})

test('a PEM that does not fit is told as such, and nothing is sent', async () => {
  const { authority, asked } = await fakeEntra(() => token('never'))
  for (const pem of [
    '',
    'Zq8',
    '-----BEGIN PRIVATE KEY-----\nZq8\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nZq8\n-----END CERTIFICATE-----',
  ]) {
    const answer = await tokensAt(authority, { kind: 'certificate', pem }).tokens.token()
    assert.ok(!answer.ok && !answer.mayPass)
    assert.doesNotMatch(answer.why, /Zq8/)
  }
  assert.equal(asked.length, 0)
})
