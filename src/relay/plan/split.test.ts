import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { projectOf, recipient, sharedDomain } from '../../../test/support/relay-values.ts'
import type { PlannedRecipient } from './plan.ts'
import { splitRecipients } from './split.ts'

const online = projectOf(sharedDomain).tenants[0]
const smtp = projectOf(sharedDomain.replaceAll('exchange-online', 'smtp')).tenants[0]

const planned = (address: string): PlannedRecipient => ({
  recipient: recipient(address),
  given: address,
  rewritten: address,
})
const people = (count: number, domain = 'one.example') =>
  Array.from({ length: count }, (_, i) => planned(`p${i}@${domain}`))
const sizes = (recipients: readonly PlannedRecipient[], tenant = online) =>
  splitRecipients(recipients, tenant).map((part) => part.length)

test('Exchange Online takes 200 of one domain', () => {
  assert.deepEqual(sizes(people(1)), [1])
  assert.deepEqual(sizes(people(200)), [200])
  assert.deepEqual(sizes(people(201)), [200, 1])
  assert.deepEqual(sizes(people(450)), [200, 200, 50])
})

test('the domain counts in any spelling', () => {
  assert.deepEqual(sizes([...people(150), ...people(100, 'ONE.Example')]), [200, 50])
})

test('and 500 in all', () => {
  const domains = ['a.example', 'b.example', 'c.example', 'd.example']
  assert.deepEqual(sizes(domains.flatMap((domain) => people(150, domain))), [500, 100])
})

test('others take 100', () => {
  assert.deepEqual(sizes(people(250), smtp), [100, 100, 50])
  assert.deepEqual(
    splitRecipients(people(101), undefined).map((part) => part.length),
    [100, 1],
  )
})

test('nobody is lost, nobody is twice, the order stays, each part fits', () => {
  const domain = fc.constantFrom('a.example', 'b.example', 'c.example')
  const many = fc.array(domain, { maxLength: 1500 }).map((all) => all.map((d, i) => planned(`p${i}@${d}`)))
  fc.assert(
    fc.property(many, fc.boolean(), (recipients, isOnline) => {
      const parts = splitRecipients(recipients, isOnline ? online : smtp)
      assert.deepEqual(parts.flat(), recipients)
      for (const part of parts) {
        assert.ok(part.length > 0 && part.length <= (isOnline ? 500 : 100))
        const perDomain = Map.groupBy(part, (r) => r.rewritten.split('@')[1])
        if (isOnline) for (const [, group] of perDomain) assert.ok(group.length <= 200)
      }
    }),
    { numRuns: 50 },
  )
})
