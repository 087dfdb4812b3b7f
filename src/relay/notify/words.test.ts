import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectOf } from '../../../test/support/relay-values.ts'
import { type AsWritten, readerOf, wordsFor } from './words.ts'

const project = projectOf(`
name: shared
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example, eu.two.example], from: { certificate: [one.example] }, to: { host: mx.one.example } }
  - name: two
    kind: smtp
    domains: [two.example, brand.example]
    from: { certificate: [two.example] }
    to: { host: two.hop.example, serverName: name.hop.example }
domains: [{ name: shared.example }]
directory:
  - { internal: john@one.example, external: john@shared.example }
  - { internal: ann@two.example, external: ann@shared.example }
  - { internal: bob@two.example, external: bob@shared.example, aliases: [bob@old.example] }
`)

const mary: AsWritten = { given: 'mary@shared.example', rewritten: 'mary@two.example' }
const bob: AsWritten = { given: 'bob@old.example', rewritten: 'bob@two.example' }
const asIs = (address: string): AsWritten => ({ given: address, rewritten: address })
const written = [mary, bob, asIs('a=b@two.example'), asIs('x@brand.example')]

/** What John of tenant one is shown when this was said about Mary. */
const shown: readonly (readonly [words: string, shown: string])[] = [
  ['mary@two.example unknown', 'mary@shared.example unknown'],
  ["<MARY@TWO.EXAMPLE>: 'mary@two.example'.", "<mary@shared.example>: 'mary@shared.example'."],
  ['bob@two.example too', 'bob@old.example too'],
  ['ann@two.example too', 'ann@shared.example too'],
  ['(orcpt=ann@two.example)', '(orcpt=ann@shared.example)'],
  ["'ann@two.example'", "'ann@shared.example'"],
  ['xmary@two.example', '[address]'],
  ['SMTP:eve@two.example; eve@sub.two.example', 'SMTP:[address]; [address]'],
  ['a=b@two.example is who was written to', 'a=b@two.example is who was written to'],
  ['john@one.example and eve@one.example are your own', 'john@one.example and eve@one.example are your own'],
  ['mary@two.example.org is somebody else', 'mary@two.example.org is somebody else'],
  ['ask eve@elsewhere.example or eve@shared.example', 'ask eve@elsewhere.example or eve@shared.example'],
  ['two.hop.example and NAME.hop.example', '[server] and [server]'],
  ['mx1.two.example, two.example.', '[server], two.example.'],
  ['mx.eu.two.example is your own', 'mx.eu.two.example is your own'],
  ['mx1.brand.example of brand.example', '[server] of brand.example'],
  ['mx.one.example for shared.example 5.1.1', 'mx.one.example for shared.example 5.1.1'],
  ['[10.0.0.7]:25, [2001:db8::7], 10.0.0.77', '[[server]]:25, [[server]], [server]'],
  ['by [10.1.2.3] and fd00::12, 5.7.1 of 15.20.8123.12', 'by [[server]] and [server], 5.7.1 of 15.20.8123.12'],
  ['"mary"@two.example, mary%40two.example', 'mary@shared.example, mary@shared.example'],
  ['"eve"@two.example, eve%40two.example', '[address], [address]'],
  ['https://help.two.example/mary@two.example', 'https://[server]/mary@shared.example'],
  ['', ''],
]

/** Hosts that lie in no domain of any tenant: what a server says that is one of theirs. */
const strange: readonly (readonly [words: string, shown: string])[] = [
  ['EX01.corp.local said no', '[server] said no'],
  ['by mail-7.dc2.hosting.test (Postfix)', 'by [server] (Postfix)'],
  ['ex01.backend.hoster.example rejected it', '[server] rejected it'],
  ['EX01.HOSTER.EXAMPLE and srv.xn--bcher-kva.example', '[server] and [server]'],
  [
    'see http://wiki.corp.local/x or https://help.hoster.example/550',
    'see http://[server]/x or https://help.hoster.example/550',
  ],
  [
    '5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found',
    '5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found',
  ],
  [
    '[AM6PR.eurprd01.prod.exchangelabs.com] ask sender.office.com',
    '[AM6PR.eurprd01.prod.exchangelabs.com] ask sender.office.com',
  ],
  [
    'spf fails for smtp.mailfrom=one.example, v3.2.1, e.g. denied.Please',
    'spf fails for smtp.mailfrom=one.example, v3.2.1, e.g. denied.Please',
  ],
  ['gw.example.net and mx.one.example and shared.example', 'gw.example.net and mx.one.example and shared.example'],
]

test('no host of a server of another tenant, wherever it lies', () => {
  const reader = readerOf(project, 'one', written)
  for (const [words, expected] of strange) assert.equal(wordsFor(reader, mary, words, ['10.0.0.7']), expected)
  // A server of the outside, or of his own, may say what it likes.
  for (const [words] of strange) assert.equal(wordsFor(reader, mary, words), words)
})

test('addresses as the sender wrote them or the world knows them, no hosts of others', () => {
  const reader = readerOf(project, 'one', written)
  for (const [words, expected] of shown)
    assert.equal(wordsFor(reader, mary, words, ['10.0.0.7', '2001:db8::7']), expected)
})

test('an address that readers of addresses do not find is found by its letters', () => {
  const about: AsWritten = { given: 'qr@shared.example', rewritten: '"q r"@two.example' }
  const reader = readerOf(project, 'one', [about])
  assert.equal(wordsFor(reader, about, 'RCPT TO:<"q r"@two.example>: no'), 'RCPT TO:<qr@shared.example>: no')
})

test('the internet is shown nothing of any tenant', () => {
  const reader = readerOf(project, undefined, [mary])
  assert.equal(
    wordsFor(reader, mary, 'mary@two.example, john@one.example, eve@one.example, mx.one.example'),
    'mary@shared.example, john@shared.example, [address], [server]',
  )
})

test('what servers of the reader himself or of the world say keeps its addresses of hosts', () => {
  const reader = readerOf(project, 'one', written)
  assert.equal(wordsFor(reader, mary, 'client [192.0.2.1] is listed'), 'client [192.0.2.1] is listed')
})

test('words without end are read in time that grows with them', () => {
  const reader = readerOf(project, 'one', written)
  for (const piece of ['a.', 'a@', ':', 'ann@two.example', '=', "'", '"@', '%40', '"a"@x ']) {
    const words = piece.repeat(50_000)
    assert.ok(wordsFor(reader, mary, words).length > 0, piece)
  }
})
