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

test('addresses that are one address in another spelling clash, and those that only look alike stay two', async (t) => {
  const spellings = {
    case: ['John@ONE.example'],
    'composed and decomposed': ['jos\u00e9@one.example', 'jose\u0301@one.example'],
    'capitals beyond ASCII': ['jos\u00e9@one.example', 'JOS\u00c9@one.example'],
  }
  for (const [name, sources] of Object.entries(spellings)) {
    const rows = sources.map((source, i) => `${source},x${i}@two.example,DayOne`)
    const { entries, found } = readDirectoryFile(await fileOf(t, ...rows))
    const next = tableOf(john).with({ put: entries }, found)
    assert.ok(!next.ok && next.problems[0]?.text.startsWith('Two entries claim') === true, name)
  }
  // A Cyrillic letter: another mailbox by RFC 6531, whoever has it.
  const lookAlike = 'j\u043ehn@one.example'
  const { entries, found } = readDirectoryFile(await fileOf(t, `${lookAlike},x@two.example,DayOne`))
  const next = tableOf(john).with({ put: entries }, found)
  assert.ok(next.ok, JSON.stringify(next))
  assert.equal(out(next.value, lookAlike), 'x@two.example')
  assert.equal(out(next.value, 'john@one.example'), out(tableOf(john), 'john@one.example'))
})

test('a million columns are one sentence', async (t) => {
  const file = await fileOf(t, '')
  await writeFile(file, `Source,Target,Mode${',x'.repeat(1_000_000)}\n`)
  assert.deepEqual(
    readDirectoryFile(file).found.problems.map((p) => p.text),
    ['The first line has 1000003 columns.'],
  )
})
