import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type PeerOptions, startPeer, type Talk } from '../../../test/support/scripted-smtp.ts'
import type { Deliverer, DestinationStats } from './deliver.ts'
import { attempt, deliverer, eventually, hopTo, kinds, only } from './for-tests.ts'

type Peer = Awaited<ReturnType<typeof startPeer>>
const peers: Peer[] = []
after(() => Promise.all(peers.map((peer) => peer.close())))

async function peerThat(o: PeerOptions = {}): Promise<Peer> {
  const peer = await startPeer(o)
  peers.push(peer)
  return peer
}

function statsOf(d: Deliverer, port: number, host = 'peer.example'): DestinationStats {
  const found = d.stats().destinations.find((one) => one.name === `${host}:${port}`)
  if (found === undefined) throw new Error(`no destination ${host}:${port}`)
  return found
}

/** Holds the answer to every message until `open` is called. */
function gate(): { readonly o: PeerOptions; readonly held: Talk[]; open(): void } {
  const held: Talk[] = []
  let isOpen = false
  return {
    o: { on: (line, talk) => line === '.' && !isOpen && held.push(talk) > 0 },
    held,
    open() {
      isOpen = true
      for (const talk of held.splice(0)) talk.say('250 2.0.0 ok')
    },
  }
}

test('no more connections than allowed, the others wait in line, other destinations do not', async () => {
  const shut = gate()
  const [slow, quick] = [await peerThat(shut.o), await peerThat()]
  await using d = deliverer({ perDestination: 3 })
  const attempts = Array.from({ length: 10 }, () => d.attempt(attempt(hopTo(slow.port))))
  await eventually(() => shut.held.length === 3)
  assert.deepEqual(kinds(await d.attempt(attempt(hopTo(quick.port)))), ['delivered'])
  const { open, waiting } = statsOf(d, slow.port)
  assert.deepEqual([open, waiting, slow.connections.count], [3, 7, 3])
  shut.open()
  assert.deepEqual((await Promise.all(attempts)).flatMap(kinds), Array(10).fill('delivered'))
  assert.equal(slow.messages.length, 10)
  assert.ok(slow.connections.count <= 3)
  const then = statsOf(d, slow.port)
  assert.deepEqual([then.attempts, then.delivered, then.idle, then.waiting], [10, 10, 3, 0])
})

test('a connection is worn out after so many messages', async () => {
  const peer = await peerThat()
  await using d = deliverer({ messagesPerConnection: 2 })
  for (let i = 0; i < 5; i++) await d.attempt(attempt(hopTo(peer.port)))
  assert.equal(peer.connections.count, 3)
  assert.equal(peer.lines.filter((line) => line.endsWith('QUIT')).length, 2)
})

test('a rested connection that the hop closes is not used', async () => {
  const talks: Talk[] = []
  const peer = await peerThat({ on: (line, talk) => line === '' && talks.push(talk) < 0 })
  await using d = deliverer()
  await d.attempt(attempt(hopTo(peer.port)))
  talks[0]?.hangUp()
  await eventually(() => statsOf(d, peer.port).open === 0)
  assert.deepEqual(kinds(await d.attempt(attempt(hopTo(peer.port)))), ['delivered'])
  assert.equal(peer.connections.count, 2)
})

test('what a hop says to a rested connection ends it', async () => {
  const talks: Talk[] = []
  const peer = await peerThat({ on: (line, talk) => line === '' && talks.push(talk) < 0 })
  await using d = deliverer()
  await d.attempt(attempt(hopTo(peer.port)))
  talks[0]?.say('250 2.0.0 an answer kept for the next message')
  await eventually(() => statsOf(d, peer.port).open === 0)
  await eventually(() => peer.connections.open === 0)
})

for (const [name, act] of [
  ['closes', (talk: Talk) => talk.hangUp()],
  ['says 421', (talk: Talk) => talk.say('421 4.4.2 timeout')],
] as const) {
  test(`a rested connection that ${name} at MAIL: once more on a fresh one`, async () => {
    let mails = 0
    const peer = await peerThat({
      on: (line, talk) => {
        if (!line.startsWith('MAIL') || ++mails !== 2) return false
        act(talk)
        return true
      },
    })
    await using d = deliverer()
    await d.attempt(attempt(hopTo(peer.port)))
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(peer.port)))), ['delivered'])
    assert.deepEqual([peer.connections.count, peer.messages.length], [2, 2])
  })
}

test('what dies later, or on a fresh connection, is not tried again by itself', async () => {
  let dots = 0
  const peer = await peerThat({
    on: (line, talk) => {
      if (line !== '.' || ++dots !== 2) return false
      talk.hangUp()
      return true
    },
  })
  await using d = deliverer()
  await d.attempt(attempt(hopTo(peer.port)))
  const outcome = only(await d.attempt(attempt(hopTo(peer.port))))
  assert.deepEqual([outcome.kind, outcome.uncertain], ['deferred', true])
  assert.equal(peer.messages.length, 2)
  const fresh = await peerThat({ on: (line, talk) => (line.startsWith('MAIL') ? (talk.hangUp(), true) : false) })
  assert.deepEqual(kinds(await d.attempt(attempt(hopTo(fresh.port)))), ['deferred'])
  assert.equal(fresh.connections.count, 1)
})

test('a host that cannot be reached is told to all in line, and comes after its alternatives', async () => {
  const good = await peerThat()
  await using d = deliverer({ perDestination: 1 })
  const attempts = Array.from({ length: 20 }, () => d.attempt(attempt(hopTo(1))))
  assert.deepEqual((await Promise.all(attempts)).flatMap(kinds), Array(20).fill('deferred'))
  const tried = statsOf(d, 1).failed
  assert.ok(tried < 20)
  await d.attempt(attempt([hopTo(1), hopTo(good.port)]))
  assert.equal(statsOf(d, 1).failed, tried)
})

test('a deadline while in line: deferred, and the line goes on', async () => {
  const shut = gate()
  const peer = await peerThat(shut.o)
  await using d = deliverer({ perDestination: 1 })
  const first = d.attempt(attempt(hopTo(peer.port)))
  await eventually(() => shut.held.length === 1)
  const deadline = new AbortController()
  const second = d.attempt(attempt(hopTo(peer.port)), deadline.signal)
  const third = d.attempt(attempt(hopTo(peer.port)))
  await eventually(() => statsOf(d, peer.port).waiting === 2)
  deadline.abort()
  assert.deepEqual(kinds(await second), ['deferred'])
  shut.open()
  assert.deepEqual([...kinds(await first), ...kinds(await third)], ['delivered', 'delivered'])
  assert.equal(peer.messages.length, 2)
})

test('all connections in use: those that rest elsewhere make room, else deferred', async () => {
  const shut = gate()
  const [a, b, c] = [await peerThat(), await peerThat(shut.o), await peerThat()]
  await using d = deliverer({ maxConnections: 1 })
  await d.attempt(attempt(hopTo(a.port)))
  const running = d.attempt(attempt(hopTo(b.port)))
  await eventually(() => shut.held.length === 1)
  assert.equal(statsOf(d, a.port).open, 0)
  const outcome = only(await d.attempt(attempt(hopTo(c.port))))
  assert.equal(outcome.kind, 'deferred')
  assert.match(outcome.why, /all connections/)
  shut.open()
  assert.deepEqual(kinds(await running), ['delivered'])
})

test('a connection that has rested long enough says QUIT', async () => {
  const peer = await peerThat()
  await using d = deliverer({ timeouts: { idle: 30 } })
  await d.attempt(attempt(hopTo(peer.port)))
  await eventually(() => peer.connections.open === 0)
  assert.ok(peer.lines.at(-1)?.endsWith('QUIT'))
  assert.equal(statsOf(d, peer.port).open, 0)
})

test('close: those at work finish, those that rest leave, nobody begins', async () => {
  const shut = gate()
  const peer = await peerThat(shut.o)
  const d = deliverer()
  const running = d.attempt(attempt(hopTo(peer.port)))
  await eventually(() => shut.held.length === 1)
  const closed = d.close()
  assert.match(only(await d.attempt(attempt(hopTo(peer.port)))).why, /shutting down/)
  shut.open()
  assert.deepEqual(kinds(await running), ['delivered'])
  await closed
  await eventually(() => peer.connections.open === 0)
})

test('close does not wait for ever', async () => {
  const shut = gate()
  const peer = await peerThat(shut.o)
  const d = deliverer({ timeouts: { closing: 30 } })
  const running = d.attempt(attempt(hopTo(peer.port)))
  await eventually(() => shut.held.length === 1)
  await d.close()
  const outcome = only(await running)
  assert.deepEqual([outcome.kind, outcome.uncertain], ['deferred', true])
  assert.match(outcome.why, /shutting down/)
})
