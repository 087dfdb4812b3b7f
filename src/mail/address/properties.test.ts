import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type Address,
  addressKey,
  makeAddress,
  mapAddressList,
  parseAddress,
  parsePath,
  readAddressList,
  spell,
  splitTag,
} from './address.ts'

/** Strings made of what address fields are made of, so that most of the grammar and its breaks come up. */
const pieces = [
  'a',
  'b',
  'john',
  ' ',
  '\t',
  '\r\n ',
  '\r\n',
  '.',
  '@',
  '<',
  '>',
  ',',
  ':',
  ';',
  '"',
  '\\',
  '(',
  ')',
  '[',
  ']',
  '=?u?q?=40?=',
  '+',
  '=',
  '\0',
  '\n',
  '\r',
  '\x7f',
  '\xc3\xb6',
  '\xff',
  '%',
  'x.example',
  'a@b',
  '<a@b>',
  '"a b"',
  '(c)',
  '[192.0.2.1]',
]
const fieldLike = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(''))
const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 200,
})
const anyValue = fc.oneof(fieldLike, bytes)

/** Fields that are right, with the addresses in them spelled plainly. */
const local = fc.stringMatching(/^[a-z0-9]{1,8}(\.[a-z0-9]{1,8})?$/)
const plain = fc.tuple(local, fc.constantFrom('x.example', 'y.example', 'z')).map(([l, d]) => `${l}@${d}`)
const name = fc.constantFrom('', 'John ', '"Smith, J" ', '(c) ', 'J\xc3\xb6 ', '=?utf-8?q?a=40b?= ', '\r\n\tA. B ')
const mailbox = fc.oneof(
  plain,
  fc.tuple(name, plain, fc.constantFrom('', ' (x@y)', '\r\n ')).map(([n, a, c]) => `${n}<${a}>${c}`),
)
const goodValue = fc.array(mailbox, { maxLength: 8 }).map((boxes) => boxes.join(', '))

const runs = { numRuns: 2000 }

test('any bytes get an answer; spans lie inside, in order, and read alone give the same address', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const list = readAddressList(value)
      if (list.kind === 'ambiguous') return assert.notEqual(list.why, '')
      let done = 0
      for (const { start, end, address } of list.mailboxes) {
        assert.ok(done <= start && start < end && end <= value.length)
        done = end
        const alone = readAddressList(value.slice(start, end))
        assert.deepEqual(alone.kind === 'list' ? alone.mailboxes.map((m) => m.address) : alone, [address])
        checkAddress(address)
      }
    }),
    runs,
  )
})

function checkAddress(address: Address): void {
  assert.equal(address.text.endsWith(`@${address.domain}`), true)
  assert.equal(addressKey(address), addressKey(address).normalize('NFC'))
  const reread = parseAddress(address.text)
  if (reread) {
    assert.deepEqual(reread, address)
    const made = makeAddress(address.local, address.domain)
    assert.deepEqual([made.local, addressKey(made)], [address.local, addressKey(address)])
    assert.equal(addressKey(address), addressKey(parseAddress(spell(address)) ?? made))
  }
  const split = splitTag(address)
  if (split) assert.equal(split.base.local + split.tag, address.local)
}

test('any text gets an answer from parsePath and parseAddress; what they accept they keep', () => {
  const text = fc.oneof(anyValue, fc.string({ unit: 'binary', maxLength: 100 }), plain)
  fc.assert(
    fc.property(text, (value) => {
      const path = parsePath(value)
      if (path.kind === 'address') assert.equal(path.address.text, value)
      const address = parseAddress(value)
      if (address) assert.equal(address.text, value)
    }),
    runs,
  )
})

test('what is a path and no encoded word is an address in a field as well, and the same one', () => {
  fc.assert(
    fc.property(fieldLike, (value) => {
      const path = parsePath(value)
      if (path.kind === 'address' && !value.includes('=?')) assert.deepEqual(parseAddress(value), path.address)
    }),
    runs,
  )
})

test('mapping each address to itself, or none, changes no byte', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      assert.equal(mapAddressList(value, (a) => ({ to: a.text, entry: 'e' })).value, value)
      assert.equal(mapAddressList(value, () => undefined).value, value)
    }),
    runs,
  )
})

test('out and in again by a one to one map gives the text back, and the way out shows in every address', () => {
  const out = (a: Address) => ({ to: `${a.text.slice(0, -a.domain.length)}out.${a.domain}`, entry: 'e' })
  const back = (a: Address) => ({ to: a.text.replace('@out.', '@'), entry: 'e' })
  fc.assert(
    fc.property(goodValue, (value) => {
      const outside = mapAddressList(value, out)
      assert.equal(outside.ambiguous, undefined)
      const list = readAddressList(outside.value)
      assert.ok(list.kind === 'list' && list.mailboxes.every((m) => m.address.domain.startsWith('out.')))
      assert.equal(mapAddressList(outside.value, back).value, value)
    }),
    runs,
  )
})
