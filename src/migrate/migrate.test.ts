/** The handle on the main thread: keys in the vault, a thread that is made when it is needed, reports as messages. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { keyPlace, openVault } from '../secrets/vault/vault.ts'
import { openStore, sealedSecrets } from '../store/store.ts'
import { openMigrations, settingsSchema } from './migrate.ts'

const csv = (text: string): Buffer => Buffer.from(`EmailAddress,UserName,Password,TargetPassword\n${text}\n`)
const nowhere = (port: number) => ({ host: '127.0.0.1', port, security: 'none' })
const settings = settingsSchema.parse({ source: nowhere(1), target: nowhere(2), notify: ['it@shared.example'] })

function setStage(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-migrate-'))
  const store = openStore(dir)
  assert.ok(store.ok)
  const opened = openVault({ rows: sealedSecrets(store.db), place: keyPlace(dir, undefined), now: Date.now })
  assert.ok(opened.ok)
  const { vault } = opened
  const sent: Buffer[] = []
  const troubles: string[] = []
  const open = async (heapMb = 512) => {
    const moving = await openMigrations({
      heapMb,
      onTrouble: (why) => void troubles.push(why),
      dir,
      vault,
      hostname: () => 'gw.example.net',
      sendReport: async ({ raw }) => {
        sent.push(raw)
        return { ok: true }
      },
    })
    assert.ok(moving.ok, moving.ok ? '' : moving.why)
    return moving.migrations
  }
  t.after(() => {
    store.db.close()
    rmSync(dir, { recursive: true })
  })
  return { dir, vault, sent, troubles, open, keys: () => vault.list('batch').length }
}

test('nothing is made before somebody asks; then a key for each batch, and none for what is refused', async (t) => {
  const stage = setStage(t)
  const migrations = await stage.open()
  assert.equal(existsSync(join(stage.dir, 'migrate.db')), false)
  assert.deepEqual(await migrations.list(), [])
  const make = (name: string, text: string, isTrial = false) =>
    migrations.create({ name, csv: csv(text), settings, by: 'ann', isTrial })
  assert.ok((await make('one', 'a@n.example,a,x,y')).ok)
  assert.equal(stage.keys(), 1)
  assert.ok(!(await make('one', 'a@n.example,a,x,y')).ok)
  assert.ok(!(await make('two', 'no address,a,x,y')).ok)
  assert.ok((await make('two', 'a@n.example,a,x,y', true)).ok)
  assert.equal(stage.keys(), 1)
  assert.equal((await migrations.progress('ONE'))?.name, 'one')
  await migrations.remove('one', 'ann')
  assert.equal(stage.keys(), 0)
  await migrations.close()
  await assert.rejects(migrations.list(), { message: 'the mailbox move is closed' })
})

test('after a restart the batches are there with their keys; a key that no batch needs is forgotten', async (t) => {
  const stage = setStage(t)
  const first = await stage.open()
  await first.create({ name: 'one', csv: csv('a@n.example,a,x,y'), settings, by: 'ann' })
  await first.close()
  stage.vault.write('batch', 'left-behind', Buffer.alloc(32), 'ann')
  const second = await stage.open()
  assert.equal(stage.keys(), 1)
  assert.equal((await second.show('one'))?.sums.mailboxes, 1)
  const checked = await second.check('one', undefined)
  assert.ok(checked.ok)
  await second.close()
})

test('a report is a message from the gateway', async (t) => {
  const stage = setStage(t)
  const migrations = await stage.open()
  await migrations.create({ name: 'one', csv: csv('a@n.example,a,x,y'), settings, by: 'ann' })
  assert.ok((await migrations.sendReport('one')).ok)
  for (let tries = 0; tries < 100 && stage.sent.length === 0; tries += 1)
    await new Promise((done) => setTimeout(done, 50))
  assert.match(
    stage.sent[0]?.toString() ?? '',
    /^From: Causeway <postmaster@gw\.example\.net>\r\nTo: <it@shared\.example>\r\n/,
  )
  await migrations.close()
})

test('a thread that dies takes nothing with it: another one goes on, and the main thread never stops', async (t) => {
  const stage = setStage(t)
  const migrations = await stage.open(40)
  await migrations.create({ name: 'one', csv: csv('a@n.example,a,x,y'), settings, by: 'ann' })
  const rows = Array.from({ length: 50_000 }, (_, i) => `u${i}@n.example,${'x'.repeat(80)}${i},x,y`)
  const large = { name: 'large', csv: csv(rows.join('\n')), settings, by: 'ann' }
  await assert.rejects(migrations.create(large), { message: 'the thread of the mailbox move stopped' })
  assert.match(stage.troubles.join('\n'), /stopped: Worker terminated due to reaching memory limit/)
  const again = async () => {
    for (let tries = 0; tries < 100; tries += 1) {
      const found = await migrations.list().catch(() => undefined)
      if (found !== undefined) return found
      await new Promise((done) => setTimeout(done, 100))
    }
    return assert.fail('no thread came back')
  }
  assert.deepEqual(
    (await again()).map(({ name }) => name),
    ['one'],
  )
  assert.equal(stage.keys(), 1)
  await migrations.close()
})
