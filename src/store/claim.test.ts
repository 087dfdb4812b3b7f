import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimFolder } from './store.ts'

test('a data folder has one process; it is free again when that lets go', () => {
  const dir = mkdtempSync(join(tmpdir(), 'claim-'))
  const script = `import { claimFolder } from ${JSON.stringify(import.meta.resolve('./store.ts'))}; process.exit(claimFolder(${JSON.stringify(dir)}).ok ? 0 : 1)`
  const other = () => spawnSync(process.execPath, ['--input-type=module', '-e', script]).status
  const claim = claimFolder(dir)
  assert.ok(claim.ok)
  assert.equal(other(), 1)
  claim.release()
  assert.equal(other(), 0)
  rmSync(dir, { recursive: true })
})
