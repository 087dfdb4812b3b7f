/**
 * A map in many small maps, for a table that changes one entry at a time while others read it. A change copies the few
 * small maps that it touches, about the square root of the whole, and shares the rest: no pause, ever, and no tombstones.
 */
export type Reader<V> = { get(key: string): V | undefined }

export type Shards<V> = Reader<V> & {
  readonly size: number
  entries(): Iterable<readonly [string, V]>
  /** A draft that starts as this; the draft is not seen by readers of this. */
  edit(): Draft<V>
}

export type Draft<V> = Reader<V> & {
  set(key: string, value: V): void
  /** Sets it unless there is one already, which it then gives. */
  claim(key: string, value: V): V | undefined
  delete(key: string): void
  /** Ends the draft. */
  seal(): Shards<V>
}

/** An empty map with as many shards as suit `expected` keys. */
export function makeShards<V>(expected: number): Shards<V> {
  return shards(emptyMaps(shardCount(expected)), 0)
}

function shards<V>(maps: readonly Map<string, V>[], size: number): Shards<V> {
  const mask = maps.length - 1
  return Object.freeze({
    size,
    get: (key: string) => maps[hash(key) & mask]?.get(key),
    entries: () => allEntries(maps),
    edit: () => draft(maps, size),
  })
}

function draft<V>(base: readonly Map<string, V>[], size: number): Draft<V> {
  const maps = [...base]
  const own = new Uint8Array(maps.length)
  const mask = maps.length - 1
  let count = size
  const writable = (key: string): Map<string, V> => {
    const index = hash(key) & mask
    const map = own[index] === 1 ? maps[index] : new Map(maps[index])
    if (map === undefined) throw new RangeError('no such shard')
    own[index] = 1
    maps[index] = map
    return map
  }
  return {
    get: (key) => maps[hash(key) & mask]?.get(key),
    set: (key, value) => {
      const map = writable(key)
      count -= map.size
      count += map.set(key, value).size
    },
    claim: (key, value) => {
      const map = writable(key)
      const holder = map.get(key)
      if (holder !== undefined) return holder
      map.set(key, value)
      count += 1
      return undefined
    },
    delete: (key) => {
      if (writable(key).delete(key)) count -= 1
    },
    seal: () => shards(maps.length < shardCount(count) / 8 ? spread(maps, count) : maps, count),
  }
}

/** The table has outgrown its shards. Happens once in a growth by sixty-four, so it costs a change next to nothing. */
function spread<V>(maps: readonly Map<string, V>[], count: number): readonly Map<string, V>[] {
  const wider = emptyMaps<V>(shardCount(count))
  for (const map of maps) for (const [key, value] of map) wider[hash(key) & (wider.length - 1)]?.set(key, value)
  return wider
}

function emptyMaps<V>(count: number): readonly Map<string, V>[] {
  return Array.from({ length: count }, () => new Map<string, V>())
}

/** A power of two near the square root: copying the list of shards costs about as much as copying one of them. */
function shardCount(keys: number): number {
  return 2 ** Math.max(0, Math.round(Math.log2(Math.max(1, keys)) / 2))
}

function hash(key: string): number {
  let h = 0
  for (let i = 0; i < key.length; i += 1) h = (Math.imul(h, 31) + key.charCodeAt(i)) | 0
  return h ^ (h >>> 15)
}

function* allEntries<V>(maps: readonly Map<string, V>[]): Iterable<readonly [string, V]> {
  for (const map of maps) yield* map
}
