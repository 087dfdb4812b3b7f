// The short form of the faults of this machine: kills, power, disks (docs/faults.md). The long one: npm run test:faults.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { repositoryRoot } from '../tools/source-tree.ts'
import { faults, faultsAtHome } from './faults/all.ts'
import { shortForms } from './faults/short-forms.ts'

shortForms(faultsAtHome)

test('docs/faults.md promises what is tested, and nothing else', () => {
  const manual = readFileSync(join(repositoryRoot, 'docs/faults.md'), 'utf8')
  const promised = [...manual.matchAll(/^\| (F\d+) \|/gm)].map(([, id]) => id)
  assert.deepEqual(
    promised,
    faults.map(({ id }) => id),
  )
})
