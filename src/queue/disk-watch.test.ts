import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { watchDisk } from './disk-watch.ts'

test('a disk with room is not low, one with less than the reserve is, and says so', () => {
  const roomy = watchDisk({ dir: tmpdir(), reserveBytes: 1 })
  assert.ok(!roomy.isLow)
  assert.equal(roomy.why, '')
  assert.ok(roomy.freeBytes > 0)
  roomy.close()
  const low = watchDisk({ dir: tmpdir(), reserveBytes: 9_000_000_000_000_000 })
  assert.ok(low.isLow)
  assert.match(low.why, /^\d+ MB are free in the data folder, 9000000000 MB are to stay free$/)
  low.close()
})

test('a folder that cannot be asked has no room; each change is told once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-disk-'))
  const heard: boolean[] = []
  const watch = watchDisk({ dir, reserveBytes: 1, everyMs: 60_000, onChange: (isLow) => heard.push(isLow) })
  assert.ok(!watch.isLow)
  rmSync(dir, { recursive: true })
  await watch.look()
  await watch.look()
  assert.ok(watch.isLow)
  assert.match(watch.why, /cannot be found out: ENOENT/)
  assert.deepEqual(heard, [true])
  watch.close()
})

test('the reserve is a tenth of a small disk when nobody says how much', () => {
  const watch = watchDisk({ dir: tmpdir(), reserveBytes: undefined })
  const { bsize, bavail, blocks } = statfsSync(tmpdir())
  assert.equal(watch.isLow, bsize * bavail < Math.min(1024 ** 3, (bsize * blocks) / 10))
  watch.close()
})
