/** A project with secrets of the vault, where the commands do not ask the gateway: what they can open, and what they say where they cannot. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { layProject, setStage } from './support/commands.ts'
import { runCauseway } from './support/gateway.ts'

const mail = ['--from', 'john@tenant1.example', '--to', 'x@outside.example']

/** The project names the secret of a tenant, and lets the key lie where it does by default. */
function nameSecrets(file: string): void {
  const yaml = readFileSync(file, 'utf8').replace('valueFile: tenant1.key', 'valueFile: "vault:tenant1"')
  writeFileSync(file, yaml.replace(', keyFile: shared.pem', ''))
}

/** SQLite leaves its -shm and -wal where a reader was the last. */
function content(data: string): readonly string[] {
  const names = readdirSync(data).filter((name) => !/-(?:shm|wal|journal)$/.test(name))
  return [...names.sort(), readFileSync(join(data, 'master.key'), 'latin1')]
}

test('explain and lab open the vault of --data, whether its gateway runs or not', async () => {
  await using stage = await setStage()
  const data = join(stage.dir, 'data')
  const explain = (...args: string[]) =>
    runCauseway(['explain', '--data', data, '--project', stage.project, ...mail, ...args])
  const value = 'a value that only the vault has'
  assert.equal((await runCauseway(['secret', 'set', 'tenant1', '--data', data], value)).code, 0)
  nameSecrets(stage.project)
  const yet = await explain()
  assert.equal(yet.code, 0, yet.err)
  assert.match(yet.out, /the key vault:dkim\/shared\.example\/cw1 does not exist yet: it would be made on first use/)
  assert.equal((await stage.gateway.run('apply', stage.project, '--yes')).code, 0)
  const copies = join(stage.dir, 'copies')
  for (const step of ['running', 'stopped']) {
    if (step === 'stopped') await stage.gateway.stop()
    const before = content(data)
    const done = await explain('--out', copies)
    assert.equal(done.code, 0, done.err)
    assert.doesNotMatch(done.out, /does not exist yet/)
    const copy = readFileSync(join(copies, '1.eml'), 'latin1')
    assert.match(copy, /^DKIM-Signature: .*d=shared\.example; s=cw1;/ms, step)
    assert.ok(!(done.out + done.err + copy).includes(value))
    assert.deepEqual(content(data), before, 'nothing was changed')
  }
  const elsewhere = join(stage.dir, 'master.key')
  renameSync(join(data, 'master.key'), elsewhere)
  const locked = await explain()
  assert.equal(locked.code, 2)
  assert.match(locked.err, /cannot be read: there is no master key at .*master\.key/)
  assert.match(locked.err, /--key-file/)
  assert.equal((await explain('--key-file', elsewhere)).code, 0)
})

test('where there is no vault the sentence says what to do, and keys are made later', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-'))
  after(() => rmSync(dir, { recursive: true }))
  const project = layProject(dir, 2525)
  const data = ['--data', join(dir, 'none')]
  nameSecrets(project)
  for (const args of [
    ['explain', ...data, '--project', project, ...mail],
    ['lab', ...data, project],
  ]) {
    const done = await runCauseway(args)
    assert.notEqual(done.code, 0)
    assert.match(
      done.out + done.err,
      /from\.secret\.valueFile of tenant tenant1 is the secret "tenant1", which lies in a vault, and there is none in .*none/,
    )
    assert.match(done.out + done.err, /Name the data folder of its gateway with --data/)
  }
  writeFileSync(project, readFileSync(project, 'utf8').replace('"vault:tenant1"', 'tenant1.key'))
  const keyless = await runCauseway(['explain', ...data, '--project', project, ...mail])
  assert.equal(keyless.code, 0, keyless.err)
  assert.match(
    keyless.out,
    /the key vault:dkim\/shared\.example\/cw1 does not exist yet: it would be made on first use/,
  )
})
