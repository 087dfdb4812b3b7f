import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import { incomingOf, projectOf, recipient, sharedDomain } from '../../../test/support/relay-values.ts'
import { readFrom } from '../../mail/header/header.ts'
import { readMessage } from '../../mail/message/message.ts'
import { type Reply, replies } from '../../mail/reply/reply.ts'
import { tenantNamed } from '../../project/project.ts'
import type { NewMessage, Put } from '../../queue/queue.ts'
import type { Peer } from '../admit/admit.ts'
import type { Outcome } from '../deliver/deliver.ts'
import type { Closed, Pending } from '../dispatch/dispatch.ts'
import type { Incoming } from '../listen/listen.ts'
import type { Delivery } from '../plan/plan.ts'
import { makeRecorder } from '../record/record.ts'
import { type Answer, type Matter, type Memory, makeMemory, settle } from './settle.ts'

const text = 'From: a@outside.example\nSubject: Hello\nMessage-ID: <1@outside.example>\n\nHello.\n'
const incoming = () => incomingOf('a@outside.example', [], text)
const took: Outcome = { kind: 'delivered', reply: replies.ok(), remote: 'mx:25', tls: '', why: '' }
const refused = answered('refused', { code: 550, enhanced: '5.2.2', text: 'mailbox full' })
const deferred = answered('deferred', { code: 451, enhanced: '4.3.2', text: 'busy' })
const project = (policy = '') => projectOf(`${sharedDomain}policy: { ${policy} }\n`)
const tenant = tenantNamed(project(), 'one')
assert.ok(tenant)
const peers: { readonly [name: string]: Peer } = {
  tenant: { kind: 'tenant', tenant, proofs: ['certificate'], certificateNames: [] },
  internet: { kind: 'internet', why: '' },
}

let memory: Memory
let puts: NewMessage[]
let followed: (readonly Pending[])[]
let troubles: string[]
/** What the queue says to the next put, and the lanes that are in trouble. */
let put: Put
let closed: Map<string, Closed>
beforeEach(() => {
  memory = makeMemory()
  puts = []
  followed = []
  troubles = []
  put = { ok: true, lease: { token: '1' } }
  closed = new Map()
})

function answered(kind: Outcome['kind'], reply: Reply): Outcome {
  return { kind, reply, spoke: true, remote: 'mx:25', tls: '', why: reply.text }
}

/** An attempt that had sent its last byte when the deadline passed. */
function uncertain(later: Promise<Outcome>): Outcome {
  const reply = replies.deadline()
  return { kind: 'deferred', reply, remote: 'mx:25', tls: '', why: reply.text, uncertain: true, later }
}

/** One delivery for each list; `name` alone was written as name@shared.example and lives at name@in.example. */
function deliveries(...lists: readonly (readonly string[])[]): readonly Delivery[] {
  return lists.map((names, i) => ({
    side: 'inside',
    by: 'smarthost',
    nextHop: { host: 'mx.in.example', port: 25 + i, tls: 'none', serverName: 'mx.in.example' },
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

type Run = {
  readonly came?: Incoming
  readonly from?: 'tenant' | 'internet'
  readonly policy?: string
  readonly held?: readonly string[]
  readonly deadlineMs?: number
  readonly carry?: Matter['carry']
}
type Ran = Answer & { readonly carried: readonly string[]; readonly late: number }

/** Settles with an outcome for each name; says who was carried. */
async function run(
  plan: readonly Delivery[],
  outcomes: { readonly [name: string]: Outcome },
  o: Run = {},
): Promise<Ran> {
  const { came = incoming(), from = 'internet', policy = '', held = [], deadlineMs = 60_000 } = o
  const carried: string[] = []
  let late = 0
  const message = readMessage(came.raw)
  const about = { messageId: '<1@outside.example>', subject: 'Hello' }
  const heldDeliveries = held.length === 0 ? [] : deliveries(held)
  const heldOnes = heldDeliveries.flatMap((d) =>
    d.recipients.map((one) => ({ recipient: one.recipient, why: 'on hold' })),
  )
  const answer = await settle(
    {
      memory,
      deadlineMs,
      queue: { put: async (m) => (puts.push(m), put) },
      dispatch: {
        closed: (lane) => closed.get(lane),
        began: () => {},
        tried: () => {},
        follow: (_, __, pending) => void followed.push(pending),
      },
      disk: { look: async () => void troubles.push('looked at the disk') },
      onTrouble: (why) => void troubles.push(why),
    },
    {
      project: project(policy),
      incoming: came,
      message,
      about,
      admission: {
        peer: peers[from] ?? assert.fail(),
        from: readFrom(message.header),
        pass: undefined,
        routed: [],
        held: heldOnes.map((one) => ({ ...one, route: { kind: 'outside', domain: 'in.example', why: '' } })),
        refusals: [],
      },
      deliveries: plan,
      heldDeliveries,
      arrivedAt: new Date(5),
      record: makeRecorder({ write: () => {} }, () => new Date(5)).begin(came, about, 1),
      carry:
        o.carry ??
        (async (delivery) =>
          delivery.recipients.map(({ rewritten }) => {
            const name = nameOf(rewritten)
            carried.push(name)
            return outcomes[name] ?? took
          })),
      lateAtOnce: () => {
        late += 1
      },
    },
  )
  return {
    ...answer,
    carried,
    get late() {
      return late
    },
  }
}

const nameOf = (address: string): string => address.split('@')[0] ?? ''
const two = deliveries(['john'], ['mary'])
const said = ({ reply }: Answer): string => `${reply.code} ${reply.enhanced} ${reply.text}`
/** Who was put, and how. */
const kept = () =>
  puts.flatMap((m) =>
    m.recipients.map((r) => `${nameOf(r.address)} ${r.state}${r.cause === undefined ? '' : ` ${r.cause}`}`),
  )
const pending = () =>
  followed.flat().map(({ n, recipient: { given }, outcome }) => `${n} ${nameOf(given)} ${outcome.kind}`)

// The table of docs/flow.md, "settle": outcomes of john and mary, a held one or none; the answer, and what is kept.
const never = uncertain(new Promise(() => {}))
type Row = readonly [
  from: 'tenant' | 'internet',
  policy: string,
  john: Outcome,
  mary: Outcome,
  held: string,
  reply: RegExp,
  kept: readonly string[],
]
const rows: readonly Row[] = [
  ['internet', '', took, took, '', /^250 /, []],
  ['tenant', '', took, took, '', /^250 /, []],
  ['internet', '', refused, refused, '', /^550 5\.2\.2 .*mailbox full/, []],
  ['tenant', '', refused, refused, '', /^550 5\.2\.2 .*mailbox full/, []],
  ['internet', '', deferred, deferred, '', /^250 /, ['john running', 'mary running']],
  ['tenant', '', deferred, deferred, '', /^250 /, ['john running', 'mary running']],
  ['tenant', 'whenNextHopFails: defer', deferred, deferred, '', /^451 4\.3\.2 .*busy/, []],
  ['tenant', 'whenNextHopFails: defer', deferred, refused, '', /^451 4\.3\.2 .*busy/, []],
  // Mixed.
  ['internet', '', took, refused, '', /^554 .*delivered, but not to mary@shared\.example/, []],
  ['tenant', '', took, refused, '', /^250 /, ['mary running']],
  ['internet', '', took, deferred, '', /^250 /, ['mary running']],
  ['internet', '', deferred, refused, '', /^250 /, ['john running', 'mary running']],
  ['tenant', '', deferred, refused, '', /^250 /, ['john running', 'mary running']],
  ['internet', 'whenNextHopFails: defer', took, deferred, '', /^250 /, ['mary running']],
  // What may have arrived is kept under `defer` too: asking for it again would make a second copy.
  ['internet', '', never, took, '', /^250 /, ['john running']],
  ['internet', 'whenNextHopFails: defer', never, deferred, '', /^250 /, ['john running', 'mary running']],
  // A domain on hold.
  ['internet', '', took, took, 'zoe', /^250 /, ['zoe held domain']],
  ['internet', '', took, refused, 'zoe', /^250 /, ['mary running', 'zoe held domain']],
  ['internet', 'whenNextHopFails: defer', deferred, took, 'zoe', /^250 /, ['john running', 'zoe held domain']],
]

for (const [from, policy, john, mary, held, reply, expected] of rows) {
  const what = [john, mary].map((o) => (o.later === undefined ? o.kind : 'perhaps delivered')).join(' and ')
  test(`from ${from}${policy && ` (${policy})`}, ${what}${held && ', another held'}: ${reply.source}, kept: ${expected.join(', ') || 'nothing'}`, async () => {
    const ran = await run(two, { john, mary }, { from, policy, held: held === '' ? [] : [held] })
    assert.match(said(ran), reply)
    assert.deepEqual(kept(), expected)
    assert.equal(puts.length, expected.length === 0 ? 0 : 1)
    assert.deepEqual(pending().length, expected.filter((one) => one.endsWith('running')).length)
    assert.equal(memory.size, 0)
    const { accepted, delivered, refused: no } = ran.tally
    assert.equal(accepted, delivered + no + expected.length, 'every recipient is counted once')
  })
}

test('all who are left are held: 250, nothing was carried', async () => {
  const ran = await run([], {}, { held: ['zoe'] })
  assert.deepEqual([ran.reply.code, kept(), ran.tally.accepted], [250, ['zoe held domain'], 1])
})

test('nobody tells the sender of a report, even of a tenant: 554 when the outcomes are final', async () => {
  const ran = await run(two, { mary: refused }, { from: 'tenant', came: incomingOf('', [], text) })
  assert.equal(ran.reply.code, 554)
  assert.deepEqual(puts, [])
})

test('what is put: its envelope, its place in line, and what was known of it', async () => {
  await run(two, { mary: deferred }, { from: 'tenant' })
  const [message] = puts
  assert.equal(message?.peer, 'one')
  assert.deepEqual(
    [message.sender, message.messageId, message.subject],
    ['a@outside.example', '<1@outside.example>', 'Hello'],
  )
  assert.deepEqual(message.recipients, [
    {
      address: 'mary@shared.example',
      domain: 'shared.example',
      facts: '{}',
      lane: 'smarthost:mx.in.example:26',
      state: 'running',
      attempts: 0,
      reply: '451 4.3.2 busy',
      why: 'busy',
    },
  ])
  assert.equal(Buffer.concat([...message.content]).toString(), text.replaceAll('\n', '\r\n'))
})

test('a next hop in trouble is not tried: its recipients are put at once, or deferred at once', async () => {
  closed.set('smarthost:mx.in.example:26', { reply: deferred.reply, why: 'it is down' })
  const ran = await run(two, {})
  assert.deepEqual([ran.reply.code, ran.carried, kept(), followed], [250, ['john'], ['mary waiting'], [[]]])
  const [{ trouble, reply, why } = assert.fail()] = puts[0]?.recipients ?? []
  assert.deepEqual([trouble, reply, why], ['temporary', '', 'it is down'])
  const both = deliveries([], ['mary'])
  const later = await run(both, {}, { policy: 'whenNextHopFails: defer' })
  assert.deepEqual([later.reply.code, later.carried], [451, []])
})

test('a refused put: 452 when the disk is full, else 451; nothing is followed, and who has it is not sent it again', async () => {
  for (const [isFull, expected] of [
    [true, /^452 4\.3\.1/],
    [false, /^451 4\.3\.0/],
  ] as const) {
    put = { ok: false, why: 'no space left', isFull }
    const came = deliveries(['john', 'zed'], ['mary'])
    const first = await run(came, { mary: deferred, zed: refused }, { from: 'tenant' })
    assert.match(said(first), expected)
    assert.deepEqual([followed, first.tally], [[], { accepted: 1, delivered: 1, refused: 0 }])
    assert.match(troubles[0] ?? '', /no space left/)
    assert.deepEqual(troubles.splice(0).slice(1), isFull ? ['looked at the disk'] : [])
    put = { ok: true, lease: { token: '1' } }
    const second = await run(came, {}, { from: 'tenant' })
    assert.deepEqual(second.carried, ['zed', 'mary'])
    assert.deepEqual([second.reply.code, second.tally], [250, { accepted: 2, delivered: 2, refused: 0 }])
    assert.equal(memory.size, 0)
  }
})

test('a refused put while an attempt goes on: nobody is sent anything until it is known, and then nobody twice', async () => {
  const john = Promise.withResolvers<Outcome>()
  put = { ok: false, why: 'no space left', isFull: true }
  const first = await run(two, { john: uncertain(john.promise), mary: deferred })
  assert.equal(first.reply.code, 452)
  const second = await run(two, {})
  assert.deepEqual([second.reply.code, second.carried], [451, []])
  john.resolve(took)
  await john.promise
  await Promise.resolve()
  assert.equal(first.late, 1)
  const third = await run(two, {})
  assert.deepEqual([third.reply.code, third.carried, third.tally.accepted], [250, ['mary'], 1])
})

test('after the last answer the same message once more is one more', async () => {
  put = { ok: false, why: '', isFull: false }
  await run(two, { mary: deferred })
  await run(two, {})
  assert.equal(memory.size, 0)
  assert.deepEqual((await run(two, {})).carried, ['john', 'mary'])
})

test('an internal address in the words of the next hop does not come out, however it is spelled', async () => {
  for (const spelled of ['mary@in.example', 'MARY@In.Example']) {
    const full = answered('refused', { code: 550, enhanced: '5.2.2', text: `<${spelled}> is full` })
    assert.match(said(await run(deliveries(['mary']), { mary: full })), /<mary@shared\.example> is full/)
  }
})

test('hosts of a tenant do not come out either, except to its own senders', async () => {
  const telling = answered('refused', {
    code: 550,
    enhanced: '5.7.1',
    text: 'mx.one.example and mx.two.example say no',
  })
  assert.match(said(await run(deliveries(['mary']), { mary: telling })), /: \[server\] and \[server\] say no/)
  assert.match(
    said(await run(deliveries(['mary']), { mary: telling }, { from: 'tenant' })),
    /: mx\.one\.example and \[server\] say no/,
  )
})

test('control characters in the words of the next hop do not come out', async () => {
  const rude = answered('refused', { code: 550, enhanced: '5.0.0', text: 'no\r\n250 yes\u001b[2J' })
  assert.doesNotMatch(said(await run(deliveries(['mary']), { mary: rude })), /[\0-\x1f]/)
})

test('another message is not taken for one that was delivered; other trace fields make no other message', async () => {
  put = { ok: false, why: '', isFull: false }
  await run(two, { mary: deferred })
  const others = [
    incomingOf('b@outside.example', [], text),
    incomingOf('a@outside.example', [], text.replace('<1@', '<2@')),
    incomingOf('a@outside.example', [], text.replace('Hello.', 'Hallo.')),
    incomingOf('a@outside.example', [], text.replace('Subject: Hello', 'Subject: Alarm')),
  ]
  for (const came of others) assert.deepEqual((await run(deliveries(['john']), {}, { came })).carried, ['john'])
  const again = incomingOf('a@outside.example', [], `Received: from elsewhere\nX-Try: 2\n${text}`)
  assert.deepEqual((await run(two, { mary: deferred }, { came: again })).carried, ['mary'])
})

test('two messages without Message-ID and with one body are two', async () => {
  put = { ok: false, why: '', isFull: false }
  const alarm = (what: string) => ({
    came: incomingOf('a@outside.example', [], `From: a@outside.example\nSubject: ${what}\n\n`),
  })
  await run(two, { mary: deferred }, alarm('disk full'))
  assert.deepEqual((await run(deliveries(['john']), {}, alarm('disk gone'))).carried, ['john'])
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

test('at the deadline the attempts are told; what does not come back soon after is followed, not waited for', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const stuck = Promise.withResolvers<readonly Outcome[]>()
    let signal: AbortSignal | undefined
    const carry: Matter['carry'] = (delivery, deadline) => {
      signal = deadline
      return nameOf(delivery.recipients[0]?.given ?? '') === 'john' ? Promise.resolve([took]) : stuck.promise
    }
    const answer = run(two, {}, { carry, deadlineMs: 30_000 })
    mock.timers.tick(29_999)
    assert.equal(signal?.aborted, false)
    mock.timers.tick(1)
    assert.equal(signal?.aborted, true)
    mock.timers.tick(1000)
    assert.equal((await answer).reply.code, 250)
    const [one] = followed.flat()
    stuck.resolve([refused])
    assert.equal(await one?.outcome.later, refused)
  } finally {
    mock.timers.reset()
  }
})

test('what throws is thrown on, after the others are remembered', async () => {
  const fault = new TypeError('a fault of ours')
  const carry: Matter['carry'] = (delivery) =>
    delivery.recipients[0]?.given.startsWith('mary') ? Promise.reject(fault) : Promise.resolve([took])
  await assert.rejects(run(two, {}, { carry }), fault)
  assert.deepEqual((await run(two, {})).carried, ['mary'])
})

test('a delivery that gives too few outcomes leaves the rest to the queue', async () => {
  const ran = await run(deliveries(['john', 'mary']), {}, { carry: async () => [took] })
  assert.deepEqual([ran.reply.code, kept()], [250, ['mary running']])
})
