import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectOf, recipient, sender, sharedDomain } from '../../../test/support/relay-values.ts'
import { parseHeader, readFrom } from '../../mail/header/header.ts'
import { tenantNamed } from '../../project/project.ts'
import { type Pass, type Peer, routeAll } from '../admit/admit.ts'
import { plan, type Question } from './plan.ts'

const project = projectOf(sharedDomain)

/** A question of tenant one, known by its certificate. */
function question(to: readonly string[], more: Partial<Question> = {}): Question {
  const tenant = tenantNamed(project, 'one')
  assert.ok(tenant)
  const peer: Peer = { kind: 'tenant', tenant, proofs: ['certificate'], certificateNames: ['one.example'] }
  const mailFrom = sender('john@one.example')
  const from = readFrom(parseHeader('From: john@one.example\r\n'))
  const { routed } = routeAll(project, peer, mailFrom, to.map(recipient))
  return { project, peer, mailFrom, from, pass: undefined, routed, ...more }
}
const pass = (direction: Pass['direction']): Partial<Question> => ({
  pass: { project: 'shared', tenant: 'one', direction, at: 0 },
})
const seen = (q: Question) =>
  plan(q).deliveries.map((d) => [d.side, d.by, d.view, d.mailFrom.rewritten, ...d.recipients.map((r) => r.rewritten)])

test('recipients who share a next hop and a view travel together', () => {
  assert.deepEqual(seen(question(['a@x.example', 'mary@shared.example', 'b@y.example'])), [
    ['outside', 'return', 'outside', 'john@one.example', 'a@x.example', 'b@y.example'],
    ['inside', 'tenant', 'inside', 'john@one.example', 'mary@two.example'],
  ])
})

test('our pass of one direction keeps that direction from being mapped again, and no other', () => {
  const to = ['a@x.example', 'mary@shared.example']
  const views = (direction: Pass['direction']) => plan(question(to, pass(direction))).deliveries.map((d) => d.view)
  assert.deepEqual(views('outside'), ['unchanged', 'inside'])
  assert.deepEqual(views('inside'), ['outside', 'unchanged'])
})

test('a plan is frozen, and the same question gives the same', () => {
  const q = question(['a@x.example', 'mary@shared.example'])
  const made = plan(q)
  assert.ok(Object.isFrozen(made) && Object.isFrozen(made.deliveries) && made.deliveries.every(Object.isFrozen))
  assert.deepEqual(plan(q), made)
})

test('nobody to send to: nothing to do', () => {
  assert.deepEqual(plan(question([])), { deliveries: [] })
})

test('a transaction names the reasons of its own recipients', () => {
  const [out, inside] = plan(question(['a@x.example', 'mary@shared.example'])).deliveries
  assert.ok(out?.reasons.some((r) => r.includes('accepted domain')))
  assert.deepEqual(inside?.reasons, [
    'mary@two.example -> mary@shared.example says that mary@two.example lives in tenant two',
  ])
})

test('mail of the internet never goes outside', () => {
  const q = question(['a@x.example'])
  assert.throws(() => plan({ ...q, peer: { kind: 'internet', why: '' } }), /only mail of a tenant/)
})
