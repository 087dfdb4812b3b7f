import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  didYouMean,
  hasControl,
  isHost,
  isHostName,
  isSelector,
  networksOverlap,
  readNetwork,
  secretHeaderProblem,
  show,
} from './names.ts'

test('networks: one reading or none', () => {
  const good = {
    '192.0.2.1': '192.0.2.1/32',
    '192.0.2.0/24': '192.0.2.0/24',
    '2001:db8::/32': '2001:db8::/32',
    '::1': '::1/128',
    '::ffff:192.0.2.0/120': '192.0.2.0/24',
  }
  for (const [text, cidr] of Object.entries(good)) assert.deepEqual(readNetwork(text), { cidr })
  for (const text of [
    '',
    '192.0.2',
    '127.1',
    '010.0.0.1',
    '0x7f.0.0.1',
    '192.0.2.1/33',
    '192.0.2.1/',
    '192.0.2.1/8/8',
    '::1/129',
    '0.0.0.0/0',
    '::/0',
    '::ffff:0.0.0.0/96',
    'fe80::1%lo',
    'x',
  ]) {
    assert.ok('why' in readNetwork(text), text)
  }
})

test('networks overlap when one holds the other, never across families', () => {
  assert.ok(networksOverlap('192.0.2.0/24', '192.0.2.7/32'))
  assert.ok(networksOverlap('192.0.2.7/32', '192.0.0.0/16'))
  assert.ok(!networksOverlap('192.0.2.0/25', '192.0.2.128/25'))
  assert.ok(!networksOverlap('::/8', '10.0.0.0/8'))
})

test('hosts, selectors, header names', () => {
  for (const name of ['gw.example.net', 'localhost', 'a-b.example', 'xn--bcher-kva.example'])
    assert.ok(isHostName(name), name)
  for (const name of [
    '',
    'a_b.example',
    'bücher.example',
    'a..b',
    '-a.example',
    'a b',
    'a.example.',
    '[::1]',
    '192.0.2.1',
  ])
    assert.ok(!isHostName(name), name)
  assert.ok(isHost('192.0.2.1') && isHost('::1'))
  for (const s of ['cw1', 'a.b', 'A-1']) assert.ok(isSelector(s), s)
  for (const s of ['', '-a', 'a-', 'a..b', 'a_b', 'a b', 'ä']) assert.ok(!isSelector(s), s)
  assert.equal(secretHeaderProblem('X-Causeway-Key'), undefined)
  for (const name of ['', 'X Key', 'X:', 'X\r\nY', 'From', 'received', 'Content-Type', 'X-Causeway-Pass', 'Ärger'])
    assert.ok(secretHeaderProblem(name), name)
})

test('the word that was meant', () => {
  assert.equal(didYouMean('outboundonly', ['internal', 'outboundOnly']), 'outboundOnly')
  assert.equal(didYouMean('nmae', ['name', 'kind']), 'name')
  assert.equal(didYouMean('xyz', ['name', 'kind']), undefined)
})

test('property: what is shown holds no control character and is bounded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = show(text)
      assert.ok(!hasControl(shown) && shown.length <= 123)
    }),
  )
})
