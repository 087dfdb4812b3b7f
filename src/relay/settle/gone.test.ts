/** What becomes of a message when we are told to stop, when its sender does not wait, and with whom he need not come back. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { incomingOf, projectOf, recipient, sharedDomain } from '../../../test/support/relay-values.ts'
import { readFrom } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import type { NewMessage, Put } from '../../queue/queue.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Delivery } from '../plan/plan.ts'
import { makeRecorder } from '../record/record.ts'
import { type Answer, type Matter, type Memory, makeMemory, settle } from './settle.ts'

const outcome = (kind: Outcome['kind'], reply: Reply): Outcome => ({ kind, reply, remote: 'mx:25', tls: '', why: '' })
const took = outcome('delivered', replies.ok())
const refused = outcome('refused', { code: 550, enhanced: '5.2.2', text: 'mailbox full' })
const deferred = outcome('deferred', { code: 451, enhanced: '4.3.2', text: 'busy' })

let memory: Memory
let puts: NewMessage[]
let put: Put
let carried: string[]
beforeEach(() => {
  memory = makeMemory()
  puts = []
  put = { ok: true, lease: { token: '1' } }
  carried = []
})

/** John and Mary have next hops of their own. */
const two: readonly Delivery[] = ['john', 'mary'].map((name, i) => ({
  side: 'inside',
  by: 'smarthost',
  nextHop: { host: 'mx.in.example', port: 25 + i, tls: 'none', serverName: 'mx.in.example' },
  view: 'inside',
  mailFrom: { given: 'a@outside.example', rewritten: 'a@outside.example' },
  recipients: [
    {
      given: `${name}@shared.example`,
      rewritten: `${name}@in.example`,
      recipient: recipient(`${name}@shared.example`),
    },
  ],
  reasons: [],
}))

type Run = {
  readonly policy?: string
  readonly hurry?: AbortSignal
  readonly isGone?: () => boolean
  readonly carry?: Matter['carry']
}

/** The same message each time, with an outcome for each of the two. */
async function run(john: Outcome, mary: Outcome, { policy = '', hurry, isGone, carry }: Run = {}): Promise<Answer> {
  const text = 'From: a@outside.example\nMessage-ID: <1@outside.example>\n\nHello.\n'
  const came = incomingOf('a@outside.example', ['john@shared.example', 'mary@shared.example'], text)
  const incoming = { ...came, ...(isGone === undefined ? {} : { isGone }) }
  const message = readMessage(incoming.raw)
  const about = { messageId: '<1@outside.example>', subject: '' }
  const dispatch = { closed: () => undefined, began() {}, tried() {}, follow() {} }
  return settle(
    {
      memory,
      deadlineMs: 60_000,
      ...(hurry === undefined ? {} : { hurry }),
      queue: { put: async (m) => (puts.push(m), put) },
      dispatch,
      disk: { look: async () => {} },
      onTrouble() {},
    },
    {
      project: projectOf(`${sharedDomain}policy: { ${policy} }\n`),
      incoming,
      message,
      about,
      admission: {
        peer: { kind: 'internet', why: '' },
        from: readFrom(message.header),
        pass: undefined,
        routed: [],
        held: [],
        refusals: [],
      },
      deliveries: two,
      heldDeliveries: [],
      arrivedAt: new Date(5),
      record: makeRecorder({ write() {} }, () => new Date(5)).begin(incoming, about, 1),
      async carry(delivery, deadline) {
        carried.push(whoOf(delivery))
        return carry === undefined ? [whoOf(delivery) === 'john' ? john : mary] : carry(delivery, deadline)
      },
      lateAtOnce() {},
    },
  )
}

const nameOf = (address: string): string => address.split('@')[0] ?? ''
const whoOf = ({ recipients: [one] }: Delivery): string => nameOf(one?.given ?? '')
const kept = () => puts.flatMap((m) => m.recipients.map(({ address }) => nameOf(address)))

for (const [policy, code, expected] of [
  ['', 250, ['john', 'mary']],
  ['whenNextHopFails: defer', 451, []],
] as const)
  test(`told to hurry, nobody waits for a deadline that is far away: ${code} (${policy})`, async () => {
    const hurry = new AbortController()
    const carry: Matter['carry'] = (_, deadline) =>
      new Promise((resolve) => deadline.addEventListener('abort', () => resolve([deferred])))
    const running = run(deferred, deferred, { policy, hurry: hurry.signal, carry })
    setImmediate(() => hurry.abort())
    assert.deepEqual([(await running).reply.code, kept()], [code, expected])
    let hasPassed = false
    const later: Matter['carry'] = async (_, deadline) => ((hasPassed = deadline.aborted), [deferred])
    await run(deferred, deferred, { policy, hurry: hurry.signal, carry: later })
    assert.ok(hasPassed, 'what comes after that begins at its deadline')
  })

test('for a sender who has gone nothing is begun', async () => {
  const { reply, tally } = await run(took, took, { isGone: () => true })
  assert.deepEqual([reply.code, carried, kept(), tally.accepted], [451, [], [], 0])
})

for (const mary of [deferred, took])
  test(`when the sender goes meanwhile nothing is kept, and his next try is no second copy (${mary.kind})`, async () => {
    const first = await run(took, mary, { isGone: () => carried.length > 0 })
    assert.deepEqual([first.reply.code, kept(), carried.splice(0)], [451, [], ['john', 'mary']])
    const second = await run(took, took)
    assert.deepEqual([second.reply.code, carried], [250, mary === took ? [] : ['mary']])
  })

test('done are those with whom the sender need not come back', async () => {
  const done = async (...what: Parameters<typeof run>) => {
    memory = makeMemory()
    return (await run(...what)).done.map(({ text }) => nameOf(text))
  }
  assert.deepEqual(await done(took, refused), ['john', 'mary'], '554: her sender is told')
  assert.deepEqual(await done(refused, refused), ['john', 'mary'])
  assert.deepEqual(await done(took, deferred), ['john', 'mary'], 'kept')
  assert.deepEqual(await done(deferred, deferred, { policy: 'whenNextHopFails: defer' }), [])
  put = { ok: false, why: '', isFull: true }
  assert.deepEqual(await done(took, deferred), ['john'], 'only he has it')
})
