import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expandSet, uidSets } from './uid-set.ts'

test('runs become ranges, gaps stay gaps', () => {
  assert.deepEqual([...uidSets([1, 2, 3, 5, 7, 8])], ['1:3,5,7:8'])
  assert.deepEqual([...uidSets([])], [])
})

test('a set that names four billion is none', () => {
  assert.equal(expandSet('1:4294967295', 1000), undefined)
  assert.equal(expandSet('1:2000,5', 2000), undefined)
  for (const no of ['', '0', '1:', ':', 'x', '1:*', '-1', '5,', '99999999999', '4294967296'])
    assert.equal(expandSet(no, 10), undefined, no)
  assert.deepEqual(expandSet('3:1,7', 10), [1, 2, 3, 7])
})

test('what is written comes back, in sets that are not too long', () => {
  const uids = fc
    .uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 200 })
    .map((all) => all.sort((a, b) => a - b))
  fc.assert(
    fc.property(uids, fc.integer({ min: 10, max: 60 }), fc.integer({ min: 1, max: 50 }), (all, length, count) => {
      const sets = [...uidSets(all, length, count)]
      assert.deepEqual(
        sets.flatMap((set) => expandSet(set, 1000) ?? []),
        all,
      )
      for (const set of sets) {
        assert.ok(set.length <= length, set)
        assert.ok((expandSet(set, 1000)?.length ?? 0) <= count, `${set} holds more than ${count}`)
      }
    }),
  )
})
