import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Address, parseAddress } from '../mail/address/address.ts'
import type { DirectoryChange } from './change.ts'
import { type Entry, type EntryText, entryText } from './entry.ts'
import { noFindings } from './findings.ts'
import { compileTable, type RoutingTable } from './table.ts'

function at(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address, text)
  return address
}

function compile(...entries: readonly EntryText[]): {
  readonly table: RoutingTable
  readonly problems: readonly string[]
} {
  const findings = noFindings()
  const table = compileTable(entries, undefined, findings)
  return { table, problems: findings.problems.map((p) => p.text) }
}

function tableOf(...entries: readonly EntryText[]): RoutingTable {
  const { table, problems } = compile(...entries)
  assert.deepEqual(problems, [])
  return table
}

const out = (table: RoutingTable, text: string): string => table.external(at(text)).to
const into = (table: RoutingTable, text: string): string => table.internal(at(text)).to

const john: EntryText = { internal: 'john@one.example', external: 'john@shared.example', aliases: ['js@old.example'] }
const domain: EntryText = { internal: '@two.example', external: '@shared.example' }
const flat: EntryText = {
  internal: '*.old.example',
  external: '@shared.example',
  outboundOnly: true,
  except: ['legal.old.example'],
}

test('every address of a person becomes the external one outside and the internal one inside', () => {
  const table = tableOf(john)
  for (const text of ['john@one.example', 'John@ONE.example', 'js@old.example'])
    assert.equal(out(table, text), 'john@shared.example')
  for (const text of ['john@shared.example', 'JS@old.example']) assert.equal(into(table, text), 'john@one.example')
  assert.deepEqual(table.person(at('js@old.example')), {
    internal: 'john@one.example',
    external: 'john@shared.example',
    entry: [...table.entries()][0],
  })
})

test('what already is the wanted address stays byte for byte', () => {
  const table = tableOf(john, domain)
  for (const text of ['John@Shared.Example', 'JOHN+x@shared.example', '"john"@shared.example', 'Mary@SHARED.example']) {
    const { given, to, entry } = table.external(at(text))
    assert.equal(to, text)
    assert.equal(given, text)
    assert.ok(entry, text)
  }
})

test('what no entry claims is left, without an entry', () => {
  assert.deepEqual(tableOf(john).external(at('x@elsewhere.example')), {
    given: 'x@elsewhere.example',
    to: 'x@elsewhere.example',
  })
})

test('the tag is kept, from the first + on', () => {
  const table = tableOf(john)
  assert.equal(out(table, 'john+a+b@one.example'), 'john+a+b@shared.example')
  assert.equal(into(table, 'John+News@shared.example'), 'john+News@one.example')
  assert.equal(out(table, 'js+x@old.example'), 'john+x@shared.example')
  assert.deepEqual(table.person(at('js+x@old.example'))?.external, 'john+x@shared.example')
})

test('a tag is not put on a quoted address, on one that has a tag, or where it makes somebody else', () => {
  const quoted = tableOf({ internal: 'john@one.example', external: '"john smith"@shared.example' })
  assert.equal(out(quoted, 'john+x@one.example'), 'john+x@one.example')
  const tagged = tableOf({ internal: 'john@one.example', external: 'team+john@shared.example' })
  assert.equal(out(tagged, 'john@one.example'), 'team+john@shared.example')
  assert.equal(out(tagged, 'john+x@one.example'), 'john+x@one.example')
  const other = tableOf(john, { internal: 'x@one.example', external: 'john+x@shared.example' })
  assert.equal(out(other, 'john+x@one.example'), 'john+x@one.example')
  assert.equal(into(other, 'john+x@shared.example'), 'x@one.example')
})

test('bounce forms are never people', () => {
  const table = tableOf(john, domain)
  for (const text of [
    'john+user=x.example@one.example',
    'SRS0=a=b=x.example=john@two.example',
    'prvs=12345=john@two.example',
  ]) {
    assert.equal(table.external(at(text)).entry, undefined)
    assert.equal(table.person(at(text)), undefined)
  }
})

test('a domain entry keeps the local part as it came, quotes too', () => {
  const table = tableOf(domain)
  assert.equal(out(table, '"Mary Ann"@Two.Example'), '"Mary Ann"@shared.example')
  assert.equal(into(table, 'Mary+t@shared.example'), 'Mary+t@two.example')
  assert.equal(out(table, 'mary@sub.two.example'), 'mary@sub.two.example')
})

test('a domain entry leaves alone what would become somebody with an entry of their own', () => {
  const table = tableOf(john, domain)
  for (const text of ['john@two.example', 'John+x@two.example']) {
    assert.deepEqual(table.external(at(text)), { given: text, to: text })
    assert.equal(table.person(at(text)), undefined)
  }
  const moved = tableOf(domain, { internal: 'mary@two.example', external: 'm.ary@shared.example' })
  assert.equal(moved.internal(at('mary@shared.example')).entry, undefined)
})

test('closest entry first: exact, domain, the longest wildcard that does not except it', () => {
  const table = tableOf(
    { internal: '*.contoso.com', external: '@contoso.com', outboundOnly: true },
    {
      internal: '*.sales.contoso.com',
      external: '@sales.example',
      outboundOnly: true,
      except: ['x.sales.contoso.com'],
    },
    { internal: '@japan.sales.contoso.com', external: '@contoso.jp' },
    { internal: 'boss@japan.sales.contoso.com', external: 'ceo@contoso.com' },
  )
  assert.equal(out(table, 'masato@japan.sales.contoso.com'), 'masato@contoso.jp')
  assert.equal(out(table, 'boss@japan.sales.contoso.com'), 'ceo@contoso.com')
  assert.equal(out(table, 'a@sales.contoso.com'), 'a@sales.example')
  assert.equal(out(table, 'a@y.x.sales.contoso.com'), 'a@contoso.com')
  assert.equal(out(table, 'a@contoso.com'), 'a@contoso.com')
  assert.equal(out(table, 'a@notcontoso.com'), 'a@notcontoso.com')
})

test('entries for the way out only share an external address and are unknown to what comes in', () => {
  const table = tableOf(
    flat,
    { internal: 'a@one.example', external: 'info@shared.example', outboundOnly: true },
    { internal: 'b@one.example', external: 'info@shared.example', outboundOnly: true },
  )
  for (const text of ['a@one.example', 'b@one.example']) assert.equal(out(table, text), 'info@shared.example')
  for (const text of ['info@shared.example', 'a@one.example', 'x@sub.old.example']) {
    assert.deepEqual(table.internal(at(text)), { given: text, to: text })
    assert.equal(table.person(at(text)), undefined)
  }
  assert.equal(out(table, 'x@deep.sub.old.example'), 'x@shared.example')
  assert.equal(out(table, 'x@deep.legal.old.example'), 'x@deep.legal.old.example')
})

test('the entry over a domain is found from either side, for bounces', () => {
  const table = tableOf(domain, flat)
  assert.equal(table.domainEntry('shared.example')?.internal, '@two.example')
  assert.equal(table.domainEntry('two.example')?.internal, '@two.example')
  assert.equal(table.domainEntry('old.example'), undefined)
})

test('international names: folded for look-up, domains written as A-labels unless the local part is not ASCII', () => {
  const table = tableOf({ internal: 'Jörg@one.example', external: 'joerg@bücher.example' })
  assert.equal(out(table, 'JÖRG@one.example'), 'joerg@xn--bcher-kva.example')
  assert.equal(into(table, 'joerg@BÜCHER.example'), 'Jörg@one.example')
  assert.equal(out(table, 'joerg@bücher.example'), 'joerg@bücher.example')
})

test('refused: two entries for one address, with both named', () => {
  const source = { file: 'p.yaml', line: 3 }
  const { problems } = compile(
    { ...john, source },
    { internal: 'jo@two.example', external: 'JOHN@shared.example', source: { file: 'x.csv', line: 9 } },
  )
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /john@shared\.example.*p\.yaml:3.*x\.csv:9.*led back/)
})

const refused: readonly (readonly [string, readonly EntryText[], RegExp])[] = [
  ['two domains that become one', [domain, { internal: '@three.example', external: '@shared.example' }], /led back/],
  ['a chain', [{ internal: 'a@one.example', external: 'js@old.example', outboundOnly: true }, john], /form a chain/],
  [
    'a chain by a domain',
    [{ internal: 'a@one.example', external: 'b@two.example', outboundOnly: true }, domain],
    /form a chain/,
  ],
  [
    'a chain of domains',
    [
      { internal: '@a.example', external: '@b.example', outboundOnly: true },
      { internal: '*.b.example', external: '@c.example', outboundOnly: true },
    ],
    /form a chain/,
  ],
  [
    'a cycle',
    [
      { internal: '@a.example', external: '@b.example', outboundOnly: true },
      { internal: '@b.example', external: '@a.example', outboundOnly: true },
    ],
    /circle/,
  ],
  [
    'a chain through a tag',
    [{ internal: 'a@one.example', external: 'js+x@old.example', outboundOnly: true }, john],
    /form a chain/,
  ],
  ['a wildcard both ways', [{ internal: '*.old.example', external: '@shared.example' }], /could not lead back/],
  ['a wildcard as external', [{ internal: '@old.example', external: '*.shared.example' }], /wildcard/],
  [
    'an address that becomes a domain',
    [{ internal: 'a@one.example', external: '@shared.example' }],
    /one is an address/,
  ],
  ['*contoso.com', [{ ...flat, internal: '*contoso.com' }], /wildcard/],
  ['sales.*.com', [{ ...flat, internal: 'sales.*.com' }], /wildcard/],
  ['*@contoso.com', [{ ...flat, internal: '*@contoso.com' }], /wildcard/],
  ['except without wildcard', [{ ...domain, except: ['x.two.example'] }], /exceptions/],
  ['aliases of a domain', [{ ...domain, aliases: ['a@b.example'] }], /aliases/],
  ['a bounce address', [{ internal: 'a+b=c.example@one.example', external: 'a@b.example' }], /VERP/],
  ['a header in an address', [{ internal: 'a\r\nBcc: x@one.example', external: 'a@b.example' }], /not an address/],
  ['a mode that does not fit', [{ ...john, mode: 'Done' }], /mode Done/],
]
for (const [name, entries, pattern] of refused) {
  test(`refused: ${name}`, () => {
    const { problems } = compile(...entries)
    assert.match(problems.join('\n'), pattern)
  })
}

test('allowed: an exact entry inside a domain entry, a result that is rewritten to itself', () => {
  tableOf(domain, { internal: 'mary@two.example', external: 'mary@shared.example' })
  tableOf({ internal: 'a@one.example', external: 'john@shared.example', outboundOnly: true }, john)
  tableOf({ internal: 'ann@a.example', external: 'ann@a.example', aliases: ['ann@b.example'] })
})

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
