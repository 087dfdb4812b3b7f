import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { newToken, openToken, type TokenDigests } from './secrets.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-token-'))
after(() => rmSync(root, { recursive: true }))

let folders = 0
function stage() {
  folders += 1
  const dir = join(root, String(folders))
  const file = join(dir, 'api.token')
  let kept: Uint8Array | undefined
  const digests: TokenDigests = { get: () => kept, set: (digest) => void (kept = digest) }
  const open = () => openToken(dir, digests)
  const isToken = (presented: string): boolean => {
    const opened = open()
    assert.ok(opened.ok, opened.ok ? '' : opened.why)
    return opened.isToken(presented)
  }
  return { dir, file, digests, open, isToken, kept: () => kept, read: () => readFileSync(file, 'utf8').trim() }
}

test('the first start makes a token, leaves it for the operator alone, and keeps its digest', () => {
  const s = stage()
  assert.equal(s.isToken('x'), false)
  assert.match(s.read(), /^[\w-]{43}$/)
  assert.equal(statSync(s.file).mode & 0o777, 0o600)
  assert.equal(statSync(s.dir).mode & 0o777, 0o700)
  const token = s.read()
  assert.equal(s.isToken(token), true)
  for (const wrong of [
    '',
    token.slice(1),
    `${token}x`,
    token.toLowerCase(),
    Buffer.from(s.kept() ?? []).toString('hex'),
  ])
    assert.equal(s.isToken(wrong), false, wrong)
  assert.equal(s.kept()?.length, 32)
})

test('a token from before digests were kept goes on to count', () => {
  const s = stage()
  s.isToken('')
  const before = s.read()
  const again = { ...s.digests, get: () => undefined }
  const digests: TokenDigests = { ...again, set: (digest) => s.digests.set(digest) }
  assert.ok(openToken(s.dir, digests).ok)
  assert.equal(s.read(), before)
  assert.equal(s.isToken(before), true)
})

test('another token counts at once, also where the gateway is open, and the one before does not', () => {
  const s = stage()
  const opened = s.open()
  assert.ok(opened.ok)
  const before = s.read()
  const next = newToken(s.dir, s.digests, { isFileKept: true })
  assert.equal(s.read(), next)
  assert.equal(statSync(s.file).mode & 0o777, 0o600)
  assert.deepEqual([opened.isToken(before), opened.isToken(next)], [false, true])
})

test('no start brings back a file that was taken away', () => {
  const s = stage()
  s.isToken('')
  const token = newToken(s.dir, s.digests, { isFileKept: false })
  assert.equal(existsSync(s.file), false)
  assert.equal(s.isToken(token), true)
  assert.equal(existsSync(s.file), false)
  // A copy that counts no more does no harm.
  writeFileSync(s.file, 'stale\n', { mode: 0o600 })
  assert.deepEqual([s.isToken('stale'), s.isToken(token)], [false, true])
})

test('a file that others can read, or that holds no token at the first start, is refused with what to do', () => {
  const s = stage()
  s.isToken('')
  chmodSync(s.file, 0o644)
  const open = s.open()
  assert.ok(!open.ok && /other users/.test(open.why) && /causeway token new/.test(open.remedy))
  const empty = stage()
  newToken(s.dir, s.digests, { isFileKept: true })
  rmSync(s.file)
  writeFileSync(join(s.dir, 'api.token'), '', { mode: 0o600 })
  const damaged = openToken(s.dir, empty.digests)
  assert.ok(!damaged.ok && /does not hold a token/.test(damaged.why))
  assert.equal(empty.kept(), undefined)
})
