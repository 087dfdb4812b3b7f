/** Small files that only their owner may read. */
import { randomUUID } from 'node:crypto'
import {
  chownSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

export type PrivateFile =
  | { readonly kind: 'found'; readonly bytes: Buffer; readonly isOpenToOthers: boolean }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string }

/** A secret is small; anything larger is the wrong file and is not read. */
const maxBytes = 64 * 1024

export function readPrivate(file: string): PrivateFile {
  try {
    const found = statSync(file)
    if (!found.isFile()) return { kind: 'unreadable', why: `${file} is not a file` }
    if (found.size > maxBytes) return { kind: 'unreadable', why: `${file} is too large for a secret` }
    return { kind: 'found', bytes: readFileSync(file), isOpenToOthers: (found.mode & 0o077) !== 0 }
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? { kind: 'absent' } : { kind: 'unreadable', why: reason(error) }
  }
}

/**
 * Creates `file` whole and synced, or leaves the one that another process made in the meantime: a link fails where a
 * rename would replace. False when it was there already.
 */
export function createPrivate(file: string, content: string | Buffer): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    writeSynced(temporary, content)
    const isOurs = placeNew(temporary, file)
    syncFolder(dirname(file))
    return isOurs
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Puts the content in the place of what was there, whole. The superuser gives it to the owner of the folder, whose it would be. */
export function replacePrivate(file: string, content: string): void {
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    writeSynced(temporary, content)
    if (process.getuid?.() === 0) {
      const { uid, gid } = statSync(dirname(file))
      chownSync(temporary, uid, gid)
    }
    renameSync(temporary, file)
    syncFolder(dirname(file))
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeSynced(file: string, content: string | Buffer): void {
  const handle = openSync(file, 'wx', 0o600)
  try {
    writeFileSync(handle, content)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function placeNew(temporary: string, file: string): boolean {
  try {
    linkSync(temporary, file)
    return true
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST') return false
    // QUIRK: some network and FUSE file systems have no hard links; there the last of two starters wins.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') throw error
    renameSync(temporary, file)
    return true
  }
}

/** The name of a new file lasts only when its folder is synced too. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Gone, also after a crash. What its blocks held may stay on the disk: that is for the disk's own encryption. */
export function removePrivate(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return
  rmSync(file, { force: true })
  syncFolder(dirname(file))
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
