import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCauseway } from './support/gateway.ts'

test('the demo holds, all of it', async () => {
  const { code, out, err } = await runCauseway(['demo'])
  assert.equal(code, 0, out + err)
  const [, held, all] = /(\d+) of (\d+) held/.exec(out) ?? []
  assert.ok(Number(all) >= 40, out)
  assert.equal(held, all)
  assert.equal(err, '')
})
