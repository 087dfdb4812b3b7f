import assert from 'node:assert/strict'
import type { FuzzTarget } from '../../../test/support/fuzz/target.ts'
import { addressKey, mapAddressList, parsePath, readAddressList, spell } from './address.ts'

export const target: FuzzTarget = {
  name: 'address',
  tokens: [
    '@',
    '<',
    '>',
    '"',
    '\\',
    '(',
    ')',
    ',',
    ':',
    ';',
    '[',
    ']',
    '\r\n ',
    '=?u?q?=40?=',
    'a@b.example',
    'xn--',
    '+',
    '%',
  ],
  maxBytes: 4096,
  run(input) {
    const value = input.toString('latin1')
    readsList(value)
    readsPath(input.toString('utf8'))
  },
}

function readsList(value: string): void {
  const list = readAddressList(value)
  if (list.kind === 'ambiguous') return
  let done = 0
  for (const { start, end, address } of list.mailboxes) {
    assert.ok(start >= done && end > start && end <= value.length, 'spans lie inside, in order')
    done = end
    assert.equal(addressKey(address).includes('\0'), false, 'no NUL in a key')
  }
  const same = mapAddressList(value, () => undefined)
  assert.deepEqual(same?.changes ?? [], [], 'nothing to map, nothing changes')
}

function readsPath(text: string): void {
  const path = parsePath(text)
  if (path.kind !== 'address') return
  const again = parsePath(spell(path.address))
  assert.ok(again.kind === 'address', 'what is spelled can be read')
  assert.equal(addressKey(again.address), addressKey(path.address))
  assert.doesNotMatch(path.address.text, /[\0\r\n]/, 'no line end leaves a path')
}
