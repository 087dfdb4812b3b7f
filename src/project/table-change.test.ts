import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DirectoryChange } from './change.ts'
import { type Entry, type EntryText, entryText } from './entry.ts'
import { at, compile, domain, into, john, out, tableOf } from './for-tests.ts'
import { type RoutingTable } from './table.ts'

test('a change gives another table and leaves the old one', () => {
  const before = tableOf(john, domain)
  const moved = before.with({ put: [{ ...john, internal: 'john@two.example', aliases: ['john@one.example'] }] })
  assert.ok(moved.ok)
  assert.equal(moved.value.version, before.version + 1)
  assert.equal(moved.value.size, 2)
  assert.equal(into(moved.value, 'john@shared.example'), 'john@two.example')
  assert.equal(into(before, 'john@shared.example'), 'john@one.example')
  assert.equal(moved.value.external(at('js@old.example')).entry, undefined)
  assert.deepEqual(
    [...moved.value.entries()].map((e) => e.internal),
    ['john@two.example', '@two.example'],
  )
  const gone = moved.value.with({ remove: ['JOHN@shared.example', '@two.example'] })
  assert.ok(gone.ok)
  assert.deepEqual([...gone.value.entries()], [])
})

test("a put takes nobody else's address", () => {
  const table = tableOf(john)
  const stolen = table.with({ put: [{ internal: 'bob@one.example', external: 'john@shared.example' }] })
  assert.ok(!stolen.ok)
  assert.match(stolen.problems[0]?.text ?? '', /Two entries claim john@shared\.example/)
  const twice = table.with({
    put: [
      { internal: 'b@one.example', external: 'b@s.example' },
      { internal: 'b@one.example', external: 'b@s.example' },
    ],
  })
  assert.ok(!twice.ok)
  const nobody = table.with({ remove: ['js@old.example', 'nobody@one.example'] })
  assert.ok(!nobody.ok)
  assert.equal(nobody.problems.length, 2)
})

test('a chain that a change would make is refused, whichever end comes last', () => {
  const first: EntryText = { internal: 'a@one.example', external: 'b@two.example', outboundOnly: true }
  for (const [one, other] of [
    [first, domain],
    [domain, first],
  ]) {
    assert.ok(one && other)
    const next = tableOf(one).with({ put: [other] })
    assert.ok(!next.ok)
    assert.match(next.problems[0]?.text ?? '', /form a chain/)
  }
  // The exact entry holds b@two.example fast; without it the domain entry would rewrite it again.
  const held = tableOf(first, { internal: 'b@two.example', external: 'b@two.example' }, domain)
  assert.ok(!held.with({ remove: ['b@two.example'] }).ok)
})

test('an address that is given up lets a domain entry go further than before', () => {
  const held = tableOf(
    { internal: 'ann@one.example', external: 'ann@shared.example' },
    { internal: 'bob@one.example', external: 'ann@two.example', outboundOnly: true },
    domain,
  )
  const next = held.with({ remove: ['ann@one.example'] })
  assert.ok(!next.ok)
  assert.match(next.problems[0]?.text ?? '', /ann@two\.example would be rewritten again/)
  const tagged = tableOf(
    { internal: 'john@one.example', external: 'j.smith@shared.example' },
    { internal: 'x@one.example', external: 'j.smith+x@shared.example' },
    { internal: 'bob@one.example', external: 'john+x@one.example', outboundOnly: true },
  )
  assert.ok(!tagged.with({ remove: ['x@one.example'] }).ok)
})

// Small enough that entries meet.
const locals = ['ann', 'bob', 'Ann+x', 'bob+y', '"ann b"']
const domains = ['a.example', 'b.example', 'c.example', 'sub.a.example']
const probes = locals.concat('ann+z', 'ann+x+z', 'ANN').flatMap((local) => domains.map((d) => at(`${local}@${d}`)))
const person = fc.tuple(fc.constantFrom(...locals), fc.constantFrom(...domains)).map(([local, d]) => `${local}@${d}`)
const place = fc.constantFrom(...domains).map((d) => `@${d}`)
const anyEntry: fc.Arbitrary<EntryText> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      internal: person,
      external: person,
      aliases: fc.array(person, { maxLength: 2 }),
      outboundOnly: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ internal: place, external: place, outboundOnly: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      internal: fc.constantFrom('*.example', '*.a.example'),
      external: place,
      outboundOnly: fc.constant(true),
      except: fc.array(fc.constantFrom('b.example', 'sub.a.example'), { maxLength: 1 }),
    }),
  },
)

/** The entries that can stand together, of those given. */
function together(entries: readonly EntryText[]): RoutingTable {
  return entries.reduce<RoutingTable>((table, entry) => {
    const next = compile(...[...table.entries()].map(entryText), entry)
    return next.problems.length === 0 ? next.table : table
  }, tableOf())
}

test('property: a second pass changes nothing, and out and in again gives the address back', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 8 }), (entries) => {
      const table = together(entries)
      for (const probe of probes) {
        const outside = table.external(probe)
        const inside = table.internal(probe)
        assert.equal(out(table, outside.to), outside.to)
        assert.equal(into(table, inside.to), inside.to)
        if (inside.entry !== undefined && outside.entry !== undefined)
          assert.equal(into(table, outside.to).toLowerCase(), inside.to.toLowerCase())
        if (inside.entry === undefined) assert.equal(table.person(probe), undefined)
      }
    }),
    { numRuns: 500 },
  )
})

function sameLookUps(a: RoutingTable, b: RoutingTable): void {
  const plain = (e: Entry | undefined): EntryText | undefined => e && entryText(e)
  assert.equal(a.size, b.size)
  assert.deepEqual([...a.entries()].map(entryText), [...b.entries()].map(entryText))
  for (const probe of probes) {
    for (const way of ['external', 'internal'] as const) {
      const [one, two] = [a[way](probe), b[way](probe)]
      assert.equal(one.to, two.to)
      assert.deepEqual(plain(one.entry), plain(two.entry))
    }
  }
}

/** What a change means, said without any cleverness. */
function plainly(table: RoutingTable, change: DirectoryChange): readonly EntryText[] {
  const key = (text: string): string => text.toLowerCase().replaceAll('"', '')
  const own = (e: EntryText): readonly string[] => [e.internal, e.external].map(key)
  const removed = new Set((change.remove ?? []).map(key))
  const left = [...table.entries()]
    .map(entryText)
    .filter((e) => !(e.outboundOnly ? [key(e.internal)] : own(e)).some((k) => removed.has(k)))
  const puts = change.put ?? []
  const says = puts.map((e) => [...own(e), ...(e.aliases ?? []).map(key)])
  return [...left.filter((e) => !says.some((all) => own(e).every((k) => all.includes(k)))), ...puts]
}

test('property: a changed table is the table compiled afresh', () => {
  const change = fc.record({ put: fc.array(anyEntry, { maxLength: 2 }), remove: fc.array(person, { maxLength: 1 }) })
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 6 }), fc.array(change, { maxLength: 8 }), (entries, changes) => {
      let table = together(entries)
      for (const one of changes) {
        const held = new Set(
          [...table.entries()].flatMap((e) => (e.outboundOnly ? [e.internalKey] : [e.internalKey, e.externalKey])),
        )
        const known = {
          put: one.put,
          remove: one.remove.filter((text) => held.has(text.toLowerCase().replaceAll('"', ''))),
        }
        const next = table.with(known)
        const fresh = compile(...plainly(table, known))
        assert.equal(next.ok, fresh.problems.length === 0, `${JSON.stringify(next)} ${fresh.problems.join()}`)
        if (!next.ok) continue
        sameLookUps(next.value, tableOf(...[...next.value.entries()].map(entryText)))
        table = next.value
      }
    }),
    { numRuns: 500 },
  )
})
