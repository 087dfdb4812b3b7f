import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore, type SealedSecret, sealedSecrets } from './store.ts'

const dir = mkdtempSync(join(tmpdir(), 'sealed-'))
after(() => rmSync(dir, { recursive: true }))
const opened = openStore(dir)
assert.ok(opened.ok)
const { db } = opened
after(() => db.close())
const secrets = sealedSecrets(db)
const row = (id: string, sealed: string): SealedSecret => ({
  kind: 'project',
  id,
  version: 1,
  keyId: 'k',
  wrappedKey: Buffer.from(`wrapped ${id}`),
  sealed: Buffer.from(sealed),
  at: 5,
  by: 'test',
})
const onDisk = () =>
  readdirSync(dir)
    .map((name) => readFileSync(join(dir, name)).toString('latin1'))
    .join()

test('rows are kept as they are, and found by kind and name', () => {
  secrets.put(row('a', 'value of a'))
  secrets.put(row('b', 'value of b'))
  const found = secrets.get('project', 'a')
  assert.deepEqual(
    { ...found, sealed: Buffer.from(found?.sealed ?? []), wrappedKey: Buffer.from(found?.wrappedKey ?? []) },
    row('a', 'value of a'),
  )
  assert.equal(secrets.get('other', 'a'), undefined)
  assert.deepEqual(
    secrets.all().map(({ id }) => id),
    ['a', 'b'],
  )
})

test('what was overwritten, rewritten or removed is not on the disk any more', () => {
  assert.match(onDisk(), /value of a/)
  secrets.put(row('a', 'another of a'))
  assert.doesNotMatch(onDisk(), /value of a/)
  secrets.rewrite([row('a', 'third of a'), row('b', 'third of b')])
  assert.doesNotMatch(onDisk(), /another of a|value of b/)
  assert.equal(secrets.remove('project', 'a'), true)
  assert.equal(secrets.remove('project', 'a'), false)
  assert.doesNotMatch(onDisk(), /third of a/)
  assert.match(onDisk(), /third of b/)
})

test('rewriting is all or nothing', () => {
  const broken = { ...row('c', 'x'), version: Number.NaN }
  assert.throws(() => secrets.rewrite([row('b', 'fourth of b'), broken]))
  assert.match(onDisk(), /third of b/)
  assert.equal(Buffer.from(secrets.get('project', 'b')?.sealed ?? []).toString(), 'third of b')
})
