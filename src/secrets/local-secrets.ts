/** Secrets of this installation, in its data folder. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createPrivate, readPrivate, reason, removePrivate } from './private-file.ts'
import type { Vault } from './vault/vault.ts'

export type TokenFile =
  | { readonly ok: true; readonly token: string; readonly file: string; readonly created: boolean }
  | { readonly ok: false; readonly why: string; readonly remedy: string }

const tokenForm = /^[A-Za-z0-9_-]{43}$/
const hmacBytes = 32

/** The token of the API: 256 bits in base64url. Who can read the file may do everything that the API can. */
export function tokenFile(dataDir: string): TokenFile {
  const file = join(dataDir, 'api.token')
  const secret = ownSecret(file, () => `${randomBytes(32).toString('base64url')}\n`)
  if (!secret.ok) return secret
  const token = secret.bytes.toString('latin1').trim()
  if (!tokenForm.test(token)) return damaged(file)
  return { ok: true, token, file, created: secret.created }
}

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

type Refused = { readonly ok: false; readonly why: string; readonly remedy: string }
type Secret = { readonly ok: true; readonly bytes: Buffer; readonly created: boolean } | Refused

function ownSecret(file: string, make: () => string | Buffer): Secret {
  const before = readPrivate(file)
  if (before.kind !== 'absent') return judge(file, before, false)
  try {
    const isOurs = createPrivate(file, make())
    return judge(file, readPrivate(file), isOurs)
  } catch (error) {
    return { ok: false, why: `cannot write ${file}: ${reason(error)}`, remedy: 'make the data folder writable' }
  }
}

function judge(file: string, found: ReturnType<typeof readPrivate>, created: boolean): Secret {
  if (found.kind === 'absent') return { ok: false, why: `${file} is gone again`, remedy: 'start once more' }
  if (found.kind === 'unreadable') {
    return { ok: false, why: `cannot read ${file}: ${found.why}`, remedy: 'run as the owner of the data folder' }
  }
  // Others may have read it already: closing the file now would not make it secret again.
  if (found.isOpenToOthers) {
    const remedy = 'remove it, a new one is made; or chmod 600 if nobody else can have read it'
    return { ok: false, why: `${file} can be read by other users`, remedy }
  }
  return { ok: true, bytes: found.bytes, created }
}

function damaged(file: string): Refused {
  return { ok: false, why: `${file} does not hold what was written there`, remedy: 'remove it, a new one is made' }
}
