import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameMatches } from './certificate.ts'

test('which name satisfies which demand', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    // demanded, in the certificate
    ['mail.contoso.example', 'mail.contoso.example', true],
    ['contoso.example', 'mail.contoso.example', false],
    ['mail.contoso.example', 'contoso.example', false],
    ['*.contoso.example', 'mail.contoso.example', true],
    ['*.contoso.example', 'a.mail.contoso.example', false],
    ['*.contoso.example', 'contoso.example', false],
    ['*.contoso.example', '*.contoso.example', true],
    ['*.contoso.example', 'evilcontoso.example', false],
    // A certificate for all hosts of a domain proves no single one: who means all of them demands the wildcard.
    ['mail.contoso.example', '*.contoso.example', false],
    ['contoso.example', '*.contoso.example', false],
    ['contoso.example', '*.example', false],
  ]
  for (const [demanded, presented, answer] of rows)
    assert.equal(nameMatches(demanded, presented), answer, `${demanded} by ${presented}`)
})
