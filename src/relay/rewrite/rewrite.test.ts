import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, projectOf, sharedDomain } from '../../../test/support/relay-values.ts'
import { headerText } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { rewrite } from './rewrite.ts'

const project = projectOf(sharedDomain)
const header = (text: string, view: 'inside' | 'outside' | 'unchanged') =>
  headerText(rewrite(project, readMessage(bytes(text)), view).header)

test('X-Causeway-* never leaves, also with its name folded, whatever the view', () => {
  const text = 'X-Causeway-Pass: a\nX-Causeway\n -Pass: b\nX-CausewayFoo: c\nSubject: hello\n\n'
  for (const view of ['inside', 'outside', 'unchanged'] as const)
    assert.equal(header(text, view), 'X-CausewayFoo: c\r\nSubject: hello\r\n', view)
})
