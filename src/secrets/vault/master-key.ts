/** Where the master key lies: a file of its own, never in the database. By default beside it, better somewhere else. */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createPrivate, readPrivate, reason, syncFolder } from '../private-file.ts'
import { keyBytes, type MasterKey, masterKeyOf } from './envelope.ts'

export type KeyAnswer =
  | { readonly ok: true; readonly master: MasterKey }
  | { readonly ok: false; readonly kind: 'absent' | 'bad'; readonly why: string }

/** A file, or `fd:N`: a file descriptor that the starter opened, read once. */
export type KeyPlace = {
  readonly file: string /** Named by the operator: never made by us. */
  readonly isNamed: boolean
}

export function keyPlace(dataDir: string, named: string | undefined): KeyPlace {
  return named === undefined ? { file: join(dataDir, 'master.key'), isNamed: false } : { file: named, isNamed: true }
}

const descriptor = /^fd:(\d{1,4})$/
export const isDescriptor = (file: string): boolean => descriptor.test(file)

export function readKey(file: string): KeyAnswer {
  const fd = descriptor.exec(file)?.[1]
  const found = fd === undefined ? readPrivate(file) : readDescriptor(Number(fd))
  if (found.kind === 'absent') return { ok: false, kind: 'absent', why: `there is no master key at ${file}` }
  if (found.kind === 'unreadable') return bad(`cannot read the master key: ${found.why}`)
  // Others may have read it already: closing the file now would not make it secret again.
  if (found.isOpenToOthers)
    return bad(`${file} can be read by other users: chmod 600 ${file} if nobody else can have read it`)
  const text = found.bytes.toString('latin1').trim()
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== keyBytes || !/^[\w+/-]{43}=?$/.test(text))
    return bad(`${file} holds no master key: it is 32 random bytes in base64, one line`)
  return { ok: true, master: masterKeyOf(bytes) }
}

function readDescriptor(fd: number): ReturnType<typeof readPrivate> {
  try {
    return { kind: 'found', bytes: readFileSync(fd), isOpenToOthers: false }
  } catch (error) {
    return { kind: 'unreadable', why: `file descriptor ${fd}: ${reason(error)}` }
  }
}

/** Makes a key where there is none; one that is there is read. */
export function makeKey(file: string): KeyAnswer {
  try {
    createPrivate(file, `${randomBytes(keyBytes).toString('base64')}\n`)
    return readKey(file)
  } catch (error) {
    return bad(`cannot write the master key to ${file}: ${reason(error)}`)
  }
}

/** The next key lies beside the one in use until every secret is under it. */
export const nextOf = (file: string): string => `${file}.next`

/** Puts the next key in the place of the one before, which is gone then. */
export function takeNext(file: string): void {
  renameSync(nextOf(file), file)
  syncFolder(dirname(file))
}

export function dropNext(file: string): void {
  rmSync(nextOf(file), { force: true })
}

const bad = (why: string): KeyAnswer => ({ ok: false, kind: 'bad', why })
