import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { fuzzOne } from '../support/fuzz/fuzz-one.ts'
import { runTarget } from '../support/fuzz/run-target.ts'

const root = new URL('../..', import.meta.url).pathname

for (const file of globSync('src/**/*.fuzz.ts', { cwd: root }).toSorted()) {
  test(`${basename(file, '.fuzz.ts')}: the seeds, and a second of what grows from them`, async () => {
    const told = await runTarget(`${root}${file}`, { seed: 1, forMs: 1000 })
    assert.equal(told.failure, undefined, told.failure?.why)
    assert.ok(told.seeds > 0 && told.runs > 0)
  })
}

test('a promise that two steps break is found, and told with as little as breaks it', () => {
  const target = {
    name: 'broken',
    tokens: ['<', '>'],
    maxBytes: 100,
    run(input: Buffer) {
      assert.ok(!input.includes('<<>'), 'broken')
    },
  }
  const { failure } = fuzzOne(target, [Buffer.from('some words to begin with')], { seed: 1, forMs: 20_000 })
  assert.equal(failure?.input.toString(), '<<>')
})
