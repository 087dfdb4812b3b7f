import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { parseReply } from '../../mail/reply/reply.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { Lanes } from './lanes.ts'

let now: number
let lanes: Lanes
beforeEach(() => {
  now = 1_000_000
  // In the middle of its range the jitter is nothing.
  lanes = new Lanes({
    now: () => now,
    random: () => 0.5,
    firstPauseMs: 10,
    longestPauseMs: 100,
    firstThrottleMs: 1000,
    longestThrottleMs: 4000,
  })
})

const outcome = (kind: Outcome['kind'], line: string, more: Partial<Outcome> = {}): Outcome => ({
  kind,
  reply: parseReply([line]),
  remote: '',
  tls: '',
  why: line,
  ...more,
})
const took = outcome('delivered', '250 2.0.0 ok')
const dead = outcome('deferred', '451 4.4.1 no connection', { unreached: true })
const busy = outcome('deferred', '450 4.2.1 mailbox busy')
const slow = outcome('deferred', '451 4.7.500 server busy')
const cut = outcome('deferred', '421 4.4.2 connection lost', { uncertain: true })

function attempt(...outcomes: readonly Outcome[]): boolean {
  lanes.begin('x')
  return lanes.end('x', outcomes)
}
const down = (times: number) => {
  for (let i = 0; i < times; i += 1) {
    now += 1000
    attempt(dead)
  }
}

test('few attempts at once to a lane that nothing is known of, more with each message that it takes', () => {
  assert.equal(lanes.free('x'), 5)
  for (let i = 0; i < 3; i += 1) lanes.begin('x')
  assert.equal(lanes.free('x'), 2)
  for (let i = 0; i < 3; i += 1) lanes.end('x', [took])
  assert.equal(lanes.free('x'), 8)
  for (let i = 0; i < 50; i += 1) attempt(took)
  assert.equal(lanes.free('x'), 20)
  assert.equal(lanes.free('y'), 5)
})

test('a hop that cannot be reached: nothing until one probe is due, then twice as long, up to a limit', () => {
  for (const pause of [10, 20, 40, 80, 100, 100]) {
    attempt(dead)
    assert.equal(lanes.free('x'), 0)
    assert.deepEqual(lanes.full(), ['x'])
    now += pause - 1
    assert.equal(lanes.free('x'), 0, `before ${pause}`)
    now += 1
    assert.equal(lanes.free('x'), 1, `after ${pause}`)
  }
  lanes.begin('x')
  assert.equal(lanes.free('x'), 0, 'one probe at a time')
})

test('those that were under way together fail as one', () => {
  for (let i = 0; i < 5; i += 1) lanes.begin('x')
  for (let i = 0; i < 5; i += 1) lanes.end('x', [dead])
  now += 10
  assert.equal(lanes.free('x'), 1)
})

test('the pause is spread by a fifth', () => {
  const pauseOf = (random: number): number => {
    const one = new Lanes({ now: () => now, random: () => random, firstPauseMs: 1000 })
    one.begin('x')
    one.end('x', [dead])
    const start = now
    while (one.free('x') === 0) now += 1
    return now - start
  }
  assert.deepEqual([pauseOf(0), pauseOf(0.999_999)], [800, 1200])
})

test('a probe that gets through opens the lane at once, whatever is said of the message', () => {
  for (const answer of [took, busy, outcome('refused', '550 5.1.1 nobody')]) {
    down(3)
    now += 100
    assert.equal(attempt(answer), true)
    assert.equal(lanes.free('x') >= 5, true)
    assert.deepEqual(lanes.inTrouble(), [])
  }
  assert.equal(attempt(busy), false, 'it was open')
})

test('one message that makes the hop hang up does not stop the others; five after another do', () => {
  for (let i = 0; i < 4; i += 1) attempt(cut)
  assert.equal(lanes.free('x'), 5)
  attempt(took)
  for (let i = 0; i < 4; i += 1) attempt(cut)
  assert.equal(lanes.free('x') > 0, true)
  attempt(cut)
  assert.equal(lanes.free('x'), 0)
})

test('a hop that says that it is too much gets one at a time after a longer pause, until it has taken twenty', () => {
  attempt(slow)
  now += 999
  assert.equal(lanes.free('x'), 0)
  now += 1
  assert.equal(lanes.free('x'), 1)
  for (let i = 0; i < 19; i += 1) {
    attempt(took)
    assert.equal(lanes.free('x'), 1)
  }
  attempt(took)
  assert.equal(lanes.free('x'), 20)
})

test('throttled again: the pause doubles', () => {
  for (const pause of [1000, 2000, 4000, 4000]) {
    attempt(slow)
    now += pause - 1
    assert.equal(lanes.free('x'), 0)
    now += 1
    assert.equal(lanes.free('x'), 1)
  }
})

test('a throttled mailbox is no throttled hop', () => {
  attempt(outcome('deferred', '432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded'))
  assert.equal(lanes.free('x'), 5)
})

test('trouble of ours says nothing of the hop', () => {
  down(1)
  attempt({ ...busy, ours: true })
  assert.equal(lanes.inTrouble().length, 1)
  attempt()
  assert.equal(lanes.inTrouble().length, 1)
})

test('straight mail goes while the lane is up; down, it is the probe when one is due, else it is told why not', () => {
  assert.equal(lanes.closed('x'), undefined)
  for (let i = 0; i < 100; i += 1) lanes.begin('x', 'straight')
  assert.equal(lanes.closed('x'), undefined)
  assert.equal(lanes.free('x'), 5, 'the queue has its share')
  for (let i = 0; i < 100; i += 1) lanes.end('x', [dead], 'straight')
  assert.match(lanes.closed('x')?.why ?? '', /^x is down: 451 4\.4\.1/)
  now += 10
  assert.equal(lanes.closed('x'), undefined)
  lanes.begin('x', 'straight')
  assert.ok(lanes.closed('x'))
  assert.equal(lanes.free('x'), 0)
  lanes.end('x', [took], 'straight')
  assert.equal(lanes.closed('x'), undefined)
})

test('a late yes opens the lane; an operator ends all pauses', () => {
  down(2)
  lanes.late('x', [took])
  assert.equal(lanes.free('x') > 1, true)
  down(5)
  assert.equal(lanes.free('x'), 0)
  lanes.forgive()
  assert.equal(lanes.free('x'), 1)
})

test('no more lanes are remembered than ten thousand; those in trouble go last', () => {
  down(1)
  for (let i = 0; i < 10_050; i += 1) {
    lanes.begin(`mx:${i}`)
    lanes.end(`mx:${i}`, [took])
  }
  assert.equal(lanes.inTrouble()[0]?.name, 'x')
  assert.equal(lanes.free('mx:0'), 5)
  assert.equal(lanes.free('mx:10049'), 6)
})

test('who is not tried is told the codes of the last failure, and not what was said of the message that met it', () => {
  const own = new Lanes({ now: () => 0 })
  const reply = { code: 451, enhanced: '4.7.500', text: 'busy: eve@rival.example -> boss@two.example' }
  own.begin('x')
  own.end('x', [{ kind: 'deferred', reply, remote: '', tls: '', why: 'DATA was answered 451' }])
  const told = [own.closed('x')?.reply, own.inTrouble()[0]?.closed.reply]
  const expected = { code: 451, enhanced: '4.7.500', text: 'the next server asks us to slow down' }
  assert.deepEqual(told, [expected, expected])
})

test('when a lane in trouble is probed again can be asked', () => {
  const clock = { now: 0 }
  const own = new Lanes({ now: () => clock.now, random: () => 0.5 })
  assert.equal(own.probeAt('x'), undefined)
  const reply = { code: 451, enhanced: '4.4.1', text: 'no connection' }
  own.begin('x')
  own.end('x', [{ kind: 'deferred', reply, remote: '', tls: '', why: 'ECONNREFUSED', unreached: true }])
  assert.equal(own.probeAt('x'), 10_000)
  clock.now = 10_000
  assert.equal(own.probeAt('x'), undefined, 'it is due')
})
