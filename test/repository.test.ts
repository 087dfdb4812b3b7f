// The rules of this repository, held against the repository itself. Each rule has a test of its own, beside it in tools/,
// in which it fires.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LockPackages, missingEntries } from '../tools/complete-lockfile.ts'
import { documentProblems } from '../tools/docs.ts'
import { ladderProblems } from '../tools/ladder.ts'
import { longFileProblems, maxLines } from '../tools/long-files.ts'
import { readSourceTree, repositoryRoot } from '../tools/source-tree.ts'

const source = readSourceTree('{src,test,tools,bench}/**/*.ts')

/** Nothing found; otherwise what was found is the message. */
function assertNone(problems: readonly string[]): void {
  assert.ok(problems.length === 0, `\n${problems.join('\n')}`)
}

test('imports point down the ladder and enter by doors', () => {
  assert.ok(source.size > 0)
  assertNone(ladderProblems(source))
})

test(`files stay under ${maxLines} lines`, () => {
  assertNone(longFileProblems(source))
})

test('docs/failures.md knows every reply, docs/quirks.md every quirk', () => {
  assertNone(documentProblems())
})

const lock: { readonly packages: LockPackages } = JSON.parse(
  readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8'),
)

test('package-lock.json has an entry for each platform package, so that npm ci takes it everywhere', () => {
  const missing = missingEntries(lock.packages).map(({ name, wantedBy }) => `${name}, wanted by ${wantedBy}`)
  assertNone(missing.map((what) => `${what}: run node_modules/.bin/node tools/complete-lockfile.ts`))
})

test('package-lock.json names no registry, so that each machine uses its own', () => {
  const named = Object.entries(lock.packages).filter(([, entry]) => /^[a-z+]+:\/\//.test(entry.resolved ?? ''))
  assertNone(
    named.map(([place, entry]) => `${place}: resolved to ${entry.resolved}; npm with omit-lockfile-registry-resolved`),
  )
})
