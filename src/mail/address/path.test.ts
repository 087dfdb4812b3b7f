import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePath } from './address.ts'

const good: readonly (readonly [reason: string, inside: string, local: string, domain: string])[] = [
  ['a mailbox', 'john.smith@x.example', 'john.smith', 'x.example'],
  ['case stays', 'John@X.Example', 'John', 'X.Example'],
  ['a percent sign is a character like others', 'u%F@D', 'u%F', 'D'],
  ['so is a bang', 'F!u@D', 'F!u', 'D'],
  ['an @ in quotes is one', '"u@F"@D', 'u@F', 'D'],
  ['ESMTP parameters in quotes are text', '"x> ORCPT=rfc822;u@F"@D', 'x> ORCPT=rfc822;u@F', 'D'],
  ['escaped quotes too', '"foo\\"@c> ORCPT=test;admin"@D', 'foo"@c> ORCPT=test;admin', 'D'],
  ['an encoded word is never decoded', '=?utf-8?q?u=40F=3e?=@D', '=?utf-8?q?u=40F=3e?=', 'D'],
  ['UTF-7 in one neither', '=?utf-7?q?a&AEA-F?=@D', '=?utf-7?q?a&AEA-F?=', 'D'],
  ['U+0140 is not an @ modulo 256', 'b\u0140F@D', 'b\u0140F', 'D'],
  ['a subdomain', 'u@D.F', 'u', 'D.F'],
  ['an A-label is not decoded', 'x@xn--0049.D', 'x', 'xn--0049.D'],
  ['an IPv4 literal', 'u@[127.0.0.1]', 'u', '[127.0.0.1]'],
  ['an IPv6 literal', 'u@[IPv6:::1]', 'u', '[IPv6:::1]'],
  ['an international address', 'j\u00f6rg@b\u00fccher.example', 'j\u00f6rg', 'b\u00fccher.example'],
  ['quotes around international text', '"j\u00f6rg b"@x', 'j\u00f6rg b', 'x'],
  ['an empty quoted local part', '""@x', '', 'x'],
  ['a host without dots', 'root@localhost', 'root', 'localhost'],
  ['64 octets', `${'a'.repeat(64)}@x`, 'a'.repeat(64), 'x'],
  ['postmaster with a domain is a mailbox', 'postmaster@x', 'postmaster', 'x'],
]

for (const [reason, inside, local, domain] of good) {
  test(`path: ${reason}`, () => {
    const path = parsePath(inside)
    assert.equal(path.kind, 'address', JSON.stringify(path))
    assert.ok(path.kind === 'address')
    assert.equal(path.address.text, inside, 'the spelling is kept')
    assert.deepEqual([path.address.local, path.address.domain], [local, domain])
  })
}

const label = 'd'.repeat(63)
const bad: readonly (readonly [reason: string, inside: string])[] = [
  ['no domain', 's'],
  ['no domain, with a bang', 'F!u'],
  ['quotes without domain', '"u@F"'],
  ['nothing before @', '@D'],
  ['nothing after @', 'u@'],
  ['two @', 'u@F@D'],
  ['two @, a literal last', 'u@F@[192.0.2.1]'],
  ['a source route', '@D:u@F'],
  ['a source route of two', '@a,@b:u@F'],
  ['a source route through a literal', '@[192.0.2.1]:u@F'],
  ['NUL', 'u@F\0@D'],
  ['NUL at the end', 'u@D\0'],
  ['NUL in quotes', '"u\0"@D'],
  ['a comment that does not end', 'u@F(@D'],
  ['the same behind a percent sign', 'u%F(@D'],
  ['a comment', 'u(c)@D'],
  ['a comment in front', '(any@legit'],
  ['a comment in the domain', 'any@legit(a.evil'],
  ['two addresses', 'b@D u@F'],
  ['the end of the path in the path', 'b@D>,<u@F'],
  ['another command', 'u@D\r\nRCPT TO:<u@F'],
  ['a space', 'u v@D'],
  ['spaces around', ' u@D '],
  ['a dot in front', '.u@D'],
  ['a dot before @', 'u.@D'],
  ['two dots', 'u..v@D'],
  ['a dot behind the domain', 'u@F.'],
  ['two dots in the domain', 'u@a..b'],
  ['quoted words among others', 'a."b"@D'],
  ['quotes that do not close', '"u@D'],
  ['an apostrophe, a comma and a route', "@legit,@any:'any@evil"],
  ['an apostrophe in a domain', "any@legit'x.evil"],
  ['a percent sign in a domain', 'u@x%y'],
  ['markup behind punycode', 'x@xn--svg/-9x6.D'],
  ['an address without brackets', 'u@127.0.0.1'],
  ['an address in hexadecimal', 'u@0x7f.1'],
  ['a literal with a zone', 'u@[IPv6:fe80::1%eth0]'],
  ['a literal that is none', 'u@[127.0.0.300]'],
  ['a literal in octal', 'u@[0177.0.0.1]'],
  ['an IPv6 literal without its tag', 'u@[::1]'],
  ['a general literal', 'u@[x400:a]'],
  ['a literal and more', 'u@[127.0.0.1].x'],
  ['a hyphen in front of a label', 'u@-x.example'],
  ['a hyphen behind a label', 'u@x-.example'],
  ['a character that becomes another one in a domain (U+0140)', 'b@D\u0140F'],
  ['full-width letters in a domain', 'a@\uff4cegit.example'],
  ['a dot of another script in a domain', 'a@legit\u3002example'],
  ['a mark that turns text around', 'a\u202eb@D'],
  ['a line separator', 'a\u2028@D'],
  ['bytes that were not UTF-8', 'a\ufffd@D'],
  ['half a surrogate pair', 'a\ud800@D'],
  ['65 octets before the @', `${'a'.repeat(65)}@x`],
  ['65 octets in 33 characters', `${'\u00f6'.repeat(33)}@x`],
  ['a label of 64', `u@${label}d.example`],
  ['255 octets', `u@${label}.${label}.${label}.${label.slice(0, 61)}`],
]

for (const [reason, inside] of bad) {
  test(`bad path: ${reason}`, () => {
    const path = parsePath(inside)
    assert.equal(path.kind, 'bad', JSON.stringify(path))
    assert.ok(path.kind === 'bad' && path.why !== '')
  })
}

test('254 octets are still a path', () => {
  assert.equal(parsePath(`u@${label}.${label}.${label}.${label.slice(0, 60)}`).kind, 'address')
})

test('the null path and postmaster', () => {
  assert.deepEqual(parsePath(''), { kind: 'null' })
  assert.deepEqual(parsePath('PostMaster'), { kind: 'postmaster' })
})

test('bounce forms may be longer than 64 octets', () => {
  const srs = parsePath(`bounces+SRS=abcde=XY=${'long-'.repeat(10)}domain.example=user@contoso.example`)
  assert.ok(srs.kind === 'address' && srs.address.form === 'srs')
  assert.equal(parsePath(`${'a'.repeat(64)}+tag@x`).kind, 'bad')
})
