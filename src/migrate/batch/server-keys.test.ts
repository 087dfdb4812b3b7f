import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import type { Ground, SecretAnswer } from './ground.ts'
import { serverKeys } from './server-keys.ts'
import { serverSchema } from './settings.ts'

type Parts = Pick<Ground, 'now' | 'secret'>
const ground = (secrets: Readonly<Record<string, SecretAnswer>>): Parts => ({
  now: Date.now,
  secret: async (name) => secrets[name] ?? { kind: 'absent' },
})
const found = (text: string): SecretAnswer => ({ kind: 'found', value: Buffer.from(text) })
const admin = serverSchema.parse({ host: 'x', login: { kind: 'admin', user: 'boss', password: 'vault:boss' } })

test('the password of an admin comes from the vault, each time anew, without the line end of its file', async () => {
  const secrets: Record<string, SecretAnswer> = { boss: found('one\n') }
  const keys = serverKeys(ground(secrets))
  assert.deepEqual(await keys(admin), { adminPassword: 'one' })
  secrets['boss'] = found(' two \r\n')
  assert.deepEqual(await keys(admin), { adminPassword: ' two ' })
  assert.deepEqual(await keys(serverSchema.parse({ host: 'x' })), {})
})

test('a secret that is not there, or does not open, is told with what to do', async () => {
  await assert.rejects(serverKeys(ground({}))(admin), {
    kind: 'login',
    message: 'there is no secret boss: causeway secret set boss',
  })
  const damaged: SecretAnswer = { kind: 'unknown', why: 'the secret boss does not open' }
  await assert.rejects(serverKeys(ground({ boss: damaged }))(admin), { message: 'the secret boss does not open' })
})

test('tokens of an app, one for all mailboxes; a refusal is a log-in that was refused', async () => {
  let asked = 0
  const server = createServer((request, response) => {
    request.resume()
    asked += 1
    const isKnown = request.url?.startsWith('/contoso.example/') === true
    response.writeHead(isKnown ? 200 : 400, { 'content-type': 'application/json' })
    const bad = { error: 'invalid_request', error_description: 'AADSTS90002: Tenant not found.' }
    response.end(JSON.stringify(isKnown ? { token_type: 'Bearer', access_token: `t${asked}`, expires_in: 3600 } : bad))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => server.close())
  const place = server.address()
  const authority = `http://127.0.0.1:${typeof place === 'object' && place !== null ? place.port : 0}`
  const app = (tenant: string) =>
    serverSchema.parse({ host: 'x', login: { kind: 'oauth', tenant, clientId: 'c', secret: 'vault:app', authority } })
  const keys = serverKeys(ground({ app: found('Zq8\n') }))
  const [one, two] = [await keys(app('contoso.example')), await keys(app('contoso.example'))]
  assert.deepEqual([await one.token?.(), await two.token?.(), asked], ['t1', 't1', 1])
  const { token } = await keys(app('nobody.example'))
  assert.ok(token !== undefined)
  await assert.rejects(token, { kind: 'login', message: /AADSTS90002: Tenant not found\./ })
})
