import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uselessGateway } from '../useless-gateway.ts'
import { runDemo } from './demo.ts'

test('with a gateway that does nothing the demo says no, tells what did not hold, and ends', async () => {
  let text = ''
  let kept = 0
  const held = await runDemo({
    startGateway: uselessGateway,
    out: (more) => (text += more),
    keep: async () => void kept++,
  })
  assert.equal(held, false)
  assert.equal(kept, 1)
  assert.match(text, /FAILED {2}John's mail arrives outside/)
  assert.match(text, /swaks --server/)
  assert.doesNotMatch(text, /\u001b/)
})

test('a gateway that does not start ends the demo', async () => {
  const startGateway = () => Promise.reject(new Error('cannot start'))
  await assert.rejects(runDemo({ startGateway, out: () => {} }), /cannot start/)
})
