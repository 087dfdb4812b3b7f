/** The mailbox move by the API: what is asked and answered, page by page, and what no answer holds. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type DeskStage, setDesk } from './support/desk.ts'

let stage: DeskStage
before(async () => {
  stage = await setDesk()
})
after(() => stage[Symbol.asyncDispose]())

const rows = Array.from({ length: 250 }, (_, i) => `u${i}@tenant2.example,u${i},Zq8-${i},Zq8-${i}`)
const csvOf = (...lines: readonly string[]): string =>
  Buffer.from(['EmailAddress,UserName,Password,TargetPassword', ...lines, ''].join('\n')).toString('base64')
const nowhere = (port: number) => ({ host: '127.0.0.1', port, security: 'none' })
const settings = { source: nowhere(1), target: nowhere(2) }
const ask = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) =>
  stage.ask(method, `/v1/migrations${path}`, body)

test('a batch is made of a file, and is nothing but Created', async () => {
  assert.deepEqual((await ask('GET', '')).json, { batches: [] })
  const made = await ask('POST', '', { name: 'one', csv: csvOf(...rows), settings })
  assert.deepEqual([made.status, made.json], [200, { text: '250 mailboxes in the file', warnings: [] }])
  const { json } = await ask('GET', '/one')
  assert.deepEqual(
    [json.status, json.mailboxes, json.chosen, json.percent, json.summary.Stopped, json.createdBy],
    ['Created', 250, 250, 0, 250, 'api (ann)'],
  )
  assert.equal(json.settings.intervalMinutes, 1440)
  assert.equal((await ask('POST', '', { name: 'ONE', csv: csvOf(...rows), settings })).status, 409)
  assert.deepEqual((await ask('GET', '/ONE/progress')).json.name, 'one')
})

test('mailboxes page by page, by state and by part of the address', async () => {
  const first = (await ask('GET', '/one/users?limit=100')).json
  assert.equal(first.users.length, 100)
  const second = (await ask('GET', `/one/users?limit=100&after=${first.next}`)).json
  assert.equal(second.users[0].email, 'u100@tenant2.example')
  const last = (await ask('GET', `/one/users?limit=100&after=${second.next}`)).json
  assert.deepEqual([last.users.length, last.next], [50, undefined])
  assert.equal((await ask('GET', '/one/users?like=U24')).json.users.length, 11)
  assert.equal((await ask('GET', '/one/users?status=Synced')).json.users.length, 0)
  assert.equal((await ask('GET', '/one/users?summary=Stopped&limit=5')).json.users.length, 5)
  assert.equal((await ask('GET', '/one/users?status=Nonsense')).status, 400)
  const user = (await ask('GET', '/one/users/U7@tenant2.example')).json
  assert.deepEqual([user.row, user.status, user.servers.source], [9, 'Stopped', '127.0.0.1:1'])
  assert.deepEqual((await ask('GET', '/one/users/u7@tenant2.example/skipped')).json, { items: [] })
  assert.equal((await ask('GET', '/one/users/nobody@tenant2.example')).status, 404)
})

test('a file with mistakes: each with its row, and nothing is made', async () => {
  const bad = { name: 'two', csv: csvOf('no address,a,Zq8,Zq8', 'b@n.example,b,,Zq8'), csvName: 'users.csv', settings }
  for (const path of ['', '/validate']) {
    const { status, json } = await ask('POST', path, bad)
    assert.equal(status, 422)
    assert.deepEqual(
      json.problems.map(({ file, line, text }: { file: string; line: number; text: string }) => [file, line, text]),
      [
        ['users.csv', 2, 'EmailAddress: it is no address'],
        ['users.csv', 3, 'Password: it is empty'],
      ],
    )
  }
  assert.equal((await ask('GET', '/two')).status, 404)
  const trial = await ask('POST', '/validate', { csv: csvOf(...rows), settings })
  assert.deepEqual([trial.status, trial.json.text], [200, '250 mailboxes in the file'])
})

test('settings that cannot be are refused with a reason', async () => {
  const tries: readonly (readonly [object, number, RegExp])[] = [
    [{ ...settings, source: { ...nowhere(1), security: 'ssl' } }, 400, /security/],
    [{ ...settings, unknown: 1 }, 400, /unknown/i],
    [{ ...settings, notify: ['who@stranger.example'] }, 409, /who@stranger\.example/],
    [
      {
        ...settings,
        source: { ...nowhere(1), login: { kind: 'admin', user: 'a', password: 'vault:dkim/x.example/cw1' } },
      },
      409,
      /named after it, so that no other server hears it/,
    ],
    [
      { ...settings, source: { ...nowhere(1), login: { kind: 'admin', user: 'a', password: 'Zq8' } } },
      400,
      /vault:NAME/,
    ],
    [
      { ...settings, target: { host: 'x', login: { kind: 'oauth', tenant: 't', clientId: 'c' } } },
      409,
      /secret or its certificate/,
    ],
    [
      {
        ...settings,
        target: {
          host: 'x',
          login: { kind: 'oauth', tenant: 't', clientId: 'c', secret: 'vault:s', authority: 'http://evil.example' },
        },
      },
      400,
      /no authority of Microsoft/,
    ],
  ]
  for (const [wrong, status, said] of tries) {
    const answer = await ask('POST', '', { name: 'three', csv: csvOf(...rows), settings: wrong })
    assert.equal(answer.status, status, JSON.stringify(wrong))
    assert.match(answer.text, said)
  }
  for (const name of ['', '../x', 'a b', 'x'.repeat(65)])
    assert.equal((await ask('POST', '', { name, csv: csvOf(...rows), settings })).status, 400)
})

test('the lists of a report, as CSV', async () => {
  const report = (await ask('GET', '/one/report')).json
  assert.match(report.text, /^Migration batch one: Created\n/)
  const errors = await ask('GET', '/one/report.csv?kind=errors')
  assert.match(errors.text, /^RowIndex,EmailAddress,/)
  assert.equal((await ask('GET', '/one/report.csv')).text.trim().split('\r\n').length, 251)
  assert.equal((await ask('GET', '/one/report.csv?kind=passwords')).status, 400)
})

test('what cannot be done says what can', async () => {
  for (const [path, status, said] of [
    ['/nothing/start', 404, /causeway migrate list/],
    ['/one/resume', 409, /is Created, not paused/],
    ['/one/complete', 409, /causeway migrate start one/],
    ['/one/report', 409, /nobody to be told/],
  ] as const) {
    const answer = await ask('POST', path, {})
    assert.equal(answer.status, status)
    assert.match(answer.text, said)
  }
})

test('a server that does not answer is tried again, and the rest of the batch waits for nobody', async () => {
  assert.equal((await ask('POST', '/one/start', { test: 2 })).json.text, '2 of 250 mailboxes started')
  const waiting = async (): Promise<string> => {
    for (let tries = 0; tries < 200; tries += 1) {
      const { users } = (await ask('GET', '/one/users?status=Queued')).json
      if (users[0]?.trouble !== undefined) return users[0].statusWhy
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return 'never'
  }
  assert.match(await waiting(), /^tried again in 1m: (?:source|target) 127\.0\.0\.1:[12]: /)
  assert.equal((await ask('POST', '/one/pause', {})).status, 200)
  assert.equal((await ask('GET', '/one')).json.status, 'Stopped')
})

test('no password is in any answer, in the audit or in the log', async () => {
  for (const path of [
    '',
    '/one',
    '/one/progress',
    '/one/users?limit=1000',
    '/one/users/u7@tenant2.example',
    '/one/report',
  ])
    assert.doesNotMatch((await ask('GET', path)).text, /Zq8/, path)
  assert.doesNotMatch(JSON.stringify(stage.desk.audit.find({ limit: 1000 })), /Zq8/)
  assert.doesNotMatch(JSON.stringify(stage.log), /Zq8/)
})

test('what is removed is gone, and its key with it', async () => {
  assert.equal(stage.desk.vault.list('batch').length, 1)
  assert.equal((await ask('DELETE', '/one')).status, 200)
  assert.equal((await ask('GET', '/one')).status, 404)
  assert.equal(stage.desk.vault.list('batch').length, 0)
})
