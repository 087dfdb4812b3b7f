import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimFolder, isClaimed } from './store.ts'

test('a data folder has one process; it is free again when that lets go', () => {
  const dir = mkdtempSync(join(tmpdir(), 'claim-'))
  const script = `import { claimFolder } from ${JSON.stringify(import.meta.resolve('./store.ts'))}; process.exit(claimFolder(${JSON.stringify(dir)}).ok ? 0 : 1)`
  const other = () => spawnSync(process.execPath, ['--input-type=module', '-e', script]).status
  const claim = claimFolder(dir)
  assert.ok(claim.ok)
  assert.equal(other(), 1)
  assert.equal(isClaimed(dir), true)
  claim.release()
  assert.equal(isClaimed(dir), false)
  assert.equal(isClaimed(join(dir, 'none')), false)
  assert.equal(other(), 0)
  rmSync(dir, { recursive: true })
})
