import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeShards, type Shards } from './shards.ts'

const step = fc.tuple(fc.constantFrom('set', 'claim', 'delete'), fc.integer({ min: 0, max: 400 }).map(String), fc.nat())

test('property: shards are a map, and what was sealed never changes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { maxLength: 80 }), { maxLength: 8 }),
      fc.nat({ max: 1000 }),
      (drafts, expected) => {
        const versions: { readonly shards: Shards<number>; readonly map: ReadonlyMap<string, number> }[] = [
          { shards: makeShards(expected), map: new Map() },
        ]
        for (const steps of drafts) {
          const last = versions.at(-1)
          assert.ok(last)
          const draft = last.shards.edit()
          const map = new Map(last.map)
          for (const [what, key, value] of steps) {
            if (what === 'delete') {
              draft.delete(key)
              map.delete(key)
            } else if (what === 'set') {
              draft.set(key, value)
              map.set(key, value)
            } else {
              assert.equal(draft.claim(key, value), map.get(key))
              if (!map.has(key)) map.set(key, value)
            }
            assert.equal(draft.get(key), map.get(key))
          }
          versions.push({ shards: draft.seal(), map })
        }
        for (const { shards, map } of versions) {
          assert.equal(shards.size, map.size)
          assert.deepEqual(new Map(shards.entries()), map)
          for (let key = 0; key <= 400; key += 7) assert.equal(shards.get(String(key)), map.get(String(key)))
        }
      },
    ),
  )
})

test('a map that grew from nothing has as many shards as it needs', () => {
  let shards = makeShards<number>(0)
  for (let round = 0; round < 40; round += 1) {
    const draft = shards.edit()
    for (let i = 0; i < 100; i += 1) draft.set(`${round}-${i}`, i)
    shards = draft.seal()
  }
  assert.equal(shards.size, 4000)
  assert.equal(shards.get('39-99'), 99)
})
