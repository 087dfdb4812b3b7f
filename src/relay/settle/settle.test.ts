import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import { incomingOf, recipient, sender } from '../../../test/support/relay-values.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Delivery } from '../plan/plan.ts'
import { type Memory, makeMemory, settle } from './settle.ts'

const text = 'From: a@outside.example\nSubject: Hello\nMessage-ID: <1@outside.example>\n\nHello.\n'
const incoming = () => incomingOf('a@outside.example', ['john@shared.example', 'mary@shared.example'], text)
const took: Outcome = { kind: 'delivered', reply: replies.ok(), remote: 'mx:25', tls: '', why: '' }
const refused = answered('refused', { code: 550, enhanced: '5.2.2', text: 'mailbox full' })
const deferred = answered('deferred', { code: 451, enhanced: '4.3.2', text: 'busy' })

let memory: Memory
beforeEach(() => {
  memory = makeMemory()
})

function answered(kind: Outcome['kind'], reply: Reply): Outcome {
  return { kind, reply, remote: 'mx:25', tls: '', why: '' }
}

/** One delivery for each list; `name` alone was written as name@shared.example and lives at name@in.example. */
function deliveries(...lists: readonly (readonly string[])[]): readonly Delivery[] {
  return lists.map((names) => ({
    side: 'inside',
    by: 'tenant',
    nextHop: { host: 'mx.in.example', port: 25, tls: 'none', serverName: 'mx.in.example' },
    view: 'inside',
    mailFrom: { given: 'a@outside.example', rewritten: 'a@outside.example' },
    recipients: names.map((name) => ({
      given: `${name}@shared.example`,
      rewritten: `${name}@in.example`,
      recipient: recipient(`${name}@shared.example`),
    })),
    reasons: [],
  }))
}

/** Settles with an outcome for each name; says who was carried. */
async function run(plan: readonly Delivery[], outcomes: { readonly [name: string]: Outcome }, came = incoming()) {
  const carried: string[] = []
  const reply = await settle({ memory, deadlineMs: 60_000 }, came, plan, async (delivery) =>
    delivery.recipients.map(({ rewritten }) => {
      const name = rewritten.split('@')[0] ?? ''
      carried.push(name)
      return outcomes[name] ?? took
    }),
  )
  return { reply, carried }
}

const two = deliveries(['john'], ['mary'])

test('all took it: 250, nothing remembered', async () => {
  const { reply } = await run(two, {})
  assert.equal(reply.code, 250)
  assert.equal(memory.size, 0)
})

test('all refused it: 550 with the enhanced code and the words of the first, nothing remembered', async () => {
  const { reply } = await run(two, { john: refused, mary: refused })
  assert.deepEqual([reply.code, reply.enhanced], [550, '5.2.2'])
  assert.match(reply.text, /mailbox full/)
  assert.equal(memory.size, 0)
})

test('one deferred: 451 with its words; who has it is not sent it again, who was refused is asked again', async () => {
  const came = deliveries(['john', 'zed'], ['mary'])
  const first = await run(came, { mary: deferred, zed: refused })
  assert.deepEqual([first.reply.code, first.reply.enhanced], [451, '4.3.2'])
  assert.match(first.reply.text, /busy/)
  const second = await run(came, {})
  assert.deepEqual(second.carried, ['zed', 'mary'])
  assert.equal(second.reply.code, 250)
})

test('after the last answer the same message once more is one more', async () => {
  await run(two, { mary: deferred })
  await run(two, {})
  assert.equal(memory.size, 0)
  const { carried } = await run(two, {})
  assert.deepEqual(carried, ['john', 'mary'])
})

test('some took it, some refused: 554 names who was refused, as written', async () => {
  const { reply } = await run(two, { mary: refused })
  assert.equal(reply.code, 554)
  assert.match(reply.text, /delivered, but not to mary@shared\.example/)
  assert.doesNotMatch(reply.text, /john/)
  assert.equal(memory.size, 0)
})

test('an internal address in the words of the next hop does not come out, however it is spelled', async () => {
  for (const spelled of ['mary@in.example', 'MARY@In.Example']) {
    const full = answered('refused', { code: 550, enhanced: '5.2.2', text: `<${spelled}> is full` })
    const { reply } = await run(deliveries(['mary']), { mary: full })
    assert.match(reply.text, /<mary@shared\.example> is full/)
  }
})

test('control characters in the words of the next hop do not come out', async () => {
  const rude = answered('refused', { code: 550, enhanced: '5.0.0', text: 'no\r\n250 yes\u001b[2J' })
  const { reply } = await run(deliveries(['mary']), { mary: rude })
  assert.doesNotMatch(reply.text, /[\0-\x1f]/)
})

test('another message is not taken for one that was delivered', async () => {
  await run(two, { mary: deferred })
  const others = [
    incomingOf('b@outside.example', [], text),
    incomingOf('a@outside.example', [], text.replace('<1@', '<2@')),
    incomingOf('a@outside.example', [], text.replace('Hello.', 'Hallo.')),
    incomingOf('a@outside.example', [], text.replace('Subject: Hello', 'Subject: Alarm')),
  ]
  for (const other of others) assert.deepEqual((await run(deliveries(['john']), {}, other)).carried, ['john'])
})

test('two messages without Message-ID and with one body are two', async () => {
  const alarm = (what: string) => incomingOf('a@outside.example', [], `From: a@outside.example\nSubject: ${what}\n\n`)
  await run(two, { mary: deferred }, alarm('disk full'))
  assert.deepEqual((await run(deliveries(['john']), {}, alarm('disk gone'))).carried, ['john'])
})

test('the same message with other trace fields is the same', async () => {
  await run(two, { mary: deferred })
  const again = incomingOf('a@outside.example', [], `Received: from elsewhere\nX-Try: 2\n${text}`)
  assert.deepEqual((await run(two, {}, again)).carried, ['mary'])
})

test('what is remembered ends after a week, and the oldest goes first when there is too much', () => {
  let now = 0
  const small = makeMemory(2, () => now)
  const came = incoming()
  for (const name of ['a', 'b', 'c']) small.note(came, name, 'delivered')
  assert.deepEqual([small.recall(came, 'a'), small.recall(came, 'b')], [undefined, 'delivered'])
  now += 8 * 24 * 3_600_000
  assert.equal(small.recall(came, 'b'), undefined)
})

test('at the deadline: 451; a late success is not sent again, a late failure is', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const john = Promise.withResolvers<readonly Outcome[]>()
    const mary = Promise.withResolvers<readonly Outcome[]>()
    const slow = [john.promise, mary.promise]
    const answer = settle({ memory, deadlineMs: 30_000 }, incoming(), two, () => slow.shift() ?? Promise.resolve([]))
    mock.timers.tick(29_999)
    mock.timers.tick(1)
    assert.deepEqual(await answer, replies.deadline())

    const early = await run(two, {})
    assert.deepEqual(early.carried, [], 'while the attempts run nobody is sent a second copy')
    assert.equal(early.reply.code, 451)

    john.resolve([took])
    mary.resolve([deferred])
    await Promise.all([john.promise, mary.promise])
    assert.deepEqual((await run(two, {})).carried, ['mary'])
  } finally {
    mock.timers.reset()
  }
})

test('what throws is thrown on, after the others are remembered', async () => {
  const fault = new TypeError('a fault of ours')
  const carry = (delivery: Delivery) =>
    delivery.recipients[0]?.given.startsWith('mary') ? Promise.reject(fault) : Promise.resolve([took])
  await assert.rejects(settle({ memory, deadlineMs: 60_000 }, incoming(), two, carry), fault)
  assert.deepEqual((await run(two, {})).carried, ['mary'])
})

test('a delivery that gives too few outcomes leaves the rest for a later try', async () => {
  const reply = await settle({ memory, deadlineMs: 60_000 }, incoming(), deliveries(['john', 'mary']), async () => [
    took,
  ])
  assert.equal(reply.code, 451)
  assert.deepEqual((await run(deliveries(['john', 'mary']), {})).carried, ['mary'])
})

test('the null sender is a sender', async () => {
  assert.equal(sender('').path.kind, 'null')
  await run(two, { mary: deferred }, incomingOf('', [], text))
  assert.deepEqual((await run(two, {}, incomingOf('', [], text))).carried, ['mary'])
})
