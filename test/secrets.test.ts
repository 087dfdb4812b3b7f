import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '../src/store/store.ts'
import { setStage } from './support/commands.ts'
import { type DeskStage, setDesk } from './support/desk.ts'
import { runCauseway } from './support/gateway.ts'
import { makeCertificate, openssl } from './support/openssl.ts'
import { Client } from './support/smtp-client.ts'

const set = (stage: DeskStage, name: string, value: string) =>
  stage.ask('PUT', `/v1/secrets/${name}`, { value: Buffer.from(value).toString('base64') })

test('a secret goes in and never comes out: names, versions and dates are shown', async () => {
  await using stage = await setDesk()
  const first = await set(stage, 'contoso', 'a value that nobody is shown')
  assert.equal(first.status, 200)
  assert.deepEqual({ ...first.json, at: '' }, { name: 'contoso', version: 1, at: '', by: 'api (ann)', places: [] })
  assert.equal((await set(stage, 'contoso', 'another value')).json.version, 2)
  const list = await stage.ask('GET', '/v1/secrets')
  assert.deepEqual(
    list.json.secrets.map((s: { name: string }) => s.name),
    ['contoso'],
  )
  assert.equal((await stage.ask('GET', '/v1/secrets/contoso')).status, 404)
  assert.equal((await stage.ask('DELETE', '/v1/secrets/contoso')).status, 200)
  assert.equal((await stage.ask('DELETE', '/v1/secrets/contoso')).status, 404)
  const audit = await stage.ask('GET', '/v1/audit')
  const everything = first.text + list.text + audit.text + JSON.stringify(stage.log)
  assert.match(audit.text, /secret\.set/)
  for (const value of ['a value that nobody is shown', 'another value'])
    for (const form of ['utf8', 'base64', 'hex'] as const)
      assert.ok(!everything.includes(Buffer.from(value).toString(form)), form)
})

test('a name or value that is none is refused, and not repeated', async () => {
  await using stage = await setDesk()
  for (const name of ['a%2F', 'a%2F%2Fb', 'a%2F..%2Fb', '..%2Fb', '..', '%20', '-x', 'x'.repeat(401)])
    assert.ok([400, 404].includes((await set(stage, name, 'x')).status), name)
  const wrong = await stage.ask('PUT', '/v1/secrets/a', { value: 'this is not base64 but a secret!' })
  assert.equal(wrong.status, 400)
  assert.ok(!(wrong.text + JSON.stringify(stage.log)).includes('but a secret'))
  assert.equal((await set(stage, 'a', 'x'.repeat(70_000))).status, 400)
})

test('the project takes a new value at once, and refuses one that it cannot use', async () => {
  await using stage = await setDesk()
  await set(stage, 'tenant1', 'only-the-vault-knows')
  const file = join(stage.dir, 'project.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('valueFile: tenant1.key', 'valueFile: "vault:tenant1"'))
  const applied = await stage.ask('PUT', '/v1/project', { file })
  assert.equal(applied.status, 200, applied.text)
  const value = () => stage.desk.live.current()?.tenants.find((t) => t.from.secret)?.from.secret?.value
  assert.equal(value(), 'only-the-vault-knows')
  const next = await set(stage, 'tenant1', 'the next value of it')
  assert.equal(next.json.places.length, 1)
  assert.equal(value(), 'the next value of it')
  const bad = await set(stage, 'tenant1', 'short')
  assert.equal(bad.status, 409)
  assert.match(bad.text, /cannot use this value of tenant1.*only 5 characters long/)
  assert.equal((await stage.ask('GET', '/v1/secrets')).json.secrets[0].version, 2)
  const kept = stage.desk.vault.read('project', 'tenant1')
  assert.equal(kept.kind === 'found' && kept.value.toString(), 'the next value of it')
  assert.equal(value(), 'the next value of it')
  const inUse = await stage.ask('DELETE', '/v1/secrets/tenant1')
  assert.equal(inUse.status, 409)
  assert.match(inUse.text, /from\.secret\.valueFile/)
})

test('causeway secret: set, list, rotate-key, remove, over a restart', async () => {
  await using stage = await setStage()
  const data = ['--data', join(stage.dir, 'data')]
  const run = (input: string, ...args: string[]) => runCauseway([...data, 'secret', ...args], input)
  const made = await run('from standard input\n', 'set', 'one')
  assert.deepEqual([made.code, made.out], [0, 'one: version 1, not used by the project yet\n'], made.err)
  writeFileSync(join(stage.dir, 'value'), Buffer.from([0, 255, 10]))
  assert.equal((await run('', 'set', 'two', '--file', join(stage.dir, 'value'))).code, 0)
  const before = readFileSync(join(stage.dir, 'data/master.key'), 'utf8')
  const rotated = await run('', 'rotate-key')
  // The two, and the key of the pass.
  assert.match(rotated.out, /^3 secrets are under the master key [0-9a-f]{16} now\n$/, rotated.err)
  assert.notEqual(readFileSync(join(stage.dir, 'data/master.key'), 'utf8'), before)
  await stage.restart()
  assert.match((await run('', 'list')).out, /^NAME .*\none +1 .*\ntwo +1 /)
  assert.equal((await run('', 'remove', 'one')).code, 0)
  assert.equal((await run('', 'remove', 'one')).code, 1)
  assert.equal((await run('x', 'set', 'a/../b')).code, 2)
})

test('a secret that the project names and that is lost: the start says what to do, and it can be done', async () => {
  await using stage = await setStage()
  const data = join(stage.dir, 'data')
  const run = (input: string, ...args: string[]) => runCauseway(['--data', data, 'secret', ...args], input)
  assert.equal((await run('a value of the vault', 'set', 'one')).code, 0)
  const project = readFileSync(stage.project, 'utf8').replace('valueFile: tenant1.key', 'valueFile: "vault:one"')
  writeFileSync(stage.project, project)
  assert.equal((await stage.gateway.run('apply', stage.project, '--yes')).code, 0)
  const running = await run('another', 'set', 'one', '--offline')
  assert.equal(running.code, 3)
  assert.match(running.err, /is running: say it without --offline/)
  await stage.gateway.stop()
  const store = openStore(data)
  assert.ok(store.ok)
  store.db.run('DELETE FROM sealed_secret')
  store.db.close()
  rmSync(join(data, 'master.key'))
  const started = await runCauseway(['serve', '--data', data, '--smtp', '127.0.0.1:0', '--http', '127.0.0.1:0'])
  assert.equal(started.code, 3)
  assert.match(started.err, /the secret "one", which is not in the vault.*--offline/s)
  assert.doesNotMatch(started.err, /^ {4}at /m)
  assert.equal((await run('x', 'set', 'a//b', '--offline')).code, 2)
  const again = await run('a value of the vault again', 'set', 'one', '--offline')
  assert.deepEqual([again.code, again.out], [0, 'one: version 1\n'], again.err)
  await stage.restart()
  const audit = await stage.gateway.run('audit')
  assert.match(audit.out, /secret set --offline/, audit.err)
  assert.equal((await stage.gateway.run('audit', '--verify')).code, 0)
})

test('a certificate from the vault: a renewed one is shown from the next handshake on, the open connection goes on', async () => {
  await using stage = await setStage()
  const { dir, gateway } = stage
  const put = async (days: number): Promise<string> => {
    makeCertificate(dir, 'gw', { subject: '/CN=gw.example.net', days })
    openssl(dir, 'pkcs12', '-export', '-inkey', 'gw.key', '-in', 'gw.crt', '-passout', 'pass:', '-out', 'gw.pfx')
    const said = await gateway.run('secret', 'set', 'gw', '--file', join(dir, 'gw.pfx'))
    assert.equal(said.code, 0, said.err)
    return new X509Certificate(readFileSync(join(dir, 'gw.crt'))).fingerprint256
  }
  const shown = async (): Promise<{ client: Client; fingerprint: string | undefined }> => {
    const client = new Client(gateway.smtp[0]?.port ?? 0)
    await client.reply()
    for (const line of ['EHLO client.example', 'STARTTLS']) await client.ask(line)
    const socket = await client.secure({})
    return { client, fingerprint: socket.getPeerX509Certificate()?.fingerprint256 }
  }
  const first = await put(60)
  const project = readFileSync(stage.project, 'utf8')
  const tls = '$&\n  tls: { pfx: "vault:gw" }'
  writeFileSync(stage.project, project.replace(/hostname: gw\.example\.net/, tls))
  assert.equal((await gateway.run('apply', stage.project, '--yes')).code, 0)
  const before = await shown()
  assert.equal(before.fingerprint, first)
  const renewed = await put(90)
  const later = await shown()
  assert.equal(later.fingerprint, renewed)
  assert.match(await before.client.ask('EHLO client.example'), /^250 /)
  writeFileSync(join(dir, 'gw.pfx'), 'no PFX')
  const wrong = await gateway.run('secret', 'set', 'gw', '--file', join(dir, 'gw.pfx'))
  assert.equal(wrong.code, 1)
  assert.match(wrong.err, /is not a PKCS #12 file/)
  for (const { client } of [before, later]) client.destroy()
})
