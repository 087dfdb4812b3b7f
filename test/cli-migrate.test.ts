/** The mailbox move as an operator types it: the real program, two real Dovecots, reports to a mailbox of the project. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import PostalMime from 'postal-mime'
import { runCli } from '../src/cli/cli.ts'
import { type Stage, setStage } from './support/commands.ts'
import { type Dovecot, startDovecot } from './support/dovecot.ts'
import { runCauseway } from './support/gateway.ts'
import { makeMailbox } from './support/mail-corpus.ts'
import { missing, until } from './support/program.ts'

const skip = missing('dovecot')
const count = 4
const names = Array.from({ length: count }, (_, i) => `u${i}`)
const of = (text: (name: string) => string) => Object.fromEntries(names.map((name) => [text(name), `Zq8-${name}`]))

let dir: string
let stage: Stage
let source: Dovecot
let target: Dovecot

before(async () => {
  if (skip !== false) return
  dir = mkdtempSync(join(tmpdir(), 'causeway-move-'))
  const master = { name: 'boss', password: 'Zq8-boss' }
  source = await startDovecot({ dir: join(dir, 'a'), users: of((name) => name), master })
  target = await startDovecot({ dir: join(dir, 'b'), users: of((name) => `${name}@tenant2.example`), master })
  for (const [seed, name] of names.entries())
    makeMailbox({ maildir: source.maildir(name), messages: 30, seed, largest: 20_000 })
  stage = await setStage()
})
after(async () => {
  if (skip !== false) return
  await stage[Symbol.asyncDispose]()
  await source.stop()
  await target.stop()
  rmSync(dir, { recursive: true, force: true })
})

const migrate = (...args: readonly string[]) => stage.gateway.run('migrate', ...args)

function csv(file: string, wrong: readonly string[] = []): string {
  const rows = names.map((name) => {
    const password = wrong.includes(name) ? 'Zq8-wrong' : `Zq8-${name}`
    return `${name}@tenant2.example,${name},${password},Zq8-${name}`
  })
  const path = join(dir, file)
  writeFileSync(path, ['EmailAddress,UserName,Password,TargetPassword', ...rows, ''].join('\n'))
  return path
}

/** Both in TLS, the source by STARTTLS. */
function servers(): readonly string[] {
  for (const [name, server] of Object.entries({ a: source, b: target }))
    writeFileSync(join(dir, `${name}.pem`), server.ca)
  const from = [
    '--source',
    `localhost:${source.port}`,
    '--source-security',
    'starttls',
    '--source-ca',
    join(dir, 'a.pem'),
  ]
  return [...from, '--target', `localhost:${target.tlsPort}`, '--target-ca', join(dir, 'b.pem')]
}

/** Nobody has logged in there yet: no Maildir. */
const messagesIn = (server: Dovecot, user: string): number =>
  !existsSync(server.maildir(user))
    ? 0
    : readdirSync(server.maildir(user), { recursive: true, withFileTypes: true }).filter(
        (entry) => entry.isFile() && /(?:^|[/\\])(?:cur|new)$/.test(entry.parentPath),
      ).length

describe('causeway migrate', { skip, timeout: 240_000 }, () => {
  test('a file with mistakes: every row is told, with its number and what to do, and nothing is made', async () => {
    const file = join(dir, 'bad.csv')
    writeFileSync(file, 'EmailAddress,UserName,Password,TargetPassword\nno address,a,b,c\nx@tenant2.example,x,,y\n')
    const typed = await migrate('check', 'bad', '--csv', file, ...servers())
    assert.equal(typed.code, 1)
    assert.match(
      typed.err,
      /^causeway: the file has 2 mistakes: nothing was taken; correct the file and give it again$/m,
    )
    assert.ok(typed.err.includes(`${file}:2: EmailAddress: it is no address`), typed.err)
    assert.ok(typed.err.includes(`${file}:3: Password: it is empty`), typed.err)
    const head = join(dir, 'head.csv')
    writeFileSync(head, 'Email Address,UserName,Password\n')
    assert.match((await migrate('check', 'bad', '--csv', head, ...servers())).err, /write it EmailAddress, one word/)
    assert.equal((await migrate('list')).err, 'there is no batch: causeway migrate check NAME --csv FILE ...\n')
    const right = await migrate('check', 'bad', '--file-only', '--csv', csv('right.csv'), ...servers())
    assert.deepEqual([right.code, right.out], [0, `${count} mailboxes in the file; the file is right\n`])
    assert.equal((await migrate('list')).out, '')
  })

  test('wrong usage ends with 2 and says which option', async () => {
    for (const [args, said] of [
      [['check', 'x'], /there is no batch x/],
      [['check', 'x', '--csv', '/nowhere.csv', ...servers()], /cannot read \/nowhere\.csv/],
      [['check', 'x', '--csv', csv('u.csv')], /--source is missing/],
      [
        ['start', 'x', '--csv', csv('u.csv'), ...servers(), '--interval', 'soon'],
        /--interval takes 15m, 24h, 2d or live/,
      ],
      // Whether it is January or February depends on who reads it.
      [['start', 'x', '--csv', csv('u.csv'), ...servers(), '--since', '01.02.2026'], /--since takes a time like/],
      [['start', 'x', '--csv', csv('u.csv'), ...servers(), '--before', '2026-02-31'], /--before takes a time like/],
      [['start', 'x', '--csv', csv('u.csv'), ...servers(), '--target-security', 'ssl'], /--target-security: /],
      [
        ['start', 'x', '--csv', csv('u.csv'), ...servers(), '--source-admin', 'boss', '--source-admin-password', 'Zq8'],
        /vault:NAME/,
      ],
      [['start', 'x', '--csv', csv('u.csv'), ...servers(), '--notify', 'who@stranger.example'], /cannot be told/],
    ] as const) {
      const typed = await migrate(...args)
      assert.ok(typed.code === 2 || typed.code === 1, `${args.join(' ')}: ${typed.code}`)
      assert.match(typed.err, said)
    }
    for (const verb of 'check start pause resume stop complete watch list show report retry remove'.split(' ')) {
      let said = ''
      const nobody = (): never => assert.fail('nothing but help')
      const io = {
        out: (text: string) => void (said += text),
        err: nobody,
        isTerminal: false,
        ask: nobody,
        stopped: nobody,
      }
      const parts = { io, startGateway: nobody, version: '0' }
      assert.equal(await runCli(parts, ['migrate', verb, '--help']), 0)
      assert.match(said, new RegExp(`^Usage: causeway migrate ${verb} `))
    }
  })

  test('check tries each log-in: which row, which server, what it said, what to try', async () => {
    const more = ['--notify', 'ann@tenant1.example', '--report-hours', '0', '--interval', 'live']
    const typed = await migrate('check', 'one', '--csv', csv('users.csv', ['u2']), ...servers(), ...more)
    assert.equal(typed.code, 1, typed.err)
    assert.match(typed.out, /^one: 4 mailboxes in the file$/m)
    assert.match(typed.out, /^row 4, u2@tenant2\.example: at the source localhost:\d+ the log-in was refused as "u2"/m)
    assert.match(typed.out, /^ +it said: \[AUTHENTICATIONFAILED\] Authentication failed\.$/m)
    assert.match(
      typed.out,
      /^ +try: correct UserName or Password in row 4 of the CSV file, then: causeway migrate retry one --csv FILE$/m,
    )
    assert.match(typed.out, /^3 of 4 mailboxes can be copied: [\d,]+ messages, /m)
    assert.match(typed.out, /^try a few first: causeway migrate start one --test 3 /m)
    for (const name of names) assert.equal(messagesIn(target, `${name}@tenant2.example`), 0)
    const list = JSON.parse((await migrate('list', '--json')).out)
    assert.deepEqual([list.batches[0].status, list.batches[0].summary.Failed], ['Created', 1])
  })

  test('start, watch as lines, list, show', async () => {
    const started = await migrate('start', 'one')
    assert.equal(started.code, 0, started.err)
    const watched = await migrate('watch', 'one', '--every', '0.3')
    assert.equal(watched.code, 1)
    assert.match(watched.out, /one: SyncedWithErrors .*3 synced, 1 failed$/m)
    assert.doesNotMatch(watched.out, /\x1b/)
    for (const name of ['u0', 'u1', 'u3'])
      assert.equal(messagesIn(target, `${name}@tenant2.example`), messagesIn(source, name), name)
    const failed = await migrate('list', 'one', '--failed')
    assert.match(failed.out, /^4 +u2@tenant2\.example +Failed /m)
    assert.equal(failed.out.trim().split('\n').length, 2)
    const show = await migrate('show', 'one')
    assert.match(show.out, /^ +Mailboxes +4 of 4 take part: 3 synced, 1 failed$/m)
    assert.match(show.out, /^ +Passes +near real time, 10 mailboxes at once at most$/m)
    const user = await migrate('show', 'one', 'u0@tenant2.example')
    assert.match(
      user.out,
      /^ +Log-ins +u0 at localhost:\d+ \(asGiven\); u0@tenant2\.example at localhost:\d+ \(asGiven\)$/m,
    )
    assert.equal((await migrate('show', 'one', 'nobody@tenant2.example')).code, 1)
  })

  test('the right password, by the corrected file; then near real time', async () => {
    const retried = await migrate('retry', 'one', '--csv', csv('users.csv'))
    assert.match(retried.out, /4 mailboxes with new credentials, 0 mailboxes added; 1 mailbox that failed: begun anew/)
    assert.equal((await migrate('watch', 'one', '--every', '0.3')).code, 0)
    assert.equal(messagesIn(target, 'u2@tenant2.example'), messagesIn(source, 'u2'))
    const sofar = messagesIn(source, 'u0')
    const letter = 'Message-ID: <late@old.example>\nSubject: late\n\nLate.\n'
    writeFileSync(join(dir, 'late.eml'), letter)
    source.doveadm('save', '-u', 'u0', join(dir, 'late.eml'))
    assert.equal(messagesIn(source, 'u0'), sofar + 1)
    await until(
      'the late message',
      () => messagesIn(target, 'u0@tenant2.example') === sofar + 1 || undefined,
      () => stage.gateway.log(),
    )
  })

  test('a gateway that was killed goes on; pause and resume', async () => {
    process.kill(stage.gateway.pid, 'SIGKILL')
    await stage.restart()
    assert.match((await migrate('list')).out, /^one +(?:Synced|IncrementalSyncing) /m)
    assert.match((await migrate('pause', 'one', '--for', '2h')).out, /^one: paused/)
    assert.match((await migrate('show', 'one')).out, /^ +Status +Stopped .*paused by api \(\w+\)$/m)
    assert.match((await migrate('set', 'one', '--concurrency', '5')).out, /^one: changed/)
    assert.match((await migrate('show', 'one')).out, /^ +Passes +near real time, 5 mailboxes at once at most$/m)
    assert.equal((await migrate('set', 'one')).code, 2)
    assert.match((await migrate('resume', 'one')).out, /^one: it goes on where it was/)
    const again = await migrate('resume', 'one')
    assert.equal(again.code, 1)
  })

  test('what cannot be undone is asked for, and done with --yes', async () => {
    for (const verb of ['stop', 'complete', 'remove']) {
      const typed = await migrate(verb, 'one')
      assert.deepEqual(
        [typed.code, typed.err],
        [2, 'causeway: nothing was done: say --yes where nobody can be asked\n'],
      )
    }
    const completed = await migrate('complete', 'one', '--yes')
    assert.equal(completed.code, 0, completed.err)
    assert.equal((await migrate('watch', 'one', '--every', '0.3')).code, 0)
    assert.match((await migrate('show', 'one')).out, /^ +Status +Completed .*the passwords are forgotten$/m)
    const again = await migrate('start', 'one')
    assert.equal(again.code, 1)
  })

  test('the reports came by mail, with both files', async () => {
    const reports = () => stage.hop.messages.map(String).filter((text) => text.includes('Subject: Migration batch one'))
    const all = await until(
      'two reports',
      () => (reports().length >= 2 ? reports() : undefined),
      () => stage.gateway.log(),
    )
    const read = await Promise.all(all.map((raw) => PostalMime.parse(raw)))
    const last = read.find(({ subject }) => subject?.includes('completed'))
    assert.ok(last !== undefined && read.some(({ subject }) => subject?.includes('the first pass is done')))
    assert.deepEqual(
      last.attachments.map(({ filename }) => filename),
      ['MigrationStatistics.csv', 'MigrationErrors.csv'],
    )
    assert.match(last.text ?? '', /Migration batch one: Completed/)
    const trace = await stage.gateway.run('trace', '--to', 'ann@tenant1.example')
    assert.equal(trace.code, 0)
  })

  test('the same as files, and a page to print', async () => {
    const out = join(dir, 'report')
    const typed = await migrate('report', 'one', '--out', out)
    assert.equal(typed.code, 0, typed.err)
    const statistics = readFileSync(join(out, 'MigrationStatistics.csv'), 'utf8')
    assert.match(statistics, /^\uFEFFRowIndex,EmailAddress,UserName,Status,/)
    assert.equal(statistics.trim().split('\r\n').length, count + 1)
    assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /<title>Migration batch one: Completed/)
    assert.match((await migrate('report', 'one')).out, /^Migration batch one: Completed$/m)
  })

  test('an admin of both sides, found out in which form; the password is a secret', async () => {
    assert.equal(
      (await runCauseway(['--data', stage.gateway.data, 'secret', 'set', 'localhost/boss'], 'Zq8-boss')).code,
      0,
    )
    const file = join(dir, 'admin.csv')
    writeFileSync(
      file,
      ['EmailAddress,UserName,Password', ...names.map((name) => `${name}@tenant2.example,${name},`), ''].join('\n'),
    )
    const admin = ['source', 'target'].flatMap((side) => [
      `--${side}-admin`,
      'boss',
      `--${side}-admin-password`,
      'vault:localhost/boss',
    ])
    const checked = await migrate('check', 'two', '--csv', file, ...servers(), ...admin)
    assert.equal(checked.code, 0, checked.out + checked.err)
    assert.match(
      (await migrate('show', 'two', 'u1@tenant2.example')).out,
      /\((?:sasl|dovecot)\); .*\((?:sasl|dovecot)\)$/m,
    )
    await migrate('start', 'two')
    assert.equal((await migrate('watch', 'two', '--every', '0.3')).code, 0)
    for (const name of names) assert.equal(messagesIn(target, `${name}@tenant2.example`), messagesIn(source, name))
    assert.equal((await migrate('remove', 'two', '--yes')).code, 0)
    assert.equal((await migrate('show', 'two')).code, 1)
  })

  test('no password is in the log', () => {
    assert.doesNotMatch(stage.gateway.log(), /Zq8/)
  })
})
