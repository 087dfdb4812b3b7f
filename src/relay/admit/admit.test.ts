import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, projectOf, recipient, sender, sharedDomain } from '../../../test/support/relay-values.ts'
import { parseHeader } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { tenantNamed } from '../../project/project.ts'
import { admit, issuePass, passField, supposeTenant } from './admit.ts'

const project = projectOf(sharedDomain)
const key = Buffer.alloc(32, 1)
const now = new Date(Date.UTC(2026, 0, 2))
const own = 'From: john@shared.example\nMessage-ID: <1@one.example>\n'

function passFor(tenant: string, from: string) {
  const supposed = tenantNamed(project, from)
  assert.ok(supposed)
  const copy = parseHeader(own.replaceAll('\n', '\r\n'))
  const pass = issuePass(key, { project: project.name, tenant, direction: 'outside', at: now.getTime() }, copy)
  const message = readMessage(bytes(`${passField}: ${pass}\n${own}\nhello\n`))
  const recipients = [recipient('x@outside.example')]
  return admit(project, supposeTenant(supposed), sender('john@one.example'), recipients, message, key, now).pass
}

test('a pass is good for the tenant that the copy was handed to, and for nobody else', () => {
  assert.equal(passFor('one', 'one')?.tenant, 'one')
  assert.equal(passFor('one', 'two'), undefined)
})
