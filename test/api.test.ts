/** The API of the running gateway, as a client sees it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { layProject, type Stage, setStage } from './support/commands.ts'
import { runCauseway, startGateway } from './support/gateway.ts'

let stage: Stage
before(async () => {
  stage = await setStage()
})
after(() => stage[Symbol.asyncDispose]())

type Asked = { readonly status: number; readonly type: string; readonly text: string }
async function ask(path: string, token: string | undefined, method = 'GET', body?: unknown): Promise<Asked> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const response = await fetch(new URL(path, stage.gateway.url), request)
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  }
}

test('the token and the address of the API are for their owner only', () => {
  for (const name of ['api.token', 'api.url'])
    assert.equal(statSync(join(stage.gateway.data, name)).mode & 0o777, 0o600, name)
  assert.equal(statSync(join(stage.gateway.data, 'causeway.db')).mode & 0o077, 0)
})

test('without the token, or with a wrong one, nothing is told', async () => {
  const { token } = stage.gateway
  for (const wrong of [undefined, '', 'wrong', `${token}x`, token.slice(1)]) {
    const refused = await ask('/v1/project', wrong)
    assert.equal(refused.status, 401)
    assert.match(refused.type, /^application\/problem\+json/)
    assert.doesNotMatch(refused.text, /tenant1/)
  }
  assert.equal((await ask('/v1/project', token)).status, 200)
})

test('health, readiness and figures are told to everybody', async () => {
  assert.deepEqual(JSON.parse((await ask('/v1/health', undefined)).text), { ok: true, why: [], warnings: [] })
  assert.deepEqual(JSON.parse((await ask('/v1/ready', undefined)).text), { ok: true, why: [] })
})

test('a page of the web that calls the API by a name of its own is told nothing', async () => {
  const { url, token } = stage.gateway
  const { port, hostname } = new URL(url)
  const status = (path: string, host: string, more = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: Number(port), host: hostname })
      socket.on('error', reject).once('data', (data: Buffer) => {
        resolve(data.toString().slice(9, 12))
        socket.destroy()
      })
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`)
    })
  for (const path of ['/v1/health', '/v1/ready', '/metrics', '/v1/openapi.json']) {
    for (const host of [`evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example', '192.0.2.1', ''])
      assert.equal(await status(path, host), '401', `${path} by ${host}`)
    for (const host of [`127.0.0.1:${port}`, `LOCALHOST:${port}`, 'localhost', '[::1]:8025', '127.0.0.1'])
      assert.equal(await status(path, host), '200', `${path} by ${host}`)
    assert.equal(await status(path, 'gw.example.net', `Authorization: Bearer ${token}\r\n`), '200', path)
  }
})

test('a query may name thousands of messages', async () => {
  const ids = Array.from({ length: 5000 }, (_, i) => `ids=01965b0e-0000-7000-8000-${String(i).padStart(12, '0')}`)
  const preview = await ask(`/v1/queue/preview?action=drop&${ids.join('&')}`, stage.gateway.token)
  assert.deepEqual([preview.status, JSON.parse(preview.text).recipients], [200, 0])
})

test('without a project the gateway is alive and not ready', async () => {
  const data = mkdtempSync(join(tmpdir(), 'causeway-'))
  const empty = await startGateway({ data })
  try {
    const ready = await fetch(`${empty.url}/v1/ready`)
    assert.equal(ready.status, 503)
    assert.match(await ready.text(), /causeway apply FILE/)
    assert.equal((await fetch(`${empty.url}/v1/health`)).status, 200)
    const refused = await empty.run('export')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /no project is applied yet: causeway apply FILE/)
  } finally {
    assert.equal(await empty.stop(), 0)
    rmSync(data, { recursive: true })
  }
})

test('a queue.db that is not there any more is no new beginning like the first one', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-'))
  const data = join(dir, 'data')
  const project = layProject(dir, 2525)
  const logOf = async (): Promise<string> => {
    const gateway = await startGateway({ data, project })
    assert.equal(await gateway.stop(), 0)
    return gateway.log()
  }
  const isSaid = /queue\.db was not there and is begun anew/
  assert.doesNotMatch(await logOf(), isSaid)
  assert.doesNotMatch(await logOf(), isSaid)
  rmSync(join(data, 'queue.db'))
  assert.match(await logOf(), isSaid)
  rmSync(dir, { recursive: true })
})

test('the API listens on loopback only', async () => {
  const data = mkdtempSync(join(tmpdir(), 'causeway-'))
  for (const place of ['0.0.0.0:0', '[::]:0', '192.0.2.1:8025', 'gw.example.net:8025']) {
    const refused = await runCauseway(['serve', '--data', data, '--smtp', '127.0.0.1:0', '--http', place])
    assert.equal(refused.code, 2, place)
    assert.match(refused.err, /loopback/)
  }
  rmSync(data, { recursive: true })
})

test('figures are in the text format of Prometheus', async () => {
  const { text, type } = await ask('/metrics', undefined)
  assert.match(type, /^text\/plain; version=0\.0\.4/)
  const described = new Map<string, string>()
  for (const line of text.trimEnd().split('\n')) {
    const declared = /^# TYPE (\w+) (counter|gauge)$/.exec(line)
    if (declared?.[1] !== undefined) described.set(declared[1], line)
    if (line.startsWith('#')) assert.match(line, /^# (?:TYPE \w+ (?:counter|gauge)|HELP \w+ \S.*)$/)
    else {
      const sample = /^(\w+)(?:\{\w+="[^"\\\n]*"(?:,\w+="[^"\\\n]*")*\})? \d+(?:\.\d+)?$/.exec(line)
      assert.ok(described.has(sample?.[1] ?? ''), line)
    }
  }
  assert.ok(described.has('causeway_messages_total'))
})

type Operation = {
  readonly summary?: string
  readonly security?: readonly unknown[]
  readonly requestBody?: unknown
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema?: unknown }[]
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: unknown }>>
}
type OpenApi = {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: unknown
}
const document = async (): Promise<OpenApi> => JSON.parse((await ask('/v1/openapi.json', undefined)).text)

test('the OpenAPI document lists exactly these operations', async () => {
  const { paths, openapi, info } = await document()
  assert.match(openapi, /^3\.1\.\d$/)
  assert.ok(info.title !== '' && info.version !== '')
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(operations.sort(), [
    'DELETE /v1/domains/{name}/release',
    'DELETE /v1/migrations/{name}',
    'DELETE /v1/secrets/{name}',
    'GET /metrics',
    'GET /v1/audit',
    'GET /v1/audit/verify',
    'GET /v1/directory',
    'GET /v1/directory/check',
    'GET /v1/dkim',
    'GET /v1/domains',
    'GET /v1/domains/{name}/attempts',
    'GET /v1/domains/{name}/attempts.csv',
    'GET /v1/domains/{name}/dns',
    'GET /v1/domains/{name}/release',
    'GET /v1/health',
    'GET /v1/lanes',
    'GET /v1/migrations',
    'GET /v1/migrations/{name}',
    'GET /v1/migrations/{name}/progress',
    'GET /v1/migrations/{name}/proposed',
    'GET /v1/migrations/{name}/report',
    'GET /v1/migrations/{name}/report.csv',
    'GET /v1/migrations/{name}/users',
    'GET /v1/migrations/{name}/users/{email}',
    'GET /v1/migrations/{name}/users/{email}/skipped',
    'GET /v1/project',
    'GET /v1/queue',
    'GET /v1/queue/preview',
    'GET /v1/queue/totals',
    'GET /v1/queue/{id}',
    'GET /v1/ready',
    'GET /v1/secrets',
    'GET /v1/trace',
    'GET /v1/trace.csv',
    'POST /v1/accounts',
    'POST /v1/accounts/domain',
    'POST /v1/accounts/passwords',
    'POST /v1/accounts/plan',
    'POST /v1/contacts',
    'POST /v1/directory',
    'POST /v1/directory/import',
    'POST /v1/directory/mode',
    'POST /v1/directory/move',
    'POST /v1/dkim/{domain}',
    'POST /v1/dkim/{domain}/rotate',
    'POST /v1/domains/{name}/attempts/done',
    'POST /v1/domains/{name}/release',
    'POST /v1/explain',
    'POST /v1/migrations',
    'POST /v1/migrations/validate',
    'POST /v1/migrations/{name}/check',
    'POST /v1/migrations/{name}/complete',
    'POST /v1/migrations/{name}/pause',
    'POST /v1/migrations/{name}/report',
    'POST /v1/migrations/{name}/resume',
    'POST /v1/migrations/{name}/retry',
    'POST /v1/migrations/{name}/start',
    'POST /v1/migrations/{name}/stop',
    'POST /v1/project/differences',
    'POST /v1/queue/drop',
    'POST /v1/queue/hold',
    'POST /v1/queue/release',
    'POST /v1/queue/retry',
    'POST /v1/queue/return',
    'POST /v1/secrets/rotate-key',
    'PUT /v1/domains/{name}/mode',
    'PUT /v1/migrations/{name}/settings',
    'PUT /v1/project',
    'PUT /v1/secrets/{name}',
  ])
})

test('each operation says what it does, what it takes and what it answers', async () => {
  const { paths } = await document()
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, o] of Object.entries(methods)) {
      const name = `${method} ${path}`
      assert.ok((o.summary ?? '').length > 5, `${name}: summary`)
      const ok = o.responses?.['200']
      assert.ok(ok?.description !== undefined && ok.content !== undefined, `${name}: response`)
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
      const declared = (o.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name)
      assert.deepEqual(declared, named, `${name}: parameters`)
      assert.ok(
        (o.parameters ?? []).every((p) => p.schema !== undefined),
        `${name}: schemas of parameters`,
      )
      const takesNothing =
        method === 'get' || method === 'delete' || path.startsWith('/v1/dkim/') || path.endsWith('/rotate-key')
      assert.ok(takesNothing || o.requestBody !== undefined, `${name}: request`)
    }
  }
})

test('every reference in the document leads somewhere', async () => {
  const whole = await document()
  const follow = (reference: string): unknown =>
    reference
      .slice(2)
      .split('/')
      .reduce<unknown>((at, step) => Reflect.get(Object(at), step.replaceAll('~1', '/').replaceAll('~0', '~')), whole)
  for (const [, reference = ''] of JSON.stringify(whole).matchAll(/"\$ref":"([^"]+)"/g))
    assert.notEqual(follow(reference), undefined, reference)
})

test('a request that does not fit its schema is told so', async () => {
  const { token } = stage.gateway
  const asked = await ask('/v1/directory/mode', token, 'POST', { address: 'john@shared.example', mode: 'Tomorrow' })
  assert.equal(asked.status, 400)
  assert.match(asked.type, /^application\/problem\+json/)
  assert.match(JSON.parse(asked.text).detail, /openapi\.json/)
  assert.equal((await ask('/v1/nothing', token)).status, 404)
  assert.equal((await ask('/v1/trace?since=yesterday', token)).status, 400)
})

test('entries are put and removed, all or nothing', async () => {
  const { token } = stage.gateway
  const one = { internal: 'nina@tenant1.example', external: 'nina@shared.example' }
  const clash = { internal: 'other@tenant1.example', external: 'mary@shared.example' }
  const size = async (): Promise<number> => JSON.parse((await ask('/v1/directory', token)).text).size
  const sizeBefore = await size()
  const refused = await ask('/v1/directory', token, 'POST', { put: [one, clash] })
  assert.equal(refused.status, 422)
  assert.ok(JSON.parse(refused.text).problems.length > 0)
  assert.equal(await size(), sizeBefore)
  assert.equal((await ask('/v1/directory', token, 'POST', { put: [one] })).status, 200)
  assert.equal(await size(), sizeBefore + 1)
  assert.equal((await ask('/v1/directory', token, 'POST', { remove: ['nina@shared.example'] })).status, 200)
  assert.equal(await size(), sizeBefore)
})
