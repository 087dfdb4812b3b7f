import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadProject, problemText } from './project.ts'

const folder = join(import.meta.dirname, '../../test/bad-projects')

/** What an operator would read, with paths as from inside the folder. */
function said(name: string): string {
  const result = loadProject(join(folder, name, 'project.yaml'))
  assert.ok(!result.ok, `${name} loads`)
  return result.problems
    .map((p) => `${problemText(p)}\n`)
    .join('')
    .replaceAll(join(folder, name), '.')
}

for (const name of readdirSync(folder)) {
  test(`bad project ${name}`, () => {
    assert.equal(said(name), readFileSync(join(folder, name, 'expected.txt'), 'utf8'))
  })
}
