/** Files that somebody names, read whole: plain ones, and no more of them than was asked for. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** The bytes, or what keeps them from being read, as the end of a sentence about the file. */
export type PlainFile = { readonly bytes: Buffer } | { readonly why: string }

/** A device has no end, a pipe no beginning until somebody writes: either would be the end of the gateway. */
export function readPlainFile(file: string, maxBytes: number): PlainFile {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return readOpen(fd, maxBytes)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    return { why: whyUnread(error) }
  }
}

function readOpen(fd: number, maxBytes: number): PlainFile {
  const found = fstatSync(fd)
  if (found.isDirectory()) return { why: 'is a folder' }
  if (!found.isFile()) return { why: 'is not a file' }
  if (found.size > maxBytes) return { why: `has ${found.size} bytes, too many for what it should be` }
  const bytes = readUpTo(fd, found.size, maxBytes)
  return bytes === undefined ? { why: `has more than ${maxBytes} bytes, too many for what it should be` } : { bytes }
}

/** Files of the kernel say that they are empty, and are not. */
const sizeUntold = 64 * 1024

function readUpTo(fd: number, size: number, maxBytes: number): Buffer | undefined {
  let held = Buffer.alloc(Math.min(size === 0 ? sizeUntold : size + 1, maxBytes + 1))
  let length = 0
  for (;;) {
    const read = readSync(fd, held, length, held.length - length, null)
    length += read
    if (read === 0) return held.subarray(0, length)
    if (length > maxBytes) return undefined
    if (length === held.length) held = Buffer.concat([held], Math.min(2 * length, maxBytes + 1))
  }
}

function whyUnread(error: unknown): string {
  const code = codeOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist'
  return code === 'EACCES' || code === 'EPERM' ? 'may not be read by this user' : `cannot be read (${code})`
}

/** `ENOENT` and its kin. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error)
}
