// The short form of each fault (docs/faults.md). The long one: npm run test:faults.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { repositoryRoot } from '../tools/source-tree.ts'
import { faults } from './faults/all.ts'
import { findingLine } from './faults/fault.ts'

for (const fault of faults) {
  const why = fault.cannot?.() ?? (fault.isLong === true ? 'long form only: npm run test:faults' : false)
  test(`${fault.id} ${fault.title}`, { skip: why }, async (t) => {
    const finding = await fault.run({ isShort: true, say: () => {} })
    t.diagnostic(findingLine(fault, finding))
    assert.deepEqual(finding.broken, [])
  })
}

test('docs/faults.md promises what is tested, and nothing else', () => {
  const manual = readFileSync(join(repositoryRoot, 'docs/faults.md'), 'utf8')
  const promised = [...manual.matchAll(/^\| (F\d+) \|/gm)].map(([, id]) => id)
  assert.deepEqual(
    promised,
    faults.map(({ id }) => id),
  )
})
