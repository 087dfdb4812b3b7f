// docs/threat-model.md promises what exists: every file, every family of attacks, every threat.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { repositoryRoot } from '../../tools/source-tree.ts'
import { families } from './all.ts'

const manual = readFileSync(join(repositoryRoot, 'docs/threat-model.md'), 'utf8')

test('every file that it names exists', () => {
  const named = [...manual.matchAll(/`((?:src|test|docs|tools|bench|bin)\/[^`\s]+)`/g)].map(([, path = '']) => path)
  assert.ok(named.length > 100)
  const examples = new Set(['test/border/NAME.ts'])
  assert.deepEqual(
    named.filter((path) => !examples.has(path) && !existsSync(join(repositoryRoot, path))),
    [],
  )
})

test('every family of attacks that it names is played, and every one that is played is named', () => {
  const told = [...manual.matchAll(/border: ([a-z]+(?: \([^)]*\))?(?:, [a-z]+(?: \([^)]*\))?)*)/g)]
  const named = told.flatMap(([, list = '']) => list.replaceAll(/ \([^)]*\)/g, '').split(', '))
  assert.deepEqual(new Set(named), new Set(families.map(({ name }) => name)))
})

test('every published hole of others that is an attack on us is named', () => {
  const holes = [
    ...['2023-51764', '2024-27305', '2024-49040', '2024-21742', '2024-23184', '2024-23185', '2026-26312', '2025-23419'],
    ...['-51765', '-51766', '-52354', '-51747', 'GHSA-vvjj-xcjg-gr5g', 'CPython issue 152519'],
  ]
  assert.deepEqual(
    holes.filter((hole) => !manual.includes(hole)),
    [],
  )
})

test('no finding, no attack and no threat is left out', () => {
  const ids = [
    ...Array.from({ length: 11 }, (_, i) => `| 0.${i + 1} |`),
    ...Array.from({ length: 10 }, (_, i) => `### 2.${i + 1} `),
    ...Array.from({ length: 22 }, (_, i) => `| T${i + 1} |`),
  ]
  assert.deepEqual(
    ids.filter((id) => !manual.includes(id)),
    [],
  )
})
