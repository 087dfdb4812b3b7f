/**
 * Whatever next hops say, whenever they say it, and whatever an operator does meanwhile: every recipient is in one part of the
 * account, nobody is lost, and nobody has two copies unless a reply to the last byte was lost.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type QueueStage, setStage, until } from '../../../test/support/queue-stage.ts'

/** What the host of tenant two does with a message. */
const moods = ['take', 'busy', 'refuse', 'closed', 'throttle', 'late', 'cut'] as const
type Mood = (typeof moods)[number]

const step = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      from: fc.constantFrom('one', 'net'),
      to: fc.uniqueArray(fc.constantFrom('john', 'ann', 'mary', 'mike'), { minLength: 1, maxLength: 4 }),
      mood: fc.constantFrom(...moods, 'refuse' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), minutes: fc.constantFrom(1, 20, 300, 3000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom('open', 'hold', 'retry-later') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disk' as const), isFull: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('hand' as const),
      what: fc.constantFrom('release', 'drop', 'wishReturn', 'hold'),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function play(s: QueueStage, steps: readonly Step[]): Promise<void> {
  let mood: Mood = 'take'
  let [cuts, mode] = [0, 'open']
  const late: (() => void)[] = []
  s.script((line, talk) => {
    if (mood === 'closed') return '421 4.3.2 closed'
    if (line.startsWith('RCPT') && mood === 'busy') return '450 4.2.1 busy'
    if (line.startsWith('RCPT') && mood === 'refuse') return '550 5.1.1 gone'
    if (line.startsWith('MAIL') && mood === 'throttle') return '451 4.7.500 server busy'
    if (line !== '.' || (mood !== 'late' && mood !== 'cut')) return undefined
    if (mood === 'late') late.push(() => talk.say('250 2.0.0 late'))
    else {
      cuts += 1
      talk.hangUp()
    }
    return 'silence'
  })
  let accepted = 0
  for (const one of steps) {
    if (one.kind === 'send') {
      mood = one.mood
      const to = one.to.map((name) => `${name}@shared.example`)
      const said = await (one.from === 'one' ? s.fromOne(to) : s.fromNet(to))
      if (said.code === 250) accepted += said.recipients.filter((code) => code === 250).length
    }
    if (one.kind === 'pass') {
      // A lease outlives what the clock says only while somebody extends it; the clock of this stage jumps.
      await until('nothing under way', async () => {
        for (const say of late.splice(0)) say()
        return (await s.relay.queue.totals()).running === 0
      })
      s.relay.pass(one.minutes * 60_000)
    }
    if (one.kind === 'mode') s.use({ mode: (mode = one.mode) })
    if (one.kind === 'disk') s.relay.disk.refusal = one.isFull ? { isFull: true } : undefined
    if (one.kind === 'hand') await s.relay.queue[one.what]({}, 'ann')
    assert.equal((await s.relay.account()).wrong, 0, JSON.stringify(one))
  }
  // Everything that is still open comes to its end.
  mood = 'take'
  s.relay.disk.refusal = undefined
  if (mode !== 'open') s.use()
  await s.relay.queue.release({ cause: 'domain' }, 'ann')
  await until('nothing but held mail', async () => {
    for (const say of late.splice(0)) say()
    const { waiting, running } = await s.relay.queue.totals()
    if (running === 0) s.relay.pass(3_600_000)
    return waiting + running === 0
  })
  const made = await s.relay.account()
  assert.equal(made.wrong, 0)
  assert.equal(made.queued, 0)
  assert.ok(made.accepted >= accepted, `${made.accepted} accounted for, ${accepted} accepted`)
  assert.equal(await s.relay.queue.check(), undefined)
  assert.deepEqual(s.relay.errors, [])
  twice(s, cuts)
}

/** One SEND for each recipient; the hop has no copy more than it said yes to, but for replies to the last byte that were lost. */
function twice(s: QueueStage, cuts: number): void {
  const sends = s.relay.events.filter((e) => e.kind === 'SEND').map((e) => `${e.id} ${e.recipients?.join()}`)
  assert.equal(new Set(sends).size, sends.length)
  const copies = s.two.messages.filter((m) => m.length > 0).length
  const answered = sends.filter((one) => one.endsWith('@two.example')).length
  assert.ok(copies <= answered + cuts, `${copies} copies, ${answered} answered with yes, ${cuts} answers lost`)
}

test('the account adds up after anything', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 14 }), async (steps) => {
      await using s = await setStage({ deadlineMs: 60 })
      await play(s, steps)
    }),
    { numRuns: 8, endOnFailure: true },
  )
})
