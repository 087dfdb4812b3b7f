import { type LargeContent, type Listed, MailboxTrouble } from '../mailbox/mailbox.ts'
import { type FetchData, readFetch } from './fetch-data.ts'
import type { FolderWork } from './folder-work.ts'
import { listedOf } from './list-messages.ts'
import { leaveLitter } from './litter.ts'
import type { Data } from './response.ts'

/** Pieces that are asked for before the one that is wanted has come. */
const ahead = 2
/** Steps by which a size that is not true is mended, each twice as long as the last. */
const maxSteps = 60
const firstReach = 8192

/** A message that is read in pieces (RFC 9051 section 6.4.5, partial fetch), as often as wanted. */
export function largeContent(work: FolderWork, uid: number, size: number): LargeContent {
  return { size, read: () => pieces(work, uid, size) }
}

async function* pieces(work: FolderWork, uid: number, size: number): AsyncGenerator<Buffer, undefined> {
  const { pieceBytes } = work.connection.limits
  const asked: Promise<Buffer>[] = []
  for (let at = 0, next = 0; at < size; ) {
    for (; next < size && asked.length <= ahead; next += pieceBytes) {
      const piece = exactly(work, uid, next, Math.min(pieceBytes, size - next))
      piece.catch(() => {}) // Told when its turn comes, if it comes.
      asked.push(piece)
    }
    const piece = await asked.shift()
    if (piece === undefined) return
    at += piece.length
    yield piece
    leaveLitter(piece.length)
  }
}

async function exactly(work: FolderWork, uid: number, at: number, length: number): Promise<Buffer> {
  const { bytes } = await partial(work, uid, at, length)
  if (bytes === undefined) throw new MailboxTrouble('changed', 'a message vanished while it was read')
  if (bytes.length === length) return bytes
  throw new MailboxTrouble('hostile', `a message has ${bytes.length} bytes where ${length} must be`)
}

export type Measured = { readonly listed: Listed; readonly size: number }

/**
 * How large a message really is: what APPEND announces must be true. undefined: it has vanished.
 * QUIRK: Exchange says sizes that are estimates, so the end of a large message is looked for: one byte at the place of the last, and
 * nothing behind it.
 */
export async function measured(work: FolderWork, uid: number, told: number): Promise<Measured | undefined> {
  const { pieceBytes } = work.connection.limits
  // All bytes below `lower` are there, none from `upper` on.
  let [lower, upper] = [0, Number.POSITIVE_INFINITY]
  let [from, length] = [Math.max(0, told - 1), 2]
  for (let step = 0; step < maxSteps; step += 1) {
    const { bytes, listed } = await partial(work, uid, from, length)
    if (bytes === undefined || listed === undefined) return undefined
    const end = from + bytes.length
    if (bytes.length > 0) lower = Math.max(lower, end)
    if (bytes.length < length) upper = Math.min(upper, end)
    if (lower >= upper) return { listed, size: upper }
    length = pieceBytes
    from = whereNext(lower, upper, firstReach * 2 ** step)
  }
  throw new MailboxTrouble('hostile', 'the size of a message cannot be found out')
}

/** Near first, because an estimate is rarely far off; then by halves, because it may be. */
function whereNext(lower: number, upper: number, reach: number): number {
  if (upper === Number.POSITIVE_INFINITY) return reach > firstReach ? lower + reach : lower
  return Math.max(lower + Math.floor((upper - lower) / 2), upper - reach)
}

type Part = { readonly bytes?: Buffer; readonly listed?: Listed }

async function partial(work: FolderWork, uid: number, at: number, length: number): Promise<Part> {
  let found: Part = {}
  const take = (data: Data): boolean => {
    if (data.name !== 'FETCH') return false
    const told = readFetch(data, work.connection.limits)
    if (typeof told === 'string') work.connection.hostile(told)
    if (typeof told === 'string' || told.uid !== uid || told.origin !== at) return false
    const why = problem(told, length)
    if (why !== undefined) work.connection.hostile(why)
    else found = part(told)
    return true
  }
  const command = `UID FETCH ${uid} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<${at}.${length}>)`
  await work.run({ what: 'a part of a message', pieces: [command], take })
  return found
}

function problem({ content }: FetchData, length: number): string | undefined {
  if (content === null || content === undefined) return undefined
  return Buffer.isBuffer(content) && content.length <= length
    ? undefined
    : 'it gives more of a message than was asked for'
}

function part(told: FetchData): Part {
  const listed = listedOf(told)
  if (listed === undefined || told.content === null || told.content === undefined || !Buffer.isBuffer(told.content))
    return {}
  return { bytes: told.content, listed }
}
