import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { batchKeyBytes, openRow, sealRow } from './seal.ts'

const key = randomBytes(batchKeyBytes)
const secret = { password: 'Zq8-old', targetPassword: 'Zq8-new ü' }

test('what was sealed for a mailbox opens for it, and for nothing else', () => {
  const box = sealRow(key, 'k1', 'ann@new.example', secret)
  assert.deepEqual(openRow(key, 'k1', 'ann@new.example', box), secret)
  assert.equal(openRow(key, 'k1', 'bob@new.example', box), undefined)
  assert.equal(openRow(key, 'k2', 'ann@new.example', box), undefined)
  assert.equal(openRow(randomBytes(batchKeyBytes), 'k1', 'ann@new.example', box), undefined)
  assert.equal(Buffer.from(box).includes('Zq8'), false)
})

test('what was changed, cut or empty does not open', () => {
  const box = Buffer.from(sealRow(key, 'k1', 'a', secret))
  for (let at = 0; at < box.length; at += 1) {
    const bent = Buffer.from(box)
    bent[at] = (bent[at] ?? 0) ^ 1
    assert.equal(openRow(key, 'k1', 'a', bent), undefined)
    assert.equal(openRow(key, 'k1', 'a', box.subarray(0, at)), undefined)
  }
})
