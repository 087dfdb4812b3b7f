import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createPrivate, readPrivate } from './private-file.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-private-'))
after(() => rmSync(root, { recursive: true }))

test('a file that another process made in the meantime stays as it is', () => {
  const file = join(root, 'key')
  assert.equal(createPrivate(file, 'first'), true)
  assert.equal(createPrivate(file, 'second'), false)
  assert.equal(readFileSync(file, 'latin1'), 'first')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(root), ['key'])
})

test('a file that is no small secret is not read', () => {
  createPrivate(join(root, 'large'), 'x'.repeat(70_000))
  assert.equal(readPrivate(join(root, 'large')).kind, 'unreadable')
  assert.equal(readPrivate(root).kind, 'unreadable')
  assert.equal(readPrivate(join(root, 'none')).kind, 'absent')
})
