/**
 * Secrets are planted in every place that has one, mail and commands go through the real program, and then everything that left the
 * process and everything that it wrote is searched for them.
 */
import assert from 'node:assert/strict'
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keyPlace, lookIntoVault } from '../src/secrets/vault/vault.ts'
import { openStore, sealedSecrets } from '../src/store/store.ts'
import { type Canary, canary, found } from './support/canary.ts'
import { type Gateway, runCauseway, startGateway } from './support/gateway.ts'
import { moveMailboxes, startGossip } from './support/gossip.ts'
import { makeCertificate, openssl } from './support/openssl.ts'
import { answers } from './support/program.ts'
import { startPeer } from './support/scripted-smtp.ts'
import { smallClient } from './support/small-client.ts'

const dir = mkdtempSync(join(tmpdir(), 'canary-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const data = join(dir, 'data')

const planted = {
  'value of the secret header': 'canary-header-Zk3v9QpX7wLm2Rt8',
  'value before of the secret header': 'canary-before-Hc5n1YbD4sVe6Jq0',
  'secret header from the vault': 'canary-vault-Tg8x2MwK5pFz9Ua3',
  'password of the gateway’s PFX': 'canary-pfx-Bn7d4RjS1hQy6Lo2',
  'password from the vault': 'canary-vaultpfx-Ew3m8CkV5tGx1Ni7',
  'secret that nobody uses': 'canary-idle-Pf6z9WqB2yHr4Ds8',
  'wrong value that a stranger tried': 'canary-guess-Ub1k5XnJ8cMv3Ga6',
  'password of a mailbox': 'canary-mailbox-Rv6t2HsL9dWx4Yb1',
  'password at the target': 'canary-target-Gj3c7NqP0kZu8Em5',
  'password of an admin of mailboxes': 'canary-admin-Xo9w4AfT2iBy6Cr8',
}
const value = (name: keyof typeof planted): string => planted[name]

function layFiles(hop: number): string {
  const write = (name: string, content: string) => writeFileSync(join(dir, name), content, { mode: 0o600 })
  write('one.key', `${value('value of the secret header')}\n`)
  write('one-before.key', `${value('value before of the secret header')}\n`)
  write('gw.pass', `${value('password of the gateway’s PFX')}\n`)
  write('tenant.pass', value('password from the vault'))
  makeCertificate(dir, 'gw', { subject: '/CN=gw.example.net' })
  const pfx = ['pkcs12', '-export', '-inkey', 'gw.key', '-in', 'gw.crt']
  openssl(dir, ...pfx, '-passout', 'file:gw.pass', '-out', 'gw.pfx')
  openssl(dir, ...pfx, '-passout', 'file:tenant.pass', '-out', 'tenant.pfx')
  rmSync(join(dir, 'tenant.pass'))
  const to = `host: 127.0.0.1, port: ${hop}`
  write(
    'project.yaml',
    `name: canary
gateway: { hostname: gw.example.net, tls: { pfx: gw.pfx, passwordFile: gw.pass } }
tenants:
  - name: one
    kind: smtp
    domains: [one.example]
    from: { addresses: [127.0.0.1], secret: { header: X-Key, valueFile: one.key, previousValueFile: one-before.key } }
    to: { ${to}, tls: none }
  - name: two
    kind: smtp
    domains: [two.example]
    from: { addresses: [127.0.0.2], secret: { header: X-Two, valueFile: "vault:two" } }
    to: { ${to}, tls: opportunistic, certificate: { pfx: tenant.pfx, passwordFile: "vault:pfx" } }
directory:
  - { internal: john@one.example, external: john@shared.example }
  - { internal: mary@two.example, external: mary@shared.example }
domains:
  - { name: shared.example, dkim: { selector: cw1, ed25519: { selector: cw2 } } }
  - { name: files.example, dkim: { selector: cw1, keyFile: dkim.pem, ed25519: { selector: cw2, keyFile: dkim-ed.pem } } }
  - { name: held.example, mode: hold, unknown: { tenant: one } }
`,
  )
  return join(dir, 'project.yaml')
}

/** Takes what comes, refuses some for good and some for now. */
const hopThatRefuses = () =>
  startPeer({
    on: (line, talk) => {
      if (/^RCPT TO:<never/i.test(line)) talk.say('550 5.1.1 nobody here of that name')
      else if (/^RCPT TO:<later/i.test(line)) talk.say('451 4.3.2 come back later')
      else return false
      return true
    },
  })

const letter = (fields: readonly string[]) =>
  Buffer.from(
    [
      ...fields,
      'From: John <john@one.example>',
      'To: olga@outside.example',
      'Subject: hello',
      'Message-ID: <1@one.example>',
      '',
      'Hello.',
      '',
    ].join('\r\n'),
  )

/** Mail in every way: accepted, refused, deferred, held; the header right, before, wrong, twice, folded, disguised, from the wrong place. */
async function sendMail(gateway: Gateway): Promise<readonly string[]> {
  const port = gateway.smtp[0]?.port ?? 0
  const right = `X-Key: ${value('value of the secret header')}`
  const before = `X-Key: ${value('value before of the secret header')}`
  const headers: readonly (readonly string[])[] = [
    [right],
    [before],
    [right.replace(': ', ':\r\n ')],
    [right.replace(':', ' :')],
    [right, right],
    [right, `X-Key: ${value('wrong value that a stranger tried')}`],
    [`X-Two: ${value('secret header from the vault')}`, right],
    [],
  ]
  const recipients = [
    'olga@outside.example',
    'never@outside.example',
    'later@outside.example',
    'x@held.example',
    'john@shared.example',
    'mary@shared.example',
    'nobody@shared.example',
  ]
  const said: string[] = []
  for (const source of ['127.0.0.1', '127.0.0.2', '127.0.0.9']) {
    const client = await smallClient(port, source)
    for (const fields of headers)
      for (const to of source === '127.0.0.1' ? recipients : ['olga@outside.example', 'john@shared.example']) {
        const answer = await client.send({ from: 'john@one.example', to: [to], raw: letter(fields) })
        said.push(`${answer.code} ${answer.text}`)
        if (answer.code === 421) break
      }
    client.close()
  }
  return said
}

/** Everything that the API and the commands say, what they refuse too. */
async function askEverything(gateway: Gateway, project: string): Promise<readonly string[]> {
  const said: string[] = []
  const ask = async (method: string, path: string, body?: unknown, token = gateway.token): Promise<void> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(gateway.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    said.push(`${path} ${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`)
  }
  const message = letter([`X-Key: ${value('value of the secret header')}`]).toString('base64')
  const explain = { from: 'john@one.example', to: ['olga@outside.example'], peer: 'tenant:one' }
  for (const path of [
    'health',
    'ready',
    'openapi.json',
    'project',
    'directory',
    'domains',
    'dkim',
    'trace?limit=10000',
    'queue',
    'queue/totals',
    'lanes',
    'audit',
    'secrets',
    'secrets/two',
    'migrations',
    'migrations/one',
    'migrations/one/users',
    'migrations/one/users/john@one.example',
    'migrations/two/users/john@one.example',
    'migrations/one/report',
    'secrets/dkim%2Fshared.example%2Fcw1',
    'domains/shared.example/dns',
    'nothing',
  ])
    await ask('GET', `/v1/${path}`)
  await ask('GET', '/metrics')
  await ask('GET', '/v1/project', undefined, 'wrong')
  await ask('POST', '/v1/explain', explain)
  await ask('POST', '/v1/explain', { ...explain, message })
  await ask('POST', '/v1/project/differences', { file: project })
  await ask('PUT', '/v1/secrets/two', { value: value('secret header from the vault') })
  await ask('PUT', '/v1/secrets/two', {
    value: Buffer.from(value('secret that nobody uses')).toString('base64').concat('*'),
  })
  await ask('PUT', '/v1/project', { file: join(dir, 'one.key') })
  await ask('PUT', '/v1/project', { file: join(dir, 'gw.key') })
  const commands = [
    ['trace'],
    ['export'],
    ['queue'],
    ['queue', 'list', '--json'],
    ['audit'],
    ['secret', 'list'],
    ['dkim', 'show'],
    ['dkim', 'create', 'shared.example'],
    ['dkim', 'rotate', 'shared.example'],
    ['secret', 'set', 'dkim/shared.example/cw1', '--file', join(dir, 'dkim-ed.pem')],
    ['directory', 'check'],
    ['apply', project, '--yes'],
  ]
  for (const args of commands) {
    const { out, err } = await gateway.run(...args)
    said.push(`${args.join(' ')}\n${out}${err}`)
  }
  // A wrong password, and a file that is none, are told without what they hold.
  for (const args of [['--password-file', join(dir, 'one.key')], []])
    said.push(JSON.stringify(await runCauseway(['cert', 'check', join(dir, 'gw.pfx'), ...args])))
  said.push(
    JSON.stringify(
      await runCauseway(['explain', '--project', project, '--from', 'john@one.example', '--to', 'a@b.example']),
    ),
  )
  return said
}

/** A key from elsewhere, in a file that does not stay. */
function bringKey(): Buffer {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(join(dir, 'brought.pem'), pem, { mode: 0o600 })
  return pem
}

function filesUnder(folder: string): readonly (readonly [string, Buffer])[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true })
  return all.flatMap((entry) =>
    entry.isFile() ? [[entry.name, readFileSync(join(entry.parentPath, entry.name))] as const] : [],
  )
}

/** 48 bytes of a private key that stand in no public one. */
const privatePart = (file: string): Buffer => privatePartOf(readFileSync(join(dir, file)))

function privatePartOf(pem: Buffer): Buffer {
  const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' })
  return Buffer.from(d, 'base64url').subarray(0, 48)
}

/** What never left the vault is taken out once the program has ended. */
function fromVault(kind: string, id: string): Buffer {
  const store = openStore(data, { readOnly: true })
  assert.ok(store.ok)
  const looked = lookIntoVault({ rows: sealedSecrets(store.db), place: keyPlace(data, undefined) })
  assert.ok(looked.ok)
  const secret = looked.read(kind, id)
  store.db.close()
  assert.ok(secret.kind === 'found', id)
  return secret.value
}

/** Both batches still have theirs. */
function batchKeys(): readonly string[] {
  const store = openStore(data, { readOnly: true })
  assert.ok(store.ok)
  const ids = sealedSecrets(store.db)
    .all()
    .flatMap(({ kind, id }) => (kind === 'batch' ? [id] : []))
  store.db.close()
  assert.equal(ids.length, 2)
  return ids
}

const vaultKey = (id: string): Buffer => privatePartOf(fromVault('project', id))

function search(
  canaries: readonly Canary[],
  where: string,
  bytes: Buffer | string,
  allowed: readonly string[] = [],
): void {
  const names = found(canaries, Buffer.from(bytes)).filter((name) => !allowed.includes(name))
  assert.deepEqual(names, [], `in ${where}`)
}

test('no secret leaves the process or lies on the disk in the clear', async () => {
  const hop = await hopThatRefuses()
  after(() => hop.close())
  const project = layFiles(hop.port)
  const gateway = await startGateway({ data })
  after(() => gateway.stop())
  for (const [name, secret] of [
    ['two', value('secret header from the vault')],
    ['pfx', value('password from the vault')],
    ['idle', value('secret that nobody uses')],
    ['127.0.0.1/boss', value('password of an admin of mailboxes')],
  ] as const)
    assert.equal((await runCauseway(['--data', data, 'secret', 'set', name], secret)).code, 0)
  assert.equal((await gateway.run('apply', project, '--yes')).code, 0)
  const brought = bringKey()
  const set = await gateway.run('secret', 'set', 'dkim/brought.example/cw1', '--file', join(dir, 'brought.pem'))
  assert.equal(set.code, 0, set.err)
  rmSync(join(dir, 'brought.pem'))

  const dialogue = await sendMail(gateway)
  assert.ok(
    dialogue.some((line) => line.startsWith('250')) && dialogue.some((line) => line.startsWith('5')),
    dialogue.join('\n'),
  )
  const gossip = await startGossip()
  after(() => gossip.close())
  const answered = [
    ...(await moveMailboxes(
      gateway,
      dir,
      gossip.port,
      value('password of a mailbox'),
      value('password at the target'),
    )),
    ...(await askEverything(gateway, project)),
  ]
  assert.ok(
    answered.some((text) => text.includes('not with')),
    'the server said nothing',
  )
  const seen = await lookAtProcess(gateway)
  const whileRunning = filesUnder(data)
  assert.equal(await gateway.stop(), 0)

  const canaries: Canary[] = [
    ...Object.entries(planted).map(([name, secret]) => canary(name, secret)),
    canary('token', gateway.token),
    canary('master key', Buffer.from(readFileSync(join(data, 'master.key'), 'latin1'), 'base64')),
    canary('digest of the token', createHash('sha256').update(gateway.token).digest()),
    canary('key of the pass', fromVault('own', 'pass.key')),
    ...batchKeys().map((id) => canary('key of a batch', fromVault('batch', id))),
    canary('DKIM key in the vault', vaultKey('dkim/shared.example/cw1')),
    canary('DKIM key brought in', privatePartOf(brought)),
    canary('next DKIM key in the vault', vaultKey('dkim/shared.example/cw3')),
    canary('second DKIM key in the vault', vaultKey('dkim/shared.example/cw2').subarray(0, 32)),
    canary('DKIM key', privatePart('dkim.pem')),
    canary('second DKIM key', privatePart('dkim-ed.pem').subarray(0, 32)),
    canary('key of the gateway', privatePart('gw.key').subarray(0, 32)),
  ]
  for (const [name, text] of Object.entries({ ...seen, log: gateway.log() })) search(canaries, name, text)
  for (const text of answered) search(canaries, `an answer: ${text.slice(0, 300)}`, text)
  for (const line of dialogue) search(canaries, 'the dialogue', line)
  assert.ok(hop.messages.length > 5)
  for (const message of [...hop.messages, Buffer.from(hop.lines.join('\n'))])
    search(canaries, `outgoing mail\n${message.toString()}`, message)
  const files = filesUnder(data)
  assert.ok(files.some(([name]) => name === 'trace.db') && files.some(([name]) => name === 'causeway.db'))
  // Those that are meant to hold one, for their owner only; what the digest is of cannot be told from it.
  const own: Readonly<Record<string, readonly string[]>> = {
    'api.token': ['token'],
    'master.key': ['master key'],
    'causeway.db': ['digest of the token'],
    'causeway.db-wal': ['digest of the token'],
  }
  for (const [name, bytes] of [...whileRunning, ...files]) search(canaries, name, bytes, own[name])
})

/** The search itself finds: one of each form, in the middle of something else. */
test('a canary is found in whatever form it got out', () => {
  const secret = 'canary-header-Zk3v9QpX7wLm2Rt8'
  const canaries = [canary('it', secret)]
  const inside = (text: string | Buffer) =>
    found(canaries, Buffer.concat([Buffer.from('a '), Buffer.from(text), Buffer.from(' b')]))
  for (const before of ['', 'x', 'xy', 'xyz'])
    for (const form of ['utf8', 'base64', 'base64url', 'hex', 'utf16le'] as const) {
      const text = Buffer.from(`${before}${secret}yz`)
      const got = form === 'utf16le' ? Buffer.from(text.toString(), 'utf16le') : text.toString(form)
      assert.deepEqual(inside(got), ['it'], `${form} after ${before}`)
    }
  const folded = Buffer.from(`Basic ${secret}`).toString('base64').replaceAll(/.{10}/g, '$&\r\n ')
  assert.deepEqual(inside(folded), ['it'])
  assert.deepEqual(inside('canary-header-another'), [])
})

const debuggerPort = 9229

/** What others on the machine can see of the process, and what a signal can make of it. */
async function lookAtProcess(gateway: Gateway): Promise<Readonly<Record<string, string>>> {
  const pid = gateway.pid
  const proc = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1')
  assert.match(proc('limits'), /^Max core file size +0 +0 /m)
  const wasOpen = await answers('127.0.0.1', debuggerPort)
  process.kill(pid, 'SIGUSR1')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(await answers('127.0.0.1', debuggerPort), wasOpen, 'the debugger listens')
  assert.doesNotMatch(gateway.log(), /Debugger listening/)
  assert.equal((await fetch(`${gateway.url}/v1/ready`)).status, 200)
  return { cmdline: proc('cmdline'), environ: proc('environ') }
}
