import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKey, type MapAddress, mapAddressList } from './address.ts'

const directory: MapAddress = (address) => {
  const to = { 'john@contoso.example': 'John.Smith@shared.example', 'jo@contoso.example': 'j\u00f6@shared.example' }[
    addressKey(address)
  ]
  return to === undefined ? undefined : { to, entry: `entry of ${to}` }
}

const golden: readonly (readonly [reason: string, value: string, mapped: string])[] = [
  ['only the address', ' John <john@contoso.example>', ' John <John.Smith@shared.example>'],
  ['whatever its case', ' JOHN@CONTOSO.EXAMPLE', ' John.Smith@shared.example'],
  [
    'names and comments stay',
    '"john@contoso.example" (j) <(a)john@contoso.example(b)> (john@contoso.example)',
    '"john@contoso.example" (j) <(a)John.Smith@shared.example(b)> (john@contoso.example)',
  ],
  [
    'an unquoted name that is the address stays too',
    'john@contoso.example <john@contoso.example>',
    'john@contoso.example <John.Smith@shared.example>',
  ],
  ['comments and folding inside go with it', 'john\r\n (x)@contoso . example, b@y', 'John.Smith@shared.example, b@y'],
  [
    'the others stay, folding and order too',
    'a@x,\r\n\tJ <john@contoso.example>,\r\n  b@y ,, c@z',
    'a@x,\r\n\tJ <John.Smith@shared.example>,\r\n  b@y ,, c@z',
  ],
  ['several', 'john@contoso.example,john@contoso.example', 'John.Smith@shared.example,John.Smith@shared.example'],
  ['in groups', 'Team: a@x, john@contoso.example;', 'Team: a@x, John.Smith@shared.example;'],
  ['8-bit names keep their bytes', 'J\xf6 <john@contoso.example>', 'J\xf6 <John.Smith@shared.example>'],
  ['an international address goes in as UTF-8', '<jo@contoso.example>', '<j\xc3\xb6@shared.example>'],
]

for (const [reason, value, mapped] of golden) {
  test(`map: ${reason}`, () => assert.equal(mapAddressList(value, directory).value, mapped))
}

test('changes say what was and what is', () => {
  assert.deepEqual(mapAddressList('a@x, J <"john"@contoso.example>', directory).changes, [
    { old: '"john"@contoso.example', new: 'John.Smith@shared.example', entry: 'entry of John.Smith@shared.example' },
  ])
})

test('an address that is the wanted one stays as it is written', () => {
  const value = 'a (x) @ b'
  assert.deepEqual(
    mapAddressList(value, () => ({ to: 'a@b', entry: 'e' })),
    { value, changes: [] },
  )
})

test('an ambiguous value stands as it was, with the reason', () => {
  const value = 'john@contoso.example, <a@x>john@contoso.example'
  const mapped = mapAddressList(value, directory)
  assert.deepEqual([mapped.value, mapped.changes], [value, []])
  assert.match(mapped.ambiguous ?? '', /angle bracket/)
})

test('a target that would break the header is refused', () => {
  assert.throws(() => mapAddressList('a@b', () => ({ to: 'a@b\r\nBcc: x@y', entry: 'e' })), TypeError)
})
