import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EntryText } from './entry.ts'
import { at, compile, domain, flat, into, john, out, tableOf } from './for-tests.ts'

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

test('a domain entry: U-labels beside a local part that is not ASCII, A-labels beside one that is', () => {
  for (const external of ['@bücher.example', '@xn--bcher-kva.example']) {
    const table = tableOf({ internal: '@tenant1.example', external })
    assert.equal(out(table, 'Ä@tenant1.example'), 'Ä@bücher.example')
    assert.equal(out(table, 'Ann@tenant1.example'), 'Ann@xn--bcher-kva.example')
    for (const back of ['Ä@bücher.example', 'Ä@xn--bcher-kva.example'])
      assert.equal(into(table, back), 'Ä@tenant1.example')
    assert.equal(out(table, 'Ä@xn--bcher-kva.example'), 'Ä@xn--bcher-kva.example')
  }
  assert.equal(out(tableOf(domain), 'Ä@two.example'), 'Ä@shared.example')
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
