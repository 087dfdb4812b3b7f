/** How a release order ends by itself, and what is said of it then. The rest is in hold.test.ts, with mail. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectOf, sharedDomain } from '../../../test/support/relay-values.ts'
import type { EndedOrder, HeldRecipient, ReleaseOrder } from '../../queue/queue.ts'
import type { Recorder } from '../record/record.ts'
import { makeReleases, type ReleaseParts } from './release.ts'

const minute = 60_000
const order: ReleaseOrder = {
  domain: 'shared.example',
  whenAccepted: false,
  perMinute: 300,
  by: 'ann',
  at: 0,
  released: 7,
  asked: 0,
  notAccepted: 0,
  progressAt: 0,
  noes: [],
}
const onHold = sharedDomain.replace('{ name: shared.example }', '{ name: shared.example, mode: hold }')
const unused = (): never => assert.fail('nothing is let go here')
const recorder: Recorder = new Proxy({} as Recorder, { get: unused })

function setOrder(text = sharedDomain) {
  const s = {
    now: 0,
    project: projectOf(text),
    orders: [order],
    held: [] as HeldRecipient[],
    ended: [] as EndedOrder[],
  }
  const queue: ReleaseParts['queue'] = {
    now: () => s.now,
    releaseOrders: async () => s.orders,
    nextHeld: async () => ({ items: s.held }),
    letGo: unused,
    endRelease: async () => {
      const [was] = s.orders.splice(0)
      return was && { ...was, endedAt: s.now }
    },
  }
  const onReleaseEnded = (was: EndedOrder): void => void s.ended.push(was)
  const releases = makeReleases({
    queue,
    carrier: { probe: unused },
    recorder,
    project: () => s.project,
    onReleaseEnded,
  })
  const tick = (ms: number): Promise<number> => {
    s.now += ms
    return releases.tick(new AbortController().signal)
  }
  return { s, tick }
}

test('it ends once nothing has been held for a minute, and says what came of it', async () => {
  const { s, tick } = setOrder()
  for (const ms of [1000, 1000, minute - 2000]) await tick(ms)
  assert.deepEqual(s.ended, [])
  await tick(1000)
  assert.deepEqual(s.ended, [{ ...order, endedAt: s.now }])
  assert.deepEqual(s.orders, [])
})

test('while the domain is on hold it stands; after that the minute begins', async () => {
  assert.notEqual(onHold, sharedDomain)
  const { s, tick } = setOrder(onHold)
  for (const ms of [1000, 5 * minute]) await tick(ms)
  s.project = projectOf(sharedDomain)
  await tick(1000)
  assert.deepEqual(s.ended, [])
  await tick(minute)
  assert.equal(s.ended.length, 1)
})
