// The short form of what the mailbox move promises. The long one: npm run test:move.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proofs } from './move/proofs.ts'
import { missing } from './support/program.ts'

for (const proof of proofs)
  test(`move: ${proof.title}`, { skip: missing('dovecot') || (proof.cannot?.() ?? false) }, async (t) => {
    const { did, broken } = await proof.run({ isShort: true, say: () => {} })
    t.diagnostic(did)
    assert.deepEqual(broken, [])
  })
