import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import {
  type Db,
  latestProject,
  type Migration,
  openDb,
  openStore,
  projectHistory,
  projectRevision,
  saveProject,
} from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-store-'))
after(() => rmSync(root, { recursive: true }))

const one: Migration = 'CREATE TABLE a (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT'
const two: Migration = 'ALTER TABLE a ADD COLUMN more BLOB; CREATE TABLE b (n INTEGER) STRICT'

function open(file: string, migrations: readonly Migration[], readOnly = false): Db {
  const opened = openDb({ file: join(root, file), migrations, synchronous: 'full', readOnly })
  assert.ok(opened.ok, opened.ok ? '' : opened.why)
  return opened.db
}

function why(file: string, migrations: readonly Migration[], readOnly = false): string {
  const opened = openDb({ file: join(root, file), migrations, synchronous: 'full', readOnly })
  assert.ok(!opened.ok)
  return opened.why
}

describe('a database', () => {
  test('is made for its owner only, in WAL mode, synced at each commit', () => {
    const db = open('deep/folder/a.db', [one])
    db.run('INSERT INTO a (text) VALUES (?)', 'x')
    for (const name of ['a.db', 'a.db-wal', 'a.db-shm']) {
      assert.equal(statSync(join(root, 'deep/folder', name)).mode & 0o777, 0o600, name)
    }
    assert.equal(db.get('PRAGMA journal_mode')?.journal_mode, 'wal')
    assert.equal(db.get('PRAGMA synchronous')?.synchronous, 2)
    db.close()
  })

  test('takes and gives typed values', () => {
    const db = open('values.db', [one, two])
    assert.equal(db.run('INSERT INTO a (text, more) VALUES (?, ?)', "it's; -- ü\0", Buffer.from([1, 2])), 1)
    const row = db.get('SELECT text, more FROM a')
    assert.equal(row?.text, "it's; -- ü\0")
    assert.deepEqual(row?.more, new Uint8Array([1, 2]))
    assert.equal(db.get('SELECT * FROM a WHERE n = 99'), undefined)
    assert.equal(db.all('SELECT * FROM a').length, 1)
    assert.throws(() => db.run('INSERT INTO a (n, text) VALUES (?, ?)', 5, null), /NOT NULL/)
    db.close()
  })

  test('takes a transaction whole or not at all', () => {
    const db = open('transaction.db', [one])
    const insert = (text: string | null): number => db.run('INSERT INTO a (text) VALUES (?)', text)
    assert.equal(
      db.transaction(() => insert('kept')),
      1,
    )
    assert.throws(() => db.transaction(() => [insert('lost'), insert(null)]))
    assert.deepEqual(
      db.all('SELECT text FROM a').map((row) => row.text),
      ['kept'],
    )
    db.close()
  })

  test('that cannot be opened says why', () => {
    writeFileSync(join(root, 'text.db'), 'this is no database at all, but a letter '.repeat(50))
    assert.match(why('text.db', [one]), /cannot open .*text\.db: file is not a database/)
    assert.match(why('absent.db', [one], true), /cannot open .*absent\.db/)
  })
})

describe('migrations', () => {
  test('run once, in order, and keep what is there', () => {
    const before = open('old.db', [one])
    before.run('INSERT INTO a (text) VALUES (?)', 'x')
    before.close()
    for (let times = 0; times < 2; times += 1) {
      const db = open('old.db', [one, two])
      assert.deepEqual({ ...db.get('SELECT text, more FROM a') }, { text: 'x', more: null })
      db.close()
    }
  })

  test('that fail leave the old schema', () => {
    open('failed.db', [one]).close()
    assert.match(why('failed.db', [one, `${two}; THIS IS NOT SQL`]), /syntax error/)
    open('failed.db', [one, two]).close()
  })

  test('refuse a schema that is newer, with a sentence for the operator', () => {
    open('newer.db', [one, two]).close()
    assert.match(why('newer.db', [one]), /newer Causeway \(schema 2, this one knows 1\)/)
    assert.match(why('newer.db', [one, two, 'SELECT 1'], true), /start `causeway serve` once/)
  })

  test('are done by one of several processes that start at once', async () => {
    const door = JSON.stringify(new URL('./store.ts', import.meta.url).href)
    const code = `import(${door}).then(({ openStore, saveProject }) => {
      const { db } = openStore(${JSON.stringify(join(root, 'race'))})
      saveProject(db, { text: String(process.pid), base: '/', hash: '', at: 1, by: 'race' })
      db.close()
    })`
    await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ['-e', code])))
    const opened = openStore(join(root, 'race'))
    assert.ok(opened.ok)
    assert.equal(projectHistory(opened.db).length, 4)
    opened.db.close()
  })
})

test('a project is kept with its history', () => {
  const opened = openStore(join(root, 'projects'))
  assert.ok(opened.ok)
  const { db } = opened
  assert.equal(latestProject(db), undefined)
  const first = { text: 'name: a\n', base: '/etc/causeway', hash: 'h1', at: 1000, by: 'ann' }
  const second = { ...first, text: 'name: b\n', hash: 'h2', at: 2000, by: 'bob' }
  assert.equal(saveProject(db, first), 1)
  assert.equal(saveProject(db, second), 2)
  assert.equal(saveProject(db, { ...second, at: 3000 }), 2)
  assert.equal(saveProject(db, { ...first, at: 4000 }), 3)
  assert.deepEqual(latestProject(db), { ...first, at: 4000, id: 3 })
  assert.deepEqual(projectRevision(db, 2), { ...second, id: 2 })
  assert.equal(projectRevision(db, 9), undefined)
  assert.deepEqual(projectHistory(db, 2), [
    { id: 3, at: 4000, by: 'ann', hash: 'h1' },
    { id: 2, at: 2000, by: 'bob', hash: 'h2' },
  ])
  db.close()
})
