/**
 * What the entries claim. Addresses stand apart from `@domain` and `*.domain`: of these there are few, and every address that
 * nobody has is looked up among them, once for each of its labels. In a small map that costs next to nothing.
 */
import type { Entry } from './entry.ts'
import { type Draft, makeShards, type Shards } from './shards.ts'

/** An empty ledger for about so many addresses. */
export function emptyClaims(expected: number): Shards<Entry> {
  return claims(makeShards(expected), makeShards(0))
}

function claims(people: Shards<Entry>, places: Shards<Entry>): Shards<Entry> {
  return Object.freeze({
    size: people.size + places.size,
    get: (key: string) => (isPlace(key) ? places : people).get(key),
    *entries() {
      yield* people.entries()
      yield* places.entries()
    },
    edit: () => draft(people.edit(), places.edit()),
  })
}

function draft(people: Draft<Entry>, places: Draft<Entry>): Draft<Entry> {
  const of = (key: string): Draft<Entry> => (isPlace(key) ? places : people)
  return {
    get: (key) => of(key).get(key),
    set: (key, entry) => of(key).set(key, entry),
    claim: (key, entry) => of(key).claim(key, entry),
    delete: (key) => of(key).delete(key),
    seal: () => claims(people.seal(), places.seal()),
  }
}

/** Is it the key of a domain, and not of an address? No entry's address begins with a star. */
export function isPlace(key: string): boolean {
  return key.startsWith('@') || key.startsWith('*.')
}
