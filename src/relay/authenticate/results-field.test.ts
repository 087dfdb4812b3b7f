import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseHeader } from '../../mail/header/header.ts'
import { type Authentication, authenticationResults, resultsLine } from './authenticate.ts'

const found: Authentication = {
  address: '192.0.2.1',
  spf: { result: 'fail', identity: 'mailfrom', domain: 'bücher.example', why: 'no' },
  dkim: [
    {
      result: 'pass',
      domain: 'Bank.example',
      selector: 'cw1',
      algorithm: 'rsa-sha256',
      signature: 'ab/+cd==',
      why: '',
    },
    { result: 'neutral', domain: "legit'a.evil", selector: 'x;y', algorithm: '', signature: '', why: 'syntax' },
  ],
  dmarc: { result: 'fail', domain: 'bank.example', policy: 'reject', why: '' },
  arc: { result: 'pass', sealer: 'list.example', dmarc: 'pass', why: '' },
}

test('the field', () => {
  assert.equal(
    authenticationResults('gw.example.net', found),
    [
      'Authentication-Results: gw.example.net;',
      '\tspf=fail smtp.mailfrom=xn--bcher-kva.example;',
      '\tdkim=pass header.d=bank.example header.s=cw1 header.a=rsa-sha256 header.b="ab/+cd==";',
      '\tdkim=neutral;',
      '\tdmarc=fail policy.dmarc=reject header.from=bank.example;',
      '\tarc=pass smtp.remote-ip=192.0.2.1',
      '',
    ].join('\r\n'),
  )
})

test('the identity that was asked about, and an IPv6 address in quotes', () => {
  const text = authenticationResults('gw.example.net', {
    ...found,
    address: '2001:db8::1',
    spf: { result: 'none', identity: 'helo', domain: '', why: '' },
  })
  assert.match(text, /\tspf=none;\r\n/)
  assert.match(text, /arc=pass smtp\.remote-ip="2001:db8::1"\r\n$/)
})

test('for people, with the reasons', () => {
  assert.equal(
    resultsLine(found),
    "spf=fail (bücher.example: no); dkim=pass (Bank.example cw1); dkim=neutral (legit'a.evil x;y: syntax); dmarc=fail (bank.example: p=reject); arc=pass (list.example)",
  )
})

test('no text of a stranger gets out of its place', () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('a;"\\\r\n\0 =()@<>.-\u00e9x')), maxLength: 12 })
  fc.assert(
    fc.property(text, text, text, text, text, (domain, selector, algorithm, signature, from) => {
      const [one] = found.dkim
      assert.ok(one)
      const field = authenticationResults('gw.example.net', {
        ...found,
        spf: { ...found.spf, domain },
        dkim: [{ ...one, domain, selector, algorithm, signature }],
        dmarc: { ...found.dmarc, domain: from },
        arc: { ...found.arc, sealer: domain },
      })
      assert.equal(parseHeader(field).fields.length, 1)
      // Values are plain words, or quoted ones without anything that ends them.
      const words = /^[ -~]+;(?:\r\n\t[a-z]+=[a-z]+(?: [a-z.-]+=(?:[\w.+-]+|"[\w.+/=:-]+"))*;?){4}\r\n$/
      assert.match(field, words)
    }),
    { numRuns: 2000 },
  )
})
