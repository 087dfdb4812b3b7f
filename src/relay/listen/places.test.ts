import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Budget } from '../budget.ts'
import type { Standing } from './backend.ts'
import { type Limits, limitsOf } from './limits.ts'
import { contentOf, shareOf } from './machine.ts'
import { Places, Stay } from './places.ts'
import { sourceOf } from './source.ts'

const internet: Standing = { kind: 'internet' }
const contoso: Standing = { kind: 'tenant', name: 'contoso' }
const fabrikam: Standing = { kind: 'tenant', name: 'fabrikam' }

/** So many come in; what the last one was told: a place, or the limit in the way. */
function arrive(places: Places, count: number, standing: Standing, address = '192.0.2.1', now = 0): string {
  let last = 'nobody came'
  for (let i = 0; i < count; i++) last = arriveOne(places, standing, address, now)
  return last
}

function arriveOne(places: Places, standing: Standing, address: string, now: number): string {
  const stay = places.enter(now)
  if (!(stay instanceof Stay)) return stay.limit
  const full = stay.settle(standing, address, now)
  if (full === undefined) return 'a place'
  stay.leave()
  return full.limit
}

const make = (given: Partial<Limits>, budget = new Budget(Number.POSITIVE_INFINITY)) =>
  new Places(limitsOf(given), budget)

test('the internet may fill its part, and a tenant finds the rest', () => {
  const places = make({ connections: 10 })
  assert.equal(arrive(places, 8, internet), 'a place')
  assert.equal(arrive(places, 1, internet, '192.0.2.2'), 'connectionsOfInternet')
  assert.equal(arrive(places, 2, contoso), 'a place')
  assert.equal(arrive(places, 1, contoso), 'connections')
})

test('full is where no tenant finds a place either', () => {
  const places = make({ connections: 10 })
  arrive(places, 9, internet)
  assert.equal(places.full(0), undefined)
  arrive(places, 1, contoso)
  const last = places.enter(0)
  assert.equal(places.full(0), 'connections')
  if (last instanceof Stay) last.leave()
  assert.equal(places.full(0), undefined)
})

test('one tenant cannot take the places of another, one source not those of the next', () => {
  const places = make({ connections: 100, connectionsPerSource: 3 })
  assert.equal(arrive(places, 50, contoso), 'a place')
  assert.equal(arrive(places, 1, contoso), 'connectionsPerTenant')
  assert.equal(arrive(places, 1, fabrikam), 'a place')
  assert.equal(arrive(places, 3, internet), 'a place')
  assert.equal(arrive(places, 1, internet), 'connectionsPerSource')
  assert.equal(arrive(places, 1, internet, '192.0.2.2'), 'a place')
})

test('who leaves makes room, and is forgotten', () => {
  const places = make({ connections: 1 })
  for (let round = 0; round < 5; round++) {
    const stay = places.enter(0)
    assert.ok(stay instanceof Stay)
    assert.equal(stay.settle(internet, '192.0.2.1', 0), undefined)
    stay.leave()
    stay.leave() // a connection closes once, whatever ends it
  }
})

test('connections that come and go have a rate', () => {
  const places = make({ connections: 10_000, connectionRatePerSource: 60 })
  for (let i = 0; i < 60; i++) {
    const stay = places.enter(0)
    assert.ok(stay instanceof Stay)
    assert.equal(stay.settle(internet, '192.0.2.1', 0), undefined)
    stay.leave()
  }
  assert.equal(arrive(places, 1, internet), 'connectionRatePerSource')
  assert.equal(arrive(places, 1, internet, '192.0.2.2'), 'a place')
  assert.equal(arrive(places, 1, internet, '192.0.2.1', 900), 'connectionRatePerSource')
  assert.equal(arrive(places, 1, internet, '192.0.2.1', 1001), 'a place')
  assert.equal(arrive(places, 1, internet, '192.0.2.1', 1001), 'connectionRatePerSource')
})

test('beyond its part the internet is let in where a tenant may prove itself, which then counts as that', () => {
  const places = make({ connections: 20, connectionsPerSource: 99 })
  const mayProve: Standing = { kind: 'internet', mayProve: true }
  assert.equal(arrive(places, 16, internet), 'a place')
  const stay = places.enter(0)
  assert.ok(stay instanceof Stay)
  assert.equal(stay.settle(mayProve, '192.0.2.9', 0), undefined)
  assert.equal(stay.isUnproven, true)
  assert.equal(arrive(places, 1, mayProve), 'connectionsToProve')
  assert.equal(stay.settle(contoso, '192.0.2.9', 0), undefined)
  assert.equal(stay.isUnproven, false)
  assert.equal(arrive(places, 1, mayProve), 'a place')
})

test('bytes in transfer: what has room, who is full, and that all is given back', () => {
  const places = make({ messageBytes: 10, transferBytes: 100 })
  const stay = places.enter(0)
  assert.ok(stay instanceof Stay)
  stay.settle(internet, '192.0.2.1', 0)
  const [first, second] = [stay.cargo(), stay.cargo()]
  assert.equal(first.hold(20), undefined)
  assert.equal(second.hold(6), 'transferBytesPerSource')
  assert.equal(second.hold(5), undefined)
  const elsewhere = places.enter(0)
  assert.ok(elsewhere instanceof Stay)
  elsewhere.settle(internet, '192.0.2.2', 0)
  assert.equal(elsewhere.cargo().noRoomFor(25), undefined)
  assert.equal(elsewhere.cargo().hold(25), undefined)
  const third = places.enter(0)
  assert.ok(third instanceof Stay)
  third.settle(internet, '192.0.2.3', 0)
  assert.equal(third.cargo().hold(1), 'transferBytesOfInternet')
  first.unload()
  first.unload()
  assert.equal(third.cargo().hold(20), undefined)
  assert.equal(third.cargo().hold(1), 'transferBytesOfInternet')
})

function come(places: Places, standing: Standing, address: string): Stay {
  const stay = places.enter(0)
  assert.ok(stay instanceof Stay)
  stay.settle(standing, address, 0)
  return stay
}

test('what others have in hand is missing here; room is counted as a whole and given back as a whole', () => {
  const budget = new Budget(100)
  const places = make({ messageBytes: 100, transferBytes: 100 }, budget)
  budget.take(60)
  const cargo = come(places, contoso, '192.0.2.1').cargo()
  assert.equal(cargo.noRoomFor(41), 'transferBytes')
  assert.equal(cargo.hold(30), undefined)
  assert.equal(cargo.hold(41), 'transferBytes')
  assert.equal(budget.free, 10)
  assert.equal(cargo.hold(40), undefined)
  assert.equal(budget.free, 0)
  cargo.unload()
  assert.equal(budget.free, 40)
})

test('an attempt that goes on after the answer still has the message in hand', async () => {
  const budget = new Budget(100)
  const places = make({ messageBytes: 100, transferBytes: 100 }, budget)
  const cargo = come(places, contoso, '192.0.2.1').cargo()
  cargo.hold(40)
  const [late, broken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  cargo.until(late.promise)
  cargo.until(broken.promise)
  cargo.unload()
  cargo.unload()
  broken.reject(new Error('broken'))
  await new Promise(setImmediate)
  assert.equal(budget.free, 60)
  late.resolve()
  await new Promise(setImmediate)
  assert.equal(budget.free, 100)
})

test('the memory of the machine: what is left at rest, halved; a quarter where others live there too', () => {
  const mebibyte = 1024 * 1024
  assert.equal(contentOf(400 * mebibyte), 100 * mebibyte)
  assert.equal(contentOf(300 * mebibyte), 50 * mebibyte)
  assert.equal(contentOf(16_000 * mebibyte), 4000 * mebibyte)
  assert.equal(contentOf(100 * mebibyte), 8 * mebibyte)
})

test('refused recipients slow a source down; ten a minute are forgiven; a tenant is never slowed', () => {
  const places = make({ unknownRecipients: 5, connectionsWhileSlowed: 2 })
  const stay = places.enter(0)
  assert.ok(stay instanceof Stay)
  stay.settle(internet, '192.0.2.1', 0)
  for (let i = 0; i < 5; i++) stay.recipientUnknown(0)
  assert.equal(stay.isSlowed(0), false)
  stay.recipientUnknown(0)
  assert.equal(stay.isSlowed(0), true)
  assert.equal(arrive(places, 1, internet), 'a place')
  assert.equal(arrive(places, 1, internet), 'connectionsWhileSlowed')
  assert.equal(stay.isSlowed(6001), false)
  assert.equal(arrive(places, 1, internet, '192.0.2.1', 6001), 'a place')
  const tenant = places.enter(0)
  assert.ok(tenant instanceof Stay)
  tenant.settle(contoso, '192.0.2.5', 0)
  for (let i = 0; i < 50; i++) tenant.recipientUnknown(0)
  assert.equal(tenant.isSlowed(0), false)
})

const sources: readonly (readonly [address: string, source: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
]

for (const [address, source] of sources)
  test(`${address} is of ${source}`, () => assert.equal(sourceOf(address), source))

test('descriptors: a reserve for what we open ourselves, whatever the system gives', () => {
  const plenty = 16 * 2 ** 30
  assert.deepEqual(shareOf(20_000, plenty), { incoming: 17_936, outgoing: 2000 })
  assert.deepEqual(shareOf(1024, plenty), { incoming: 720, outgoing: 240 })
  assert.deepEqual(shareOf(256, plenty), { incoming: 144, outgoing: 48 })
  assert.deepEqual(shareOf(Number.POSITIVE_INFINITY, plenty), { incoming: 20_000, outgoing: 2000 })
  for (const tiny of [0, 16, 64]) assert.deepEqual(shareOf(tiny, plenty), { incoming: 6, outgoing: 2 })
})

test('memory: connections that all rest with TLS take an eighth of it', () => {
  const gibibyte = 2 ** 30
  assert.deepEqual(shareOf(20_000, gibibyte), { incoming: 1820, outgoing: 2000 })
  assert.deepEqual(shareOf(1024, gibibyte), { incoming: 720, outgoing: 240 })
  assert.deepEqual(shareOf(20_000, 64 * 2 ** 20), { incoming: 200, outgoing: 2000 })
  for (const memory of [gibibyte / 2, gibibyte, 8 * gibibyte])
    assert.ok(shareOf(20_000, memory).incoming * 72 * 1024 <= memory / 8)
})
