import assert from 'node:assert/strict'
import { test } from 'node:test'
import { longFileProblems, maxLines } from './long-files.ts'

const tree = new Map([
  ['src/a.ts', 'x\n'.repeat(maxLines)],
  ['src/b.ts', 'x\n'.repeat(maxLines + 1)],
])

test('a file past the limit is told, one at the limit is not', () => {
  assert.deepEqual(longFileProblems(tree, {}), [
    'src/b.ts: has 401 lines; part it, or give the reason in tools/long-files.ts',
  ])
})

test('a reason lets it pass, and a reason that nothing needs is told', () => {
  assert.deepEqual(longFileProblems(tree, { 'src/b.ts': 'one table' }), [])
  assert.match(
    longFileProblems(tree, { 'src/a.ts': 'old', 'src/b.ts': 'one table' })[0] ?? '',
    /^src\/a\.ts: is no longer long/,
  )
})
