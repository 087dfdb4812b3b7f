/** The commands as an operator types them: help, exit codes, JSON, and what each of them changes. `explain` has a file of its own. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Stage, setStage } from './support/commands.ts'
import { type CommandResult, runCauseway } from './support/gateway.ts'
import { Client } from './support/smtp-client.ts'

describe('help', () => {
  test('every command says how it is used, and exits 0', async () => {
    const seen: string[] = []
    const look = async (command: readonly string[]): Promise<void> => {
      const help = await runCauseway([...command, '--help'])
      const name = ['causeway', ...command].join(' ')
      assert.equal(help.code, 0, name)
      assert.match(help.out, new RegExp(`^Usage: ${name} `))
      assert.equal(help.err, '')
      assert.match(help.out, /--json/, name)
      seen.push(name)
      const below = /^Commands:\n([^]*)/m.exec(help.out)?.[1] ?? ''
      const names = [...below.matchAll(/^ {2}([a-z-]+)/gm)]
        .map(([, word = '']) => word)
        .filter((word) => word !== 'help')
      await Promise.all(names.map((word) => look([...command, word])))
    }
    await look([])
    const commands = 'apply audit demo directory dkim domain explain export lab queue serve trace'.split(' ')
    for (const command of commands) assert.ok(seen.includes(`causeway ${command}`), command)
    assert.ok(seen.includes('causeway directory import'))
  })
})

describe('exit codes without a gateway', () => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-'))
  after(() => rmSync(dir, { recursive: true }))
  const cases: readonly (readonly [what: string, code: number, args: readonly string[], said: RegExp])[] = [
    ['the version', 0, ['--version'], /^\d+\.\d+\.\d+\n$/],
    ['a command that is none', 2, ['explane'], /explane/],
    ['an option that is none', 2, ['export', '--yaml'], /--yaml/],
    ['an argument missing', 2, ['apply'], /missing required argument 'file'/],
    ['no place', 2, ['serve', '--smtp', 'here'], /HOST:PORT/],
    ['no number', 2, ['serve', '--smtp', '127.0.0.1:0', '--workers', 'many'], /--workers/],
    ['no gateway', 3, ['export', '--data', dir], /causeway serve --data/],
    [
      'a project file that is not there',
      2,
      ['explain', '--project', join(dir, 'no.yaml'), '--from', 'a@b.example', '--to', 'c@d.example'],
      /no\.yaml/,
    ],
  ]
  for (const [what, code, args, said] of cases) {
    test(`${what}: ${code}`, async () => {
      const done = await runCauseway(args)
      assert.equal(done.code, code, done.err)
      assert.match(done.out + done.err, said)
    })
  }

  test('a gateway that has gone: 3', async () => {
    writeFileSync(join(dir, 'api.url'), 'http://127.0.0.1:1\n')
    writeFileSync(join(dir, 'api.token'), 'x\n')
    const done = await runCauseway(['directory', 'list', '--data', dir])
    assert.equal(done.code, 3)
    assert.match(done.err, /no gateway runs in /)
  })

  test('who listens where the gateway did is handed no token', async () => {
    const heard: string[] = []
    const squatter = createServer((socket) => void socket.on('data', (data) => heard.push(data.toString())))
    await once(squatter.listen(0, '127.0.0.1'), 'listening')
    const at = squatter.address()
    assert.ok(at !== null && typeof at === 'object')
    writeFileSync(join(dir, 'api.url'), `http://127.0.0.1:${at.port}\n`)
    writeFileSync(join(dir, 'api.token'), 'x\n')
    const done = await runCauseway(['directory', 'list', '--data', dir])
    squatter.close()
    assert.deepEqual([done.code, heard], [3, []])
  })
})

describe('commands of a running gateway', () => {
  let stage: Stage
  before(async () => {
    stage = await setStage()
  })
  after(() => stage[Symbol.asyncDispose]())
  const run = (...args: readonly string[]): Promise<CommandResult> => stage.gateway.run(...args)
  const exported = async (): Promise<string> => (await run('export')).out
  const file = (name: string): string => join(stage.dir, name)
  /** The command does as it should; its standard output. */
  const must = async (...args: readonly string[]): Promise<string> => {
    const done = await run(...args)
    assert.equal(done.code, 0, `${args.join(' ')}\n${done.out}${done.err}`)
    return done.out
  }

  test('export gives a file in which nothing differs', async () => {
    writeFileSync(file('exported.yaml'), await must('export'))
    assert.match(await must('apply', file('exported.yaml')), /^nothing differs\n/)
    assert.match(await must('apply', stage.project), /^nothing differs\n/)
    assert.deepEqual(JSON.parse(await must('apply', file('exported.yaml'), '--json')).differences, [])
    assert.equal(JSON.parse(await must('export', '--json')).project, await exported())
  })

  test('apply shows what differs, and does nothing where nobody can be asked', async () => {
    const changed = (await exported()).replace('gw.example.net', 'gateway.example.net')
    writeFileSync(file('changed.yaml'), changed)
    const was = await exported()
    const unasked = await run('apply', file('changed.yaml'))
    assert.equal(unasked.code, 2)
    assert.match(unasked.out, /- gw\.example\.net\n +\+ gateway\.example\.net/)
    assert.match(unasked.err, /--yes/)
    assert.equal(await exported(), was)
    assert.match(await must('apply', file('changed.yaml'), '--dry-run'), /gateway\.example\.net/)
    assert.equal(await exported(), was)
    assert.match(await must('apply', file('changed.yaml'), '--yes'), /applied\n$/)
    assert.match(await exported(), /gateway\.example\.net/)
    await must('apply', stage.project, '--yes')
    assert.equal(await exported(), was)
  })

  test('apply of a file with faults changes nothing, and names them all', async () => {
    const was = await exported()
    const wrong = was.replace('outbound: return', 'outbound: retrun').replace('mode: retry-later', 'mode: never')
    writeFileSync(file('wrong.yaml'), wrong)
    const refused = await run('apply', file('wrong.yaml'), '--yes')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /wrong\.yaml:\d+: .*retrun/)
    assert.match(refused.err, /wrong\.yaml:\d+: .*never/)
    assert.equal(await exported(), was)
  })

  test('directory list shows entries, all or those asked for', async () => {
    const all = JSON.parse(await must('directory', 'list', '--json'))
    assert.equal(all.size, 6)
    assert.deepEqual(Object.keys(all.entries[0]).sort(), [
      'aliases',
      'except',
      'external',
      'id',
      'internal',
      'outboundOnly',
    ])
    const some = await must('directory', 'list', '--contains', 'MARY')
    assert.match(some, /^INTERNAL +EXTERNAL +REMARKS\nmary@tenant2\.example +mary@shared\.example\n$/)
  })

  test('directory import takes people and Edge entries', async () => {
    assert.match(await must('directory', 'import', file('more-people.csv'), '--dry-run'), /8 entries/)
    assert.equal(JSON.parse(await must('directory', 'list', '--json')).size, 6)
    assert.match(await must('directory', 'import', file('more-people.csv')), /live: 8 entries/)
    const edge = JSON.parse(await must('directory', 'import', file('edge-entries.csv'), '--json'))
    assert.equal(edge.size, 10)
    const done = await must('directory', 'list', '--contains', 'dirk')
    assert.match(done, /^dirk@tenant2\.example +dirk@tenant2\.example +also dirk@tenant1\.example$/m)
    assert.match(
      await must('directory', 'list', '--contains', '@tenant4'),
      /^@tenant4\.example +@shared\.example +outbound only$/m,
    )
  })

  test('directory import with faults: each with file, line and remedy, and nothing changed', async () => {
    const was = await exported()
    const refused = await run('directory', 'import', file('wrong-people.csv'))
    assert.equal(refused.code, 1)
    assert.match(refused.err, /nothing|not changed/)
    for (const [line, fault] of [
      [2, 'DayThree'],
      [3, 'not an address'],
    ] as const)
      assert.match(refused.err, new RegExp(`wrong-people\\.csv:${line}: .*${fault}.*\\S`))
    assert.equal(await exported(), was)
  })

  test('an entry whose internal domain no tenant has is refused at its line', async () => {
    writeFileSync(file('stray.csv'), 'Source,Target,Mode\ngerd@elsewhere.example,gerd@tenant2.example,None\n')
    const refused = await run('directory', 'import', file('stray.csv'))
    assert.equal(refused.code, 1)
    assert.match(refused.err, /stray\.csv:2: .*elsewhere\.example/)
  })

  test('directory set moves somebody by mode, or to a tenant', async () => {
    await must('directory', 'set', 'ann@tenant1.example', 'daytwo')
    assert.match(await must('directory', 'list', '--contains', 'ann@'), /^ann@tenant2\.example +ann@tenant1\.example/m)
    await must('directory', 'set', 'ann@tenant1.example', 'DayOne')
    assert.match(await must('directory', 'list', '--contains', 'ann@'), /^ann@tenant1\.example +ann@tenant2\.example/m)
    await must('directory', 'set', 'john@shared.example', 'tenant:tenant2')
    assert.match(
      await must('directory', 'list', '--contains', 'john@'),
      /^john@tenant2\.example +john@shared\.example/m,
    )
    await must('directory', 'set', 'john@shared.example', 'tenant:tenant1')
    const nobody = await run('directory', 'set', 'nobody@shared.example', 'DayTwo')
    assert.equal(nobody.code, 1)
    assert.match(nobody.err, /nobody@shared\.example is nobody/)
    const nowhere = await run('directory', 'set', 'john@shared.example', 'tenant:tenant9')
    assert.equal(nowhere.code, 1)
    assert.match(nowhere.err, /tenant1/)
  })

  test('directory check says what to look at', async () => {
    const checked = await run('directory', 'check')
    const json = await run('directory', 'check', '--json')
    const warnings: readonly { text: string; remedy: string }[] = JSON.parse(json.out)
    assert.equal(checked.code, warnings.length === 0 ? 0 : 1)
    assert.equal(json.code, checked.code)
    for (const { text } of warnings) assert.ok(checked.out.includes(text))
  })

  test('domain list, and a mode that is set and seen by senders', async () => {
    assert.match(await must('domain', 'list'), /^shared\.example +open +reject +cw1$/m)
    assert.match(await must('domain', 'retry-later', 'shared.example'), /shared\.example is in mode retry-later/)
    const asked = await run('explain', '--from', 'x@outside.example', '--to', 'mary@shared.example', '--json')
    assert.equal(asked.code, 1)
    assert.equal(JSON.parse(asked.out).refused.code, 451)
    assert.equal(JSON.parse(await must('domain', 'open', 'shared.example', '--json')).mode, 'open')
    const unknown = await run('domain', 'hold', 'other.example')
    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /shared\.example/)
  })

  test('domain dns says what is wanted, also where the DNS does not answer', async () => {
    const dns = await run('domain', 'dns', 'shared.example', '--json')
    assert.equal(dns.code, 1)
    const records: readonly { type: string; wanted: string; state: string }[] = JSON.parse(dns.out)
    assert.deepEqual(records[0]?.type, 'MX')
    assert.ok(records.every(({ state }) => state === 'unknown'))
  })

  test('dkim create and show print the record to publish', async () => {
    const { records } = JSON.parse(await must('dkim', 'create', 'shared.example', '--json'))
    assert.equal(records.length, 1)
    assert.match(records[0].text, /^v=DKIM1; k=rsa; p=[\w+/=]+$/)
    assert.match(records[0].name, /^cw1\._domainkey\.shared\.example/)
    const shown = await must('dkim', 'show')
    for (const [, text = ''] of shown.matchAll(/"([^"]*)"/g)) assert.ok(text.length <= 255)
    assert.equal([...shown.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join(''), records[0].text)
    assert.equal((await run('dkim', 'create', 'waiting.example')).code, 1)
    assert.equal((await run('dkim', 'show', 'waiting.example')).code, 1)
  })

  test('trace finds a message by each of its names', async () => {
    const client = new Client(stage.gateway.smtp[0]?.port ?? 0)
    await client.reply()
    await client.ask('EHLO tenant1.example')
    await client.ask('MAIL FROM:<john@tenant1.example>')
    await client.ask('RCPT TO:<olga@outside.example>')
    await client.ask('RCPT TO:<mary@shared.example>')
    await client.ask('DATA')
    const message = readFileSync(file('message.eml'), 'utf8')
      .replace(/\n\.\n$/, '\n')
      .replaceAll('\n', '\r\n')
    client.send(Buffer.from(`${message}.\r\n`))
    const answer = await client.reply()
    client.destroy()
    const id = /^250 .*id=(\S+)/.exec(answer)?.[1] ?? ''
    assert.notEqual(id, '', answer)
    assert.equal(stage.hop.messages.length, 2)
    const questions: readonly (readonly string[])[] = [
      ['--id', id],
      ['--message-id', '<john-1@tenant1.example>'],
      ['--message-id', 'john-1@tenant1.example'],
      ['--from', 'john@tenant1.example'],
      ['--to', 'mary@shared.example'],
      ['--to', 'mary@tenant2.example'],
      ['--since', '5m'],
    ]
    for (const question of questions) {
      const events: readonly { id: string; kind: string }[] = JSON.parse(await must('trace', ...question, '--json'))
      const story = events.filter((event) => event.id === id).map(({ kind }) => kind)
      assert.deepEqual([...new Set(story)].sort(), ['RECEIVE', 'REWRITE', 'SEND', 'SIGN'], question.join(' '))
    }
    const told = await must('trace', '--id', id)
    assert.match(told, /RECEIVE +<john@tenant1\.example> -> <olga@outside\.example>, <mary@shared\.example>/)
    assert.match(told, /From: john@tenant1\.example -> john@shared\.example/)
    assert.doesNotMatch(told, /only-tenant1-knows/)
    assert.equal((await run('trace', '--until', '1d')).code, 1)
    assert.equal((await run('trace', '--since', 'yesterday')).code, 2)
  })

  test('trace --csv is a message tracking log of Exchange, with guarded cells', async () => {
    const lines = (await must('trace', '--csv', '--message-id', 'john-1@tenant1.example')).trimEnd().split('\r\n')
    assert.equal(lines[0], '#Software: Microsoft Exchange Server')
    const fields =
      lines
        .find((line) => line.startsWith('#Fields: '))
        ?.slice('#Fields: '.length)
        .split(',') ?? []
    for (const field of [
      'date-time',
      'client-ip',
      'source',
      'event-id',
      'message-id',
      'recipient-address',
      'message-subject',
      'sender-address',
    ])
      assert.ok(fields.includes(field), field)
    const rows = lines.filter((line) => !line.startsWith('#'))
    assert.ok(rows.length > 3)
    assert.ok(
      rows.some((row) => row.includes("'=2+3")),
      'a subject that begins like a formula',
    )
    assert.ok(!rows.some((row) => /(?:^|,)"?=/.test(row)))
  })

  test('the audit knows who did it: the file at the start, then who typed', async () => {
    const { records } = JSON.parse(await must('audit', '--limit', '1000', '--json'))
    const first = records.at(-1)
    assert.deepEqual([first.by, first.what, first.object], ['serve --project', 'project.apply', stage.project])
    assert.equal(first.after, 'project: (none) -> commands')
    assert.match(records[0].by, /^api \(.+\)$/)
    assert.match(await must('audit', '--verify'), new RegExp(`^${records.length} records, each as it was written`))
    assert.ok(stage.gateway.log().includes(records[0].hash), 'each record stands in the log')
  })

  test('the queue adds up', async () => {
    assert.equal(JSON.parse(await must('queue', '--json')).addsUp, true)
    assert.match(await must('queue'), /^recipients taken \d+ = delivered/)
  })

  test('what was changed survives a restart; the file wins only when it changed', async () => {
    const was = await exported()
    const { size } = JSON.parse(await must('directory', 'list', '--json'))
    assert.equal(size, 10)
    await must('directory', 'set', 'ann@tenant1.example', 'DayTwo')
    const moved = await exported()
    assert.notEqual(moved, was)
    await stage.restart()
    assert.equal(await exported(), moved)

    // A change of more than the directory is kept as a whole file, the changes of the directory in it.
    await must('domain', 'hold', 'shared.example')
    const held = await exported()
    assert.notEqual(held, moved)
    await stage.restart()
    assert.equal(await exported(), held)
    assert.match(await must('directory', 'list', '--contains', 'ann@'), /^ann@tenant2\.example +ann@tenant1\.example/m)
    const told = JSON.parse(await must('trace', '--message-id', 'john-1@tenant1.example', '--json'))
    assert.ok(told.length > 0)

    writeFileSync(stage.project, readFileSync(stage.project, 'utf8').replace('name: commands', 'name: commands-2'))
    await stage.restart()
    assert.match(await exported(), /^name: commands-2$/m)
    assert.equal(JSON.parse(await must('directory', 'list', '--json')).size, 6)
    assert.match(await exported(), /^ {4}mode: hold$/m, 'what the file does not say stays')
    const [record] = JSON.parse(await must('audit', '--limit', '1', '--json')).records
    assert.match(`${record.before}\n${record.after}`, /^commands\nname: commands -> commands-2\ndirectory /)
    assert.match(stage.gateway.log(), /"changed":"name: commands -> commands-2.*"msg":"project applied"/)
  })

  test('a file that was applied by command is not applied again at the next start', async () => {
    writeFileSync(stage.project, readFileSync(stage.project, 'utf8').replace('name: commands-2', 'name: commands-3'))
    await must('apply', stage.project, '--yes')
    await must('directory', 'set', 'ann@tenant1.example', 'DayTwo')
    const moved = await exported()
    await stage.restart()
    assert.equal(await exported(), moved)
  })

  test('a hold that begins with a start ends the release that stood', async () => {
    await must('domain', 'open', 'shared.example')
    await must('domain', 'release', 'shared.example')
    const text = readFileSync(stage.project, 'utf8')
    writeFileSync(stage.project, text.replace('- name: shared.example', '- name: shared.example\n    mode: hold'))
    await stage.restart()
    const status = await must('domain', 'release', 'shared.example', '--status')
    assert.match(status, /^shared\.example: mode hold, .*\nno release is going on$/m)
    assert.match(stage.gateway.log(), /"msg":"a release has ended"/)
  })
})
