// Attacks on the real program, in the short form of each (docs/threat-model.md). The long one, as a table: npm run test:border.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { families } from './border/all.ts'
import { play, rowLine } from './border/attack.ts'
import { endSharedStage } from './border/stage.ts'

after(endSharedStage)

for (const family of families) {
  const why = family.cannot?.() ?? (family.isLong === true ? 'long form only: npm run test:border' : false)
  test(`${family.name}: ${family.title}`, { skip: why }, async (t) => {
    const rows = await play(family, { isShort: true, keep: () => {} })
    t.diagnostic(`${rows.length} attacks`)
    assert.deepEqual(rows.filter(({ held }) => !held).map(rowLine), [])
    assert.ok(rows.length > 0)
  })
}
