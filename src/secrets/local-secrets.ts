/** Secrets that this installation makes for itself. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readPrivate, removePrivate } from './private-file.ts'
import type { Vault } from './vault/vault.ts'

const hmacBytes = 32

export type PassKey = { readonly ok: true; readonly key: Buffer } | { readonly ok: false; readonly why: string }

/** 32 bytes that key the pass header, from the vault. An installation from before the vault has them in a file, which is taken over. */
export function passKey(vault: Vault, dataDir: string): PassKey {
  const file = join(dataDir, 'pass.key')
  const kept = vault.read('own', 'pass.key')
  if (kept.kind === 'unknown') return { ok: false, why: kept.why }
  if (kept.kind === 'found') {
    removePrivate(file)
    return { ok: true, key: kept.value }
  }
  const before = readPrivate(file)
  if (before.kind === 'unreadable') return { ok: false, why: `cannot read ${file}: ${before.why}` }
  const isUsable = before.kind === 'found' && before.bytes.length === hmacBytes && !before.isOpenToOthers
  const key = isUsable ? before.bytes : randomBytes(hmacBytes)
  vault.write('own', 'pass.key', key, 'causeway')
  removePrivate(file)
  return { ok: true, key }
}
