import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readDirectoryFile } from './directory-file.ts'
import { readPlainFile } from './plain-file.ts'
import { loadProject } from './project.ts'

const folder = mkdtempSync(join(tmpdir(), 'causeway-plain-file-'))
after(() => rmSync(folder, { recursive: true }))

const pipe = join(folder, 'pipe')
execFileSync('mkfifo', [pipe])

const refused: readonly (readonly [file: string, why: RegExp])[] = [
  ['/dev/zero', /^is not a file$/],
  ['/dev/stdin', /^is not a file$|^is a folder$|^cannot be read/],
  [pipe, /^is not a file$/],
  [folder, /^is a folder$/],
  [join(folder, 'none'), /^does not exist$/],
  ['a\0b', /^cannot be read/],
]

for (const [file, why] of refused)
  test(`not read: ${JSON.stringify(file)}`, () => {
    const read = readPlainFile(file, 1000)
    assert.ok('why' in read)
    assert.match(read.why, why)
  })

test('as much as was asked for, and not a byte more', () => {
  const file = join(folder, 'ten')
  writeFileSync(file, '0123456789')
  const read = readPlainFile(file, 10)
  assert.deepEqual('bytes' in read && read.bytes.toString(), '0123456789')
  assert.deepEqual(readPlainFile(file, 9), { why: 'has 10 bytes, too many for what it should be' })
})

test('a file that says it is empty is read up to the limit', () => {
  const whole = readPlainFile('/proc/self/mounts', 1_000_000)
  assert.ok('bytes' in whole && whole.bytes.length > 0)
  assert.deepEqual(readPlainFile('/proc/self/mounts', 3), {
    why: 'has more than 3 bytes, too many for what it should be',
  })
})

test('a device as directory file or project is an answer', () => {
  assert.match(readDirectoryFile('/dev/zero').found.problems[0]?.text ?? '', /^The file is not a file\.$/)
  const project = loadProject('/dev/zero')
  assert.ok(!project.ok)
  assert.match(project.problems[0]?.text ?? '', /^The project file is not a file\.$/)
})

test('YAML that holds itself is an answer', () => {
  const file = join(folder, 'project.yaml')
  for (const text of ['a: &a [*a]\n', 'name: &n { x: { y: *n } }\n', 'tenants: &t [*t]\n']) {
    writeFileSync(file, text)
    const project = loadProject(file)
    assert.ok(!project.ok)
    assert.match(project.problems[0]?.text ?? '', /^The reference \*[ant] leads to nothing, or to too much\.$/)
  }
})
