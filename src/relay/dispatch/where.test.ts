/** Mail that waits while the project changes under it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueStage, setStage, until } from '../../../test/support/queue-stage.ts'
import { ownEnvelope } from '../keep/keep.ts'

const minute = 60_000
const hour = 60 * minute

const at = (verb: string, answer: string) => (line: string) => (line.startsWith(verb) ? answer : undefined)
const waiting = (s: QueueStage) =>
  until('nothing running', async () => (await s.states()).every((state) => !state.endsWith('running')))
const inBalance = async (s: QueueStage) => assert.equal((await s.relay.account()).wrong, 0)
/** So that nothing comes due by itself. */
const never = 1000 * hour
const slow = { firstPauseMs: never, longestPauseMs: never }
const arrivedFor = (s: QueueStage, who: string) =>
  s.relay.arrived.filter((m) => m.recipients.some(({ text }) => text === who)).length
const maryInOne = { people: ['john@one.example', 'mary@one.example', 'mike@two.example'] }

async function inDeadLane(s: QueueStage): Promise<void> {
  s.script(at('', '421 4.3.2 closed'))
  for (let i = 0; i < 8; i += 1) assert.equal((await s.fromOne(['mike@shared.example'])).code, 250)
  for (let i = 0; i < 3; i += 1) assert.equal((await s.fromOne(['mary@shared.example'])).code, 250)
  await waiting(s)
}

test('who moves away from a hop that is down has the waiting mail at once, the others wait on; no try is counted', async () => {
  await using s = await setStage({ times: slow })
  await inDeadLane(s)
  const before = await s.kept({ recipient: 'mike@shared.example' })
  s.use(maryInOne)
  await until('Mary’s', () => arrivedFor(s, 'mary@one.example') === 3)
  await until('eight', async () => (await s.states()).length === 8)
  assert.deepEqual(await s.kept({ recipient: 'mike@shared.example' }), before)
  await inBalance(s)
})

test('who moves away is found among any number of recipients', async () => {
  await using s = await setStage({ times: slow })
  s.script(at('', '421 4.3.2 closed'))
  const crowd = Array.from({ length: 120 }, (_, i) => `x${i}@two.example`)
  assert.equal((await s.fromOne([...crowd, 'mary@shared.example'])).code, 250)
  await waiting(s)
  s.use(maryInOne)
  await until('Mary’s', () => arrivedFor(s, 'mary@one.example') === 1)
  assert.equal(s.relay.queue.figures.waiting, 120)
  await inBalance(s)
})

test('released mail of one who moves goes one after the other, and all of it', async () => {
  await using s = await setStage({ times: slow })
  await inDeadLane(s)
  await s.relay.queue.hold({ recipient: 'mary@shared.example' }, 'ann')
  await s.relay.queue.release({ recipient: 'mary@shared.example' }, 'ann')
  s.use(maryInOne)
  await until('Mary’s', () => arrivedFor(s, 'mary@one.example') === 3)
  await inBalance(s)
})

test('a domain is put on hold while its mail waits for a hop that is down: it is held at once, with no try and no report', async () => {
  await using s = await setStage({ times: slow })
  await inDeadLane(s)
  s.use({ mode: 'hold' })
  await until('all held', async () => (await s.states()).every((state) => state.endsWith('held domain')))
  s.relay.pass(100 * hour)
  assert.deepEqual(new Set((await s.kept()).map(({ attempts }) => attempts <= 1)), new Set([true]))
  assert.equal((await s.states()).length, 11)
  assert.equal(s.relay.arrived.length, 0)
  await inBalance(s)
})

const standStill = [
  [{ mode: 'hold' }, 'held domain'],
  [{ isOneGone: true, people: ['mary@two.example', 'mike@two.example'] }, 'held tenant'],
] as const
for (const [settings, state] of standStill)
  for (const hours of [5, 49])
    test(`after ${hours} hours the sweep neither warns of what is ${state} by then, nor gives it up`, async () => {
      await using s = await setStage({
        times: { firstPauseMs: hour, longestPauseMs: hour, tickMs: hour, overdueMs: 20 },
      })
      await inDeadLane(s)
      // The probe fails that late, and meanwhile it happens.
      s.script((line) => {
        if (line !== '') return undefined
        s.use(settings)
        return '421 4.3.2 closed'
      })
      s.relay.pass(hours * hour)
      // The one that was the probe is looked at when it is due again.
      await until(state, async () => (await s.states()).filter((one) => one.endsWith(state)).length >= 10)
      assert.equal((await s.states()).length, 11)
      assert.equal(s.relay.arrived.length, 0)
      await inBalance(s)
    })

test('what is swept is reported in words of ours: nobody at the hop said them', async () => {
  await using s = await setStage({ times: { firstPauseMs: 30, overdueMs: 20 } })
  s.script((_, talk) => {
    talk.hangUp()
    return 'silence'
  })
  for (let i = 0; i < 5; i += 1) await s.fromOne(['mary@shared.example'])
  await waiting(s)
  assert.deepEqual([...new Set((await s.kept()).map(({ reply }) => reply))], [''])
  assert.match((await s.kept())[0]?.why ?? '', /closed the connection/)
  assert.deepEqual(
    (await s.relay.queue.lanes()).map(({ reply, why }) => [reply, /closed the connection/.test(why)]),
    [['', true]],
  )
  s.relay.pass(49 * hour)
  await until('five reports', () => s.relay.arrived.length === 5)
  for (const { raw } of s.relay.arrived) {
    assert.match(raw.toString(), /\r\nDiagnostic-Code: x-causeway; 451 4\.4\.1 /)
    assert.doesNotMatch(raw.toString(), /Remote-MTA|smtp;|other server said/)
  }
})

test('a domain is put on hold while the last attempt goes on: it is held, not given up', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  await s.fromOne(['mary@shared.example'])
  await waiting(s)
  s.script((line) => {
    if (!line.startsWith('RCPT')) return undefined
    s.use({ mode: 'hold' })
    return '450 4.2.1 still busy'
  })
  s.relay.pass(49 * hour)
  await until('held', async () => (await s.states()).join() === 'mary@shared.example held domain')
  assert.equal((await s.kept())[0]?.reply, '450 4.2.1 still busy')
  assert.equal(s.relay.arrived.length, 0)
  await inBalance(s)
})

test('mail of a tenant that is back does not slip past a hold of its domain', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  await s.fromOne(['mary@shared.example'])
  await waiting(s)
  s.use({ isOneGone: true })
  s.relay.pass(2 * minute)
  await until('held', async () => (await s.states()).join() === 'mary@shared.example held tenant')
  s.script(undefined)
  s.use({ mode: 'hold' })
  await until('held again', async () => (await s.states()).join() === 'mary@shared.example held domain')
  assert.equal(s.two.messages.filter((m) => m.length > 0).length, 0)
})

test('what is too old at a hop that is down, and belongs elsewhere by now, goes there and is not given up', async () => {
  await using s = await setStage({ times: { firstPauseMs: hour, longestPauseMs: hour, tickMs: hour, overdueMs: 20 } })
  await inDeadLane(s)
  s.use(maryInOne)
  s.relay.pass(49 * hour)
  const returned = () => s.relay.events.filter((e) => e.kind === 'RETURN').map((e) => e.recipients?.[0])
  await until('Mike’s given up', () => returned().length >= 8)
  await until('Mary’s', () => arrivedFor(s, 'mary@one.example') === 3)
  assert.deepEqual(new Set(returned()), new Set(['mike@shared.example']))
  await inBalance(s)
})

test('who has the message of several deliveries is written down when one ends, not when the slowest has', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  const people = Array.from({ length: 120 }, (_, i) => `p${i}`)
  s.use({ people: ['john@one.example', ...people.map((name) => `${name}@two.example`)] })
  await s.fromOne(people.map((name) => `${name}@shared.example`))
  await waiting(s)
  let [dots, end] = [0, () => {}]
  s.script((line, talk) => {
    if (line !== '.') return undefined
    dots += 1
    if (dots === 1) return undefined
    end = () => talk.say('250 2.0.0 taken')
    return 'silence'
  })
  s.relay.pass(2 * minute)
  const running = async () => (await s.relay.queue.totals()).running
  await until('one of two written down', async () => dots === 2 && [20, 100].includes(await running()))
  end()
  await until('an empty queue', async () => (await s.relay.queue.totals()).running === 0)
  assert.deepEqual(await s.states(), [])
  await inBalance(s)
})

test('a person moves into the tenant of the sender, under the very address written: no loop', async () => {
  await using s = await setStage()
  const john = (home: string) => ({ people: [`ann@one.example`, `john@${home}.example`] })
  s.use({ ...john('two'), aliases: { john: 'john@one.example' } })
  s.script(at('RCPT', '450 4.2.1 busy'))
  assert.equal((await s.fromOne(['john@one.example'], { from: 'ann@one.example' })).code, 250)
  await waiting(s)
  s.use(john('one'))
  s.relay.pass(2 * minute)
  await until('John’s', () => arrivedFor(s, 'john@one.example') === 1)
  assert.deepEqual(
    s.relay.arrived.map((m) => m.mailFrom.text),
    ['ann@one.example'],
    'and no report',
  )
  const fresh = await s.fromOne(['john@one.example'], { from: 'ann@one.example' })
  assert.deepEqual(fresh.recipients, [554], 'new mail that comes back is a loop')
  await inBalance(s)
})

test('a domain that says retry-later: what was taken before is warned of and comes back as ever, and no try is counted', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  await s.fromOne(['mary@shared.example'])
  await waiting(s)
  s.use({ mode: 'retry-later' })
  s.relay.pass(10 * minute)
  await until('the reason', async () => /retry-later/.test((await s.kept())[0]?.why ?? ''))
  assert.equal((await s.kept())[0]?.attempts, 1)
  const actions = () => s.relay.arrived.map((m) => /Action: (\w+)/.exec(m.raw.toString())?.[1])
  s.relay.pass(5 * hour)
  await until('a warning', () => actions().join() === 'delayed')
  await waiting(s)
  s.relay.pass(44 * hour)
  await until('a report', () => actions().join() === 'delayed,failed')
  await until('an empty queue', async () => (await s.states()).length === 0)
  await inBalance(s)
})

test('a report of ours for a tenant that is gone is held until it is back', async () => {
  await using s = await setStage()
  s.use({ isOneGone: true })
  const one = {
    domain: 'one.example',
    facts: '{}',
    lane: 'tenant:two',
    state: 'waiting',
    attempts: 0,
    reply: '',
    why: '',
  } as const
  const about = {
    id: 'a',
    sender: '',
    peer: 'causeway',
    messageId: '',
    subject: '',
    content: [Buffer.from('\r\nx\r\n')],
  }
  const envelope = ownEnvelope({ tenant: 'one', now: new Date(0), smtputf8: false })
  await s.relay.queue.put({ ...about, envelope, recipients: [{ ...one, address: 'john@one.example' }] })
  s.relay.pass(1)
  await until('held', async () => (await s.states()).join() === 'john@one.example held tenant')
  assert.match(
    (await s.kept())[0]?.why ?? '',
    /^it is a report of ours for tenant one, which the project does not have/,
  )
  assert.equal((await s.relay.queue.lanes())[0]?.trouble, undefined)
  s.use()
  await until('John’s', () => arrivedFor(s, 'john@one.example') === 1)
})
