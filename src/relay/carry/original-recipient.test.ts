import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectOf, recipient, sharedDomain } from '../../../test/support/relay-values.ts'
import { originalRecipient } from './original-recipient.ts'

const project = projectOf(sharedDomain)
const of = (view: 'inside' | 'outside', rewritten: string, text: string, orcpt?: string) =>
  originalRecipient(project, view, rewritten, { ...recipient(text), ...(orcpt === undefined ? {} : { orcpt }) }).orcpt

test('a mapped recipient keeps the address that was written to', () => {
  assert.equal(of('inside', 'john@one.example', 'john+a=b@shared.example'), 'rfc822;john+2Ba+3Db@shared.example')
  assert.equal(of('inside', 'john@one.example', 'john@one.example'), undefined)
})

test('what came is passed on, for the outside with external addresses', () => {
  assert.equal(of('inside', 'x@o.example', 'x@o.example', 'rfc822;mary@two.example'), 'rfc822;mary@two.example')
  assert.equal(of('outside', 'x@o.example', 'x@o.example', 'rfc822;mary@two.example'), 'rfc822;mary@shared.example')
  assert.equal(
    of('outside', 'x@o.example', 'x@o.example', 'RFC822;mary+2Bt@two.example'),
    'rfc822;mary+2Bt@shared.example',
  )
  for (const other of ['rfc822;x@o.example', 'x400;mary@two.example', 'rfc822;no address', 'rfc822;'])
    assert.equal(of('outside', 'x@o.example', 'x@o.example', other), other)
})
