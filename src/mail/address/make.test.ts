import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Address,
  addressKey,
  domainKey,
  makeAddress,
  parseAddress,
  spell,
  splitTag,
  withDomain,
} from './address.ts'

function parsed(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address, text)
  return address
}

test('parseAddress takes one addr-spec and nothing around it', () => {
  for (const text of ['john@x.example', '"j s"@x.example', 'j\u00f6rg@b\u00fccher.example', 'u@[192.0.2.1]']) {
    assert.equal(parseAddress(text)?.text, text)
  }
  const none = [
    '',
    'john',
    ' john@x',
    'john@x ',
    '<john@x>',
    'J <john@x>',
    'a@x,b@y',
    'a@x,',
    'a(c)@x',
    'a @x',
    'g: a@x;',
    'a@x.',
    'a@-x',
    'a@127.0.0.1',
  ]
  for (const text of [
    ...none,
    'a@[x]',
    'a\0@x',
    'a@x\r\n',
    '=?utf-8?q?a?=@x',
    'a\u202e@x',
    'a\ud800@x',
    'a@x!y',
    '@x',
  ]) {
    assert.equal(parseAddress(text), undefined, JSON.stringify(text))
  }
})

const forms: readonly (readonly [text: string, form: Address['form']])[] = [
  ['john@x', 'person'],
  ['john+news@x', 'person'],
  ['a=b@x', 'person'],
  ['prvs@x', 'person'],
  ['srs@x', 'person'],
  ['imceaex@x', 'person'],
  ['SRS0=hash=tt=orig.example=user@x', 'srs'],
  ['srs1+hash=fwd.example==hash=tt=orig.example=user@x', 'srs'],
  ['user+SRS=hash=ts=orig.example=user@x', 'srs'],
  ['bounces+SRS=abcde=ts@x', 'srs'],
  ['prvs=1234abcdef=john@x', 'batv'],
  ['btv1==123abc==john@x', 'batv'],
  ['list+john=y.example@x', 'verp'],
  ['"a+b=c"@x', 'person'],
  ['IMCEAEX-_O=CONTOSO_OU=EXCHANGE_CN=RECIPIENTS_CN=JOHN@x', 'imceaex'],
  ['IMCEAINVALID-foo@x', 'imceaex'],
]

for (const [text, form] of forms) test(`form of ${text}`, () => assert.equal(parsed(text).form, form))

test('splitTag: from the first +, and only where there is a person', () => {
  const split = splitTag(parsed('john+a+b@x'))
  assert.deepEqual([split?.base.text, split?.base.local, split?.tag], ['john@x', 'john', '+a+b'])
  assert.equal(splitTag(parsed('john+@x'))?.tag, '+')
  for (const text of ['john@x', '+john@x', '"john+a"@x', 'john+a=b@x', 'SRS0=h=t=y.example=john+a@x']) {
    assert.equal(splitTag(parsed(text)), undefined, text)
  }
})

const domainKeys: readonly (readonly [domain: string, key: string])[] = [
  ['Contoso.Example', 'contoso.example'],
  ['contoso.example.', 'contoso.example'],
  ['my_host.example', 'my_host.example'],
  ['xn--BCHER-KVA.example', 'xn--bcher-kva.example'],
  ['b\u00fccher.example', 'xn--bcher-kva.example'],
  ['B\u00dcCHER.example', 'xn--bcher-kva.example'],
  ['bu\u0308cher.example', 'xn--bcher-kva.example'],
  ['fa\u00df.example', 'xn--fa-hia.example'],
  ['\u03c3\u03b1\u03c2.example', 'xn--mxa8ab.example'],
  ['', ''],
  ['.', ''],
  ['a..b', ''],
  ['-a.b', ''],
  ['a-.b', ''],
  ['a b', ''],
  ['[192.0.2.1]', ''],
  ['127.0.0.1', ''],
  ['0x7f.1', ''],
  ['a@b', ''],
  ['a%2eb', ''],
  ['d\u0140f', ''],
  ['\uff4cegit.example', ''],
  ['legit\u3002example', ''],
  ['le\u00adgit.example', ''],
  ['\u00fc%2e.example', ''],
  ['\u00fc@x', ''],
  ['\u00fc/x', ''],
  [`${'a'.repeat(64)}.example`, ''],
  [`${'\u00fc'.repeat(63)}.example`, ''],
]

for (const [domain, key] of domainKeys)
  test(`domainKey of ${JSON.stringify(domain)}`, () => assert.equal(domainKey(domain), key))

test('domainKey: 253 characters and no more', () => {
  assert.equal(domainKey(`${'a.'.repeat(126)}a`).length, 253)
  assert.equal(domainKey(`${'a.'.repeat(126)}aa`), '')
})

const sameKey: readonly (readonly [a: string, b: string, same: boolean])[] = [
  ['John@X.Example', 'john@x.example', true],
  ['"john"@x', 'john@x', true],
  ['j\u00d6rg@x', 'j\u00f6rg@x', true],
  ['jo\u0308rg@x', 'j\u00f6rg@x', true],
  ['\u03a3@x', '\u03c2@x', true],
  ['\u0131@x', 'i@x', false],
  ['\u0130@x', 'i@x', false],
  ['\u00df@x', 'ss@x', false],
  ['\u1e9e@x', '\u00df@x', true],
  ['b\u0140@x', 'bl\u00b7@x', false],
  ['a@b\u00fccher.example', 'A@XN--BCHER-KVA.example', true],
  ['"a@b"@c', 'a@b.c', false],
]

for (const [a, b, same] of sameKey) {
  test(`${a} and ${b} are ${same ? 'one' : 'two'}`, () =>
    assert.equal(addressKey(parsed(a)) === addressKey(parsed(b)), same))
}

test('makeAddress quotes what needs it', () => {
  assert.equal(makeAddress('john.smith', 'x').text, 'john.smith@x')
  assert.equal(makeAddress('j\u00f6rg', 'x').text, 'j\u00f6rg@x')
  assert.equal(makeAddress('a b', 'x').text, '"a b"@x')
  assert.equal(makeAddress('a..b', 'x').text, '"a..b"@x')
  assert.equal(makeAddress('a"\\', 'x').text, '"a\\"\\\\"@x')
  assert.equal(makeAddress('', 'x').text, '""@x')
  assert.throws(() => makeAddress('a\r\nBcc: b', 'x'), TypeError)
  assert.throws(() => makeAddress('a', 'x y'), TypeError)
})

test('withDomain keeps the quotes', () => {
  assert.equal(withDomain(parsed('"john"@x'), 'y.example').text, '"john"@y.example')
  assert.throws(() => withDomain(parsed('a@x'), ''), TypeError)
})

test('spell: A-labels unless the local part is not ASCII itself', () => {
  assert.equal(spell(parsed('John@B\u00fccher.example')), 'John@xn--bcher-kva.example')
  assert.equal(spell(parsed('"j s"@b\u00fccher.example')), '"j s"@xn--bcher-kva.example')
  assert.equal(spell(parsed('j\u00f6rg@b\u00fccher.example')), 'j\u00f6rg@b\u00fccher.example')
  assert.equal(spell(parsed('John@X.example')), 'John@X.example')
})
