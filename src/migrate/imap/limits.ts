import type { ImapLimits, Patience } from './imap.ts'

const kib = 1024
const mib = 1024 * kib

export const usualLimits: ImapLimits = {
  maxLineBytes: 1 * mib,
  maxKeptBytes: 4 * mib,
  maxLiteralBytes: 2 * kib * mib,
  maxNesting: 32,
  maxValues: 100_000,
  maxFolders: 50_000,
  maxMessages: 10_000_000,
  maxUnasked: 100_000,
  wholeBytes: 2 * mib,
  pieceBytes: 1 * mib,
  windowBytes: 4 * mib,
}

const minute = 60_000

export const usualPatience: Patience = {
  connectMs: 30_000,
  greetingMs: 60_000,
  silentMs: 3 * minute,
  commandMs: 60 * minute,
  restMs: 5 * minute,
}
