import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type Migration, openDb, openSealed, type SealedDb } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-sealed-'))
after(() => rmSync(root, { recursive: true }))

const migrations: readonly Migration[] = [
  `CREATE TABLE kept (n INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
   CREATE TABLE seal (n INTEGER NOT NULL) STRICT; INSERT INTO seal VALUES (0)`,
]
const seal = 'UPDATE seal SET n = n + 1'
let files = 0

function newFile(): string {
  files += 1
  return join(root, `${files}.db`)
}

function open(file: string): SealedDb {
  const opened = openSealed({ file, migrations, synchronous: 'full' }, seal)
  assert.ok(opened.ok, opened.ok ? '' : opened.why)
  return opened.sealed
}

/** Stores rows of 9 KB one after the other, says of each whether it is kept, and is killed after so many that are not. */
function store(
  file: string,
  o: { readonly inject: string; readonly failures: number; readonly seal: string },
): Map<number, boolean> {
  const code = `
    import { openSealed } from ${JSON.stringify(import.meta.resolve('./store.ts'))}
    const o = { file: ${JSON.stringify(file)}, migrations: ${JSON.stringify(migrations)}, synchronous: 'full' }
    const { sealed } = openSealed(o, ${JSON.stringify(o.seal)})
    let failures = 0
    for (let n = 1; n < 100; n += 1) {
      const { ok } = sealed.commit([() => sealed.db().run('INSERT INTO kept VALUES (?, ?)', n, Buffer.alloc(9000, n))])
      process.stdout.write(n + ' ' + ok + '\\n')
      if (!ok) failures += 1
      if (failures === ${o.failures}) process.kill(process.pid, 'SIGKILL')
    }`
  const trace = [
    '-f',
    '-qq',
    '-o',
    `${file}.strace`,
    '-e',
    'trace=fsync,fdatasync',
    '-e',
    `inject=fsync,fdatasync:${o.inject}`,
  ]
  const { stdout, stderr, error } = spawnSync(
    'strace',
    [...trace, process.execPath, '--input-type=module', '-e', code],
    { encoding: 'utf8' },
  )
  assert.equal(error, undefined, 'strace is missing: apt-get install strace')
  const said = stdout.split('\n').filter((line) => line !== '')
  assert.ok(said.length > 0, stderr)
  return new Map(said.map((line) => [Number(line.split(' ')[0]), line.endsWith('true')]))
}

function kept(file: string): readonly number[] {
  const opened = openDb({ file, migrations, synchronous: 'full' })
  assert.ok(opened.ok)
  const rows = opened.db.all('SELECT n FROM kept ORDER BY n').map(({ n }) => Number(n))
  opened.db.close()
  return rows
}

function promised(said: ReadonlyMap<number, boolean>): readonly number[] {
  return [...said].filter(([, ok]) => ok).map(([n]) => n)
}

describe('a commit whose sync fails', () => {
  for (const first of [12, 13, 17, 24]) {
    test(`at sync ${first} does not come back when the process is killed at once`, () => {
      const file = newFile()
      const said = store(file, { inject: `error=EIO:when=${first}`, failures: 1, seal })
      assert.equal([...said.values()].filter((ok) => !ok).length, 1)
      assert.deepEqual(kept(file), promised(said))
    })
  }

  test('does come back without the seal: the danger is there, and this test would see it', () => {
    const file = newFile()
    const said = store(file, { inject: 'error=EIO:when=12', failures: 1, seal: 'SELECT 1' })
    assert.deepEqual(kept(file), [...said.keys()])
  })

  test('again and again leaves what was promised and nothing else', () => {
    const file = newFile()
    const said = store(file, { inject: 'error=EIO:when=12+5', failures: 9, seal })
    assert.ok(promised(said).length > 9)
    assert.deepEqual(kept(file), promised(said))
  })

  test('and whose seal cannot be synced does not come back to a process that was killed: the seal was written', () => {
    const file = newFile()
    const said = store(file, { inject: 'error=EIO:when=12..30', failures: 1, seal })
    assert.deepEqual(kept(file), promised(said))
  })

  test('and whose seal fails too is undone before the next one', () => {
    const file = newFile()
    const said = store(file, { inject: 'error=EIO:when=12..19', failures: 100, seal })
    assert.ok([...said.values()].filter((ok) => !ok).length > 1)
    assert.deepEqual(kept(file), promised(said))
  })
})

describe('a group of works', () => {
  const insert = (sealed: SealedDb, n: number) => () =>
    sealed.db().run('INSERT INTO kept VALUES (?, ?)', n, Buffer.of(n))

  test('is committed without the one that fails', () => {
    const file = newFile()
    const sealed = open(file)
    const done = sealed.commit([insert(sealed, 1), insert(sealed, 1), insert(sealed, 2)])
    assert.ok(done.ok)
    assert.deepEqual(
      done.pieces.map(({ ok }) => ok),
      [true, false, true],
    )
    const thrown = sealed.commit([
      () => {
        insert(sealed, 3)()
        throw new TypeError('a mistake of ours')
      },
      insert(sealed, 4),
    ])
    assert.ok(thrown.ok)
    sealed.close()
    assert.deepEqual(kept(file), [1, 2, 4])
  })
})
