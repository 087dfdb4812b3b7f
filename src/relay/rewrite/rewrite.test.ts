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

test('what only an Exchange organisation may say is taken out of mail from the internet', () => {
  const kept = 'X-MS-Exchange-CrossTenant-Id: e\nX-MS-Exchange-AntiSpam-MessageData: f\nX-OriginatorOrg: g\n'
  const text = `X-MS-Exchange-Organization-AuthAs: Internal\nx-ms-exchange-organization-scl : -1\nX-MS-Exchange-CrossPremises-SCL: -1\nX-MS-Exchange-Forest-RulesExecuted: a\nX-MS-Exchange-CrossForest-x: b\nX-MS-Exchange-\n Organization-SCL: c\n${kept}\n`
  const message = readMessage(bytes(text))
  const left = (origin: 'internet' | 'tenant') => headerText(rewrite(project, message, 'inside', origin).header)
  assert.equal(left('internet'), bytes(kept).toString('latin1'))
  assert.equal(left('tenant'), headerText(message.header))
})

test('From fields that have one reading each, and together none, stay as they came', () => {
  const john = 'From: john@one.example\n'
  for (const text of [john + john, `${john}From: x@evil.example\n`, ` From: x@evil.example\n${john}`]) {
    const message = readMessage(bytes(`${text}Reply-To: john@one.example\n\n`))
    const copy = rewrite(project, message, 'outside')
    assert.equal(headerText(copy.header), bytes(`${text}Reply-To: john@shared.example\n`).toString('latin1'))
    assert.equal(copy.isClear, false)
  }
})
