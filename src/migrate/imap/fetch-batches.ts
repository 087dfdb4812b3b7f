import { readFetch } from './fetch-data.ts'
import type { FolderWork } from './folder-work.ts'
import type { Data } from './response.ts'
import { uidSets } from './uid-set.ts'

/** One command asks for about so much: enough to keep a long line busy, little enough to stop soon. */
const batchBytes = 512 * 1024
const batchCount = 100
/** Sizes that no listing told are asked for so many at a time. */
const sizesAtOnce = 500

export type Batch = { readonly uids: readonly number[]; readonly bytes: number; readonly isLarge: boolean }

/** What is asked for together: small messages up to `batchBytes`, a large one by itself. What has vanished is in none. */
export async function* batchesOf(work: FolderWork, uids: readonly number[]): AsyncGenerator<Batch, undefined> {
  let next = learn(work, uids.slice(0, sizesAtOnce))
  for (let at = 0; at < uids.length; at += sizesAtOnce) {
    const sizes = await next
    const after = uids.slice(at + sizesAtOnce, at + 2 * sizesAtOnce)
    // Asked for before the batches of this part, so that its answer is there when they are.
    next = learn(work, after)
    next.catch(() => {}) // Told to whoever waits for it.
    yield* parts(sizes, work.connection.limits.wholeBytes)
  }
}

function* parts(sizes: ReadonlyMap<number, number>, wholeBytes: number): Generator<Batch> {
  let uids: number[] = []
  let bytes = 0
  for (const [uid, size] of sizes) {
    if (size > wholeBytes) {
      yield { uids: [uid], bytes: size, isLarge: true }
      continue
    }
    uids.push(uid)
    bytes += size
    if (uids.length < batchCount && bytes < batchBytes) continue
    yield { uids, bytes, isLarge: false }
    uids = []
    bytes = 0
  }
  if (uids.length > 0) yield { uids, bytes, isLarge: false }
}

/** Sizes in the order of the UIDs. Known from a listing, else asked for. */
async function learn(work: FolderWork, uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const asked = new Map<number, number>()
  const unknown = uids.filter((uid) => work.sizes.sizeOf(uid) === undefined)
  const take = (data: Data): boolean => takeSize(work, data, asked)
  await Promise.all(
    [...uidSets(unknown)].map((set) =>
      work.run({ what: 'sizes of messages', pieces: [`UID FETCH ${set} (UID RFC822.SIZE)`], take }),
    ),
  )
  const known = uids.map((uid) => [uid, work.sizes.sizeOf(uid) ?? asked.get(uid)] as const)
  return new Map(known.filter((one): one is readonly [number, number] => one[1] !== undefined))
}

function takeSize(work: FolderWork, data: Data, asked: Map<number, number>): boolean {
  if (data.name !== 'FETCH' || asked.size > sizesAtOnce) return false
  const told = readFetch(data, work.connection.limits)
  if (typeof told === 'string') work.connection.hostile(told)
  else if (told.uid !== undefined && told.size !== undefined && told.flags === undefined) {
    asked.set(told.uid, told.size)
    return true
  }
  return false
}
