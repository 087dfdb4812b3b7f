/** Every operation that changes something leaves one record; those that change nothing leave none. Walked from the document. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type LabGraph, startLabGraph } from '../src/lab/graph/graph.ts'
import { readContacts } from '../src/migrate/contacts/contacts.ts'
import { type DeskStage, setDesk } from './support/desk.ts'

let stage: DeskStage
let lab: LabGraph
before(async () => {
  stage = await setDesk()
  lab = await startLabGraph()
  lab.domains.set('shared.example', { isVerified: true, txt: '' })
  lab.users.push({ id: 'u', userPrincipalName: 'john@shared.example', proxyAddresses: [], assignedLicenses: [] })
  stage.desk.vault.write('project', 'graph', Buffer.from('app secret'), 'test')
  writeFileSync(join(stage.dir, 'one.csv'), 'Source,Target,Mode\nzoe@tenant1.example,zoe@tenant2.example,DayOne\n')
})
after(async () => {
  await stage[Symbol.asyncDispose]()
  await lab.stop()
})

type Sample = {
  readonly path?: string
  readonly body?: object
  readonly what: string
  readonly prepare?: () => Promise<unknown>
}

const address = 'john@shared.example'
const release = '/v1/domains/shared.example/release'
const held = () => stage.put({ to: [{ address: 'x@shared.example', state: 'held', cause: 'domain' }] })

const csv = Buffer.from(
  'EmailAddress,UserName,Password,TargetPassword\na@b.example,a,not-told-a,not-told-b\n',
).toString('base64')
const nowhere = (port: number) => ({ host: '127.0.0.1', port, security: 'none' })
const settings = { source: nowhere(1), target: nowhere(2), notify: ['it@tenant1.example'] }
const batch = { name: 'moving', csv, settings }
const moving = (order: string) => `/v1/migrations/moving${order}`

const access = () => ({
  tenant: 'contoso.example',
  clientId: 'app',
  secret: 'vault:graph',
  authority: lab.authority,
  graph: lab.base,
})
const empty = { department: '', jobTitle: '', mobilePhone: '', aliases: [] }
const account = {
  line: 2,
  userPrincipalName: 'new@shared.example',
  displayName: 'New',
  given: '',
  family: '',
  ...empty,
}
const accounts = () => ({ access: access(), accounts: [account], settings: { usageLocation: 'DE' } })
const { contacts: people } = readContacts(Buffer.from('Name,Email\nMary,m@x.example\n'))
const contacts = people.map(({ contact }) => contact)

/** A request that does something, for each operation other than GET. */
const samples = (): Readonly<Record<string, Sample | 'changes nothing'>> => ({
  'PUT /v1/project': { body: { file: join(stage.dir, 'project.yaml') }, what: 'project.apply' },
  'POST /v1/project/differences': 'changes nothing',
  'POST /v1/explain': 'changes nothing',
  'POST /v1/directory': {
    body: { put: [{ internal: 'nina@tenant1.example', external: 'nina@shared.example' }] },
    what: 'directory.change',
  },
  'POST /v1/directory/import': { body: { file: join(stage.dir, 'one.csv') }, what: 'directory.import' },
  'POST /v1/directory/mode': { body: { address: 'zoe@tenant1.example', mode: 'DayTwo' }, what: 'directory.mode' },
  'POST /v1/directory/move': { body: { address, tenant: 'tenant2' }, what: 'directory.move' },
  'PUT /v1/domains/{name}/mode': {
    path: '/v1/domains/shared.example/mode',
    body: { mode: 'hold' },
    what: 'domain.mode',
  },
  'POST /v1/dkim/{domain}': { path: '/v1/dkim/shared.example', what: 'dkim.create' },
  'POST /v1/dkim/{domain}/rotate': { path: '/v1/dkim/shared.example/rotate', what: 'dkim.rotate' },
  'POST /v1/domains/{name}/release': { path: release, body: {}, what: 'domain.release', prepare: held },
  'DELETE /v1/domains/{name}/release': {
    path: release,
    what: 'domain.release.end',
    prepare: () =>
      stage.queue.orderRelease({ domain: 'shared.example', whenAccepted: false, perMinute: 1, by: 'test' }),
  },
  'POST /v1/domains/{name}/attempts/done': {
    path: '/v1/domains/shared.example/attempts/done',
    what: 'domain.attempts.done',
    prepare: () =>
      stage.queue.attempted({
        domain: 'shared.example',
        at: stage.queue.now(),
        address: '192.0.2.1',
        helo: 'mx.example',
        tls: '',
        sender: 'a@b.example',
        recipient: address,
      }),
  },
  'PUT /v1/secrets/{name}': { path: '/v1/secrets/one', body: { value: 'bm90IHRvbGQ=' }, what: 'secret.set' },
  'DELETE /v1/secrets/{name}': { path: '/v1/secrets/one', what: 'secret.remove' },
  'POST /v1/secrets/rotate-key': { what: 'secret.rotate-key' },
  'POST /v1/queue/hold': { body: { all: true }, what: 'queue.hold', prepare: () => stage.put({}) },
  'POST /v1/queue/release': { body: { all: true }, what: 'queue.release', prepare: held },
  'POST /v1/queue/retry': { body: { all: true }, what: 'queue.retry', prepare: () => stage.put({}) },
  'POST /v1/queue/return': { body: { all: true }, what: 'queue.return', prepare: () => stage.put({}) },
  'POST /v1/queue/drop': { body: { all: true }, what: 'queue.drop', prepare: () => stage.put({}) },
  'POST /v1/migrations/validate': 'changes nothing',
  'POST /v1/migrations': { body: batch, what: 'migrate.create' },
  'PUT /v1/migrations/{name}/settings': { path: moving('/settings'), body: settings, what: 'migrate.settings' },
  'POST /v1/migrations/{name}/check': { path: moving('/check'), body: {}, what: 'migrate.check' },
  'POST /v1/migrations/{name}/start': { path: moving('/start'), body: {}, what: 'migrate.start' },
  'POST /v1/migrations/{name}/pause': { path: moving('/pause'), body: { for: '2h' }, what: 'migrate.pause' },
  'POST /v1/migrations/{name}/resume': { path: moving('/resume'), body: {}, what: 'migrate.resume' },
  'POST /v1/migrations/{name}/retry': { path: moving('/retry'), body: { csv }, what: 'migrate.retry' },
  'POST /v1/migrations/{name}/report': { path: moving('/report'), body: {}, what: 'migrate.report' },
  'POST /v1/migrations/{name}/stop': { path: moving('/stop'), body: {}, what: 'migrate.stop' },
  'POST /v1/migrations/{name}/complete': { path: moving('/complete'), body: {}, what: 'migrate.complete' },
  'POST /v1/accounts/plan': 'changes nothing',
  'POST /v1/accounts': { body: accounts(), what: 'accounts.create' },
  'POST /v1/accounts/passwords': { body: {}, what: 'accounts.passwords' },
  'POST /v1/accounts/domain': { body: { access: access(), domain: 'new.example' }, what: 'accounts.domain' },
  'POST /v1/contacts': { body: { access: access(), user: address, contacts }, what: 'contacts.put' },
  'DELETE /v1/migrations/{name}': { path: moving(''), what: 'migrate.remove' },
})

type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> }

async function mutating(): Promise<readonly string[]> {
  const { paths }: Document = (await stage.ask('GET', '/v1/openapi.json')).json
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).flatMap((method) => (method === 'get' ? [] : [`${method.toUpperCase()} ${path}`])),
  )
}
const records = () => stage.desk.audit.find({ limit: 1000 })

test('each operation of the document that changes something writes exactly one record', async () => {
  const known = samples()
  assert.deepEqual(
    [...(await mutating())].sort(),
    Object.keys(known).sort(),
    'an operation without a sample here, or the reverse',
  )
  for (const [operation, sample] of Object.entries(known)) {
    if (sample === 'changes nothing') continue
    await sample.prepare?.()
    const [method = '', template = ''] = operation.split(' ')
    const sizeBefore = records().length
    const asked = await stage.ask(method as 'POST', sample.path ?? template, sample.body)
    assert.equal(asked.status, 200, `${operation}: ${asked.text}`)
    const [newest, ...older] = records()
    assert.equal(older.length, sizeBefore, operation)
    assert.ok(newest !== undefined)
    assert.deepEqual([newest.what, newest.by, newest.from], [sample.what, 'api (ann)', '127.0.0.1'], operation)
    assert.ok(newest.object !== '' && newest.after !== '', operation)
  }
  assert.deepEqual((await stage.ask('GET', '/v1/audit/verify')).json.ok, true)
})

test('what is refused, and what is only tried, is no record', async () => {
  const sizeBefore = records().length
  const file = join(stage.dir, 'one.csv')
  for (const [method, path, body, status] of [
    ['POST', '/v1/directory/import', { file, dryRun: true }, 200],
    ['POST', '/v1/project/differences', { file: join(stage.dir, 'project.yaml') }, 200],
    ['POST', '/v1/explain', { from: address, to: ['x@partner.example'] }, 200],
    ['POST', '/v1/directory/mode', { address: 'nobody@nowhere.example', mode: 'Done' }, 422],
    ['PUT', '/v1/project', { file: '/nowhere/project.yaml' }, 422],
    ['PUT', '/v1/domains/nowhere.example/mode', { mode: 'hold' }, 404],
    ['POST', '/v1/queue/drop', {}, 400],
    ['POST', '/v1/dkim/waiting.example', undefined, 409],
  ] as const)
    assert.equal((await stage.ask(method, path, body)).status, status, path)
  assert.equal(records().length, sizeBefore)
})

test('no secret stands in a record', () => {
  assert.doesNotMatch(
    JSON.stringify(records()),
    /only-tenant1-knows|PRIVATE KEY|only-for-this-test|bm90IHRvbGQ|not[- ]told|bm90LXRvbGQ/,
  )
})

test('an operator can claim a name, and nothing but a name', async () => {
  assert.equal(records()[0]?.by, 'api (ann)')
})

test('newest first, page by page, since a time', async () => {
  const first = (await stage.ask('GET', '/v1/audit?limit=2')).json
  assert.equal(first.records.length, 2)
  assert.ok(first.records[0].id > first.records[1].id)
  const second = (await stage.ask('GET', `/v1/audit?limit=2&before=${first.next}`)).json
  assert.ok(second.records[0].id < first.records[1].id)
  assert.deepEqual((await stage.ask('GET', '/v1/audit?since=2030-01-01')).json, { records: [] })
  assert.equal((await stage.ask('GET', '/v1/audit?since=yesterday')).status, 400)
})

test('an audit that was changed says so', async () => {
  stage.db.run('DROP TRIGGER audit_is_not_edited')
  stage.db.run("UPDATE audit SET who = 'somebody else' WHERE id = 2")
  const { json } = await stage.ask('GET', '/v1/audit/verify')
  assert.deepEqual([json.ok, json.id], [false, 2])
  assert.match(json.why, /record 2 is not as it was written/)
})

test('what was done and could not be recorded is told as such', async () => {
  stage.db.run("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
  await stage.put({})
  const asked = await stage.ask('POST', '/v1/queue/hold', { all: true })
  assert.equal(asked.status, 500)
  assert.match(asked.json.title, /was done, but could not be written to the audit/)
  assert.ok(
    stage.log.some(([level, what, facts]) => level === 'error' && what === 'audit' && facts['what'] === 'queue.hold'),
  )
})
