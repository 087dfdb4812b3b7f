/** The short form of some faults as tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fault, findingLine } from './fault.ts'

export function shortForms(faults: readonly Fault[]): void {
  for (const fault of faults) {
    const why = fault.cannot?.() ?? (fault.isLong === true ? 'long form only: npm run test:faults' : false)
    test(`${fault.id} ${fault.title}`, { skip: why }, async (t) => {
      const finding = await fault.run({ isShort: true, say: () => {} })
      t.diagnostic(findingLine(fault, finding))
      assert.deepEqual(finding.broken, [])
    })
  }
}
