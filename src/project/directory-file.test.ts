import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readDirectoryFile } from './directory-file.ts'
import { john, out, tableOf } from './for-tests.ts'

async function fileOf(t: TestContext, ...rows: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'people.csv')
  await writeFile(file, ['Source,Target,Mode', ...rows].join('\n'))
  return file
}

test('an import tells every problem of the file at once, by line: bad rows do not hide what is wrong with the others', async (t) => {
  const file = await fileOf(
    t,
    'ann@one.example,ann@two.example,Never',
    'john@one.example,john@two.example,DayOne',
    'bob@one.example,bob@two.example,DayOne',
    'bob@one.example',
    'bob@two.example,bob@three.example,DayOne',
  )
  const table = tableOf(john)
  const { entries, found } = readDirectoryFile(file)
  const next = table.with({ put: entries }, found)
  assert.ok(!next.ok)
  assert.deepEqual(
    next.problems.map((p) => [p.file === file, p.line, p.text.slice(0, 23)]),
    [
      [true, 2, 'Mode is "Never".'],
      [true, 3, 'Two entries claim john@'],
      [true, 5, 'The row has 1 fields; t'],
      [true, 6, 'Two entries claim bob@t'],
    ],
  )
  assert.equal(out(table, 'bob@one.example'), 'bob@one.example')
})

test('an import of a bad row alone changes nothing; one that is in order changes the table and keeps its warnings', async (t) => {
  const bad = readDirectoryFile(await fileOf(t, 'ann@one.example,ann@two.example,Never'))
  assert.ok(!tableOf(john).with({ put: bad.entries }, bad.found).ok)
  const good = readDirectoryFile(await fileOf(t, 'ann@one.example,ann@two.example,DayOne'))
  const warnings = [{ file: 'f', line: 1, text: 'odd', remedy: 'look' }]
  const next = tableOf(john).with({ put: good.entries }, { ...good.found, warnings })
  assert.ok(next.ok)
  assert.deepEqual(next.warnings, warnings)
  assert.equal(out(next.value, 'ann@one.example'), 'ann@two.example')
  assert.equal(readDirectoryFile('/no/such/file.csv').found.problems.length, 1)
})

test('a million columns are one sentence', async (t) => {
  const file = await fileOf(t, '')
  await writeFile(file, `Source,Target,Mode${',x'.repeat(1_000_000)}\n`)
  assert.deepEqual(
    readDirectoryFile(file).found.problems.map((p) => p.text),
    ['The first line has 1000003 columns.'],
  )
})
