import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { aClient, bytes, projectOf, recipient, sender } from '../../test/support/relay-values.ts'
import { type RunningRelay, startRelay } from '../../test/support/running-relay.ts'
import { type Letter, type SmallClient, smallClient } from '../../test/support/small-client.ts'
import { noCounts } from './record/record.ts'
import { makeBackend } from './relay.ts'

let relay: RunningRelay
let tenant: SmallClient
let internet: SmallClient
let mark = 0

before(async () => {
  relay = await startRelay({ deadlineMs: 300 })
  tenant = await smallClient(relay.port)
  internet = await smallClient(relay.port, '127.0.0.2')
})
after(async () => {
  tenant.close()
  internet.close()
  await relay[Symbol.asyncDispose]()
})
beforeEach(() => {
  relay.answer(undefined)
  relay.use(project())
  mark = relay.arrived.length
})

/** John lives in tenant one, which is this machine; everything else comes from the internet. */
function project(policy = '') {
  const hop = `{ host: 127.0.0.1, port: ${relay.sinkPort}, tls: none }`
  return projectOf(`
name: relay
gateway: { hostname: gw.example.net }
tenants:
  - { name: one, kind: smtp, domains: [one.example], from: { addresses: [127.0.0.1] }, to: ${hop}, outbound: { smarthost: ${hop} } }
  - { name: two, kind: smtp, domains: [two.example], from: { addresses: [127.0.0.99] }, to: ${hop}, outbound: { smarthost: ${hop} } }
directory:
  - { internal: john@one.example, external: john@shared.example, aliases: [js@one.example] }
  - { internal: mary@two.example, external: mary@shared.example }
domains: [{ name: shared.example }, { name: held.example, mode: hold }]
policy: { ${policy} }
`)
}

let number = 0
function letter(o: Partial<Letter> & { readonly body?: string } = {}): Letter {
  number += 1
  const text = `From: john@one.example\nTo: zoe@away.example\nMessage-ID: <${number}@one.example>\n\n${o.body ?? 'Hello.\n'}`
  return { from: 'john@one.example', to: ['zoe@away.example'], raw: bytes(text), ...o }
}
const fromOutside = (o: Partial<Letter> = {}): Letter =>
  letter({ from: 'zoe@away.example', to: ['john@shared.example'], ...o })

const arrived = () => relay.arrived.slice(mark)
const eventsOf = (text: string) => {
  const id = /id=(\S+)/.exec(text)?.[1]
  return relay.events.filter((e) => e.id === id)
}

/** Once the queue has so many recipients waiting and none running. */
async function settled(waiting: number): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    const totals = await relay.queue.totals()
    if (totals.running === 0 && totals.waiting === waiting) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`the queue has ${JSON.stringify(await relay.queue.totals())}`)
}

const minute = 60_000
const full = { code: 452, enhanced: '4.3.1', text: 'full' }

test('a message out: 250 when the next hop has it, rewritten, and every step in the trace', async () => {
  const said = await tenant.send(letter())
  assert.equal(said.code, 250)
  const [copy] = arrived()
  assert.equal(copy?.mailFrom.text, 'john@shared.example')
  assert.match(copy?.raw.toString() ?? '', /\r\nFrom: john@shared\.example\r\n/)
  const steps = eventsOf(said.text).map((e) => `${e.kind} ${e.field ?? e.recipients?.join() ?? ''}`)
  assert.deepEqual(steps, [
    'RECEIVE zoe@away.example',
    'REWRITE MAIL FROM',
    'REWRITE From',
    'SIGN ', // that it is not signed, and why
    'SEND zoe@away.example',
  ])
})

test('strangers learn at RCPT what they may not, and the reason is in the trace', async () => {
  const said = await internet.send(fromOutside({ to: ['a@away.example', 'nobody@shared.example', 'x@held.example'] }))
  assert.deepEqual(said.recipients, [550, 550, 550])
  assert.equal(arrived().length, 0)
  const refused = relay.events.slice(-3).map((e) => [e.kind, e.recipients?.[0]])
  assert.deepEqual(refused, [
    ['REJECT', 'a@away.example'],
    ['REJECT', 'nobody@shared.example'],
    ['REJECT', 'x@held.example'],
  ])
})

test('recipients that were refused at RCPT do not keep the others from it', async () => {
  const said = await internet.send(fromOutside({ to: ['nobody@shared.example', 'john@shared.example'] }))
  assert.deepEqual([said.code, said.recipients], [250, [550, 250]])
  assert.deepEqual(
    arrived()[0]?.recipients.map((r) => r.text),
    ['john@one.example'],
  )
})

test('two addresses of one person are one recipient of one copy, and both outcomes', async () => {
  const said = await internet.send(fromOutside({ to: ['john@shared.example', 'js@one.example'] }))
  assert.equal(said.code, 250)
  assert.deepEqual(
    arrived().map((m) => m.recipients.map((r) => r.text)),
    [['john@one.example']],
  )
  assert.equal(eventsOf(said.text).filter((e) => e.kind === 'SEND').length, 2)
})

test('a report shall name the address that was written to: it goes along as ORCPT', async () => {
  await internet.send(fromOutside())
  assert.equal(arrived()[0]?.recipients[0]?.orcpt, 'rfc822;john@shared.example')
  await tenant.send(letter())
  assert.equal(arrived()[1]?.recipients[0]?.orcpt, undefined)
})

test('what the next hop refuses for good the sender hears, cleaned', async () => {
  relay.answer(() => ({ code: 552, enhanced: '5.2.2', text: 'john@one.example is full' }))
  const said = await internet.send(fromOutside())
  assert.equal(said.code, 550)
  assert.match(said.text, /^5\.2\.2 .*john@shared\.example is full/)
  assert.doesNotMatch(said.text, /one\.example/)
})

test('what it cannot take now is kept: 250, and those who have it get no second copy', async () => {
  relay.answer((m) => (m.recipients[0]?.text === 'mary@two.example' ? full : undefined))
  const said = await internet.send(fromOutside({ to: ['john@shared.example', 'mary@shared.example'] }))
  assert.equal(said.code, 250)
  await settled(1)
  assert.deepEqual(
    arrived().map((m) => m.recipients[0]?.text),
    ['john@one.example'],
  )
  relay.answer(undefined)
  relay.pass(2 * minute)
  await settled(0)
  assert.deepEqual(
    arrived().map((m) => m.recipients[0]?.text),
    ['john@one.example', 'mary@two.example'],
  )
  const steps = eventsOf(said.text).map((e) => `${e.kind} ${e.recipients?.join() ?? ''}`)
  assert.deepEqual(
    steps.filter((step) => /^(DEFER|KEEP|SEND)/.test(step)),
    ['SEND john@one.example', 'DEFER mary@two.example', 'KEEP mary@shared.example', 'SEND mary@two.example'],
  )
})

test('defer: what no next hop takes is 451, and nothing is kept', async () => {
  relay.use(project('whenNextHopFails: defer'))
  relay.answer(() => full)
  const said = await internet.send(fromOutside())
  assert.match(`${said.code} ${said.text}`, /^451 4\.3\.1 /)
  assert.equal((await relay.queue.totals()).waiting, 0)
})

test('a full disk: 452, and the next try brings nobody a second copy', async () => {
  relay.answer((m) => (m.recipients[0]?.text === 'mary@two.example' ? full : undefined))
  relay.disk.refusal = { isFull: true }
  const both = fromOutside({ to: ['john@shared.example', 'mary@shared.example'] })
  const first = await internet.send(both)
  assert.match(`${first.code} ${first.text}`, /^452 4\.3\.1 /)
  const second = await internet.send(both)
  assert.deepEqual([second.code, second.recipients], [452, []], 'at MAIL')
  relay.disk.refusal = undefined
  await relay.disk.look()
  relay.answer(undefined)
  assert.equal((await internet.send(both)).code, 250)
  assert.deepEqual(
    arrived().map((m) => m.recipients[0]?.text),
    ['john@one.example', 'mary@two.example'],
  )
})

test('some took it, some refused: 554 names who did not get it', async () => {
  relay.answer((m) =>
    m.recipients[0]?.text === 'mary@two.example' ? { code: 550, enhanced: '5.1.1', text: 'gone' } : undefined,
  )
  const said = await internet.send(fromOutside({ to: ['john@shared.example', 'mary@shared.example'] }))
  assert.equal(said.code, 554)
  assert.match(said.text, /not to mary@shared\.example/)
})

test('a next hop that is slow beyond the deadline: 250, and its late yes closes the copy in the queue', async () => {
  const late = Promise.withResolvers<undefined>()
  relay.answer(() => late.promise)
  const said = await tenant.send(letter())
  assert.equal(said.code, 250)
  assert.equal((await relay.queue.totals()).running, 1)
  late.resolve(undefined)
  await settled(0)
  assert.equal(arrived().length, 1)
  assert.equal(eventsOf(said.text).at(-1)?.kind, 'SEND')
})

test('a copy that comes back with our pass is not rewritten again; the third time round is a loop', async () => {
  await tenant.send(letter())
  const [first] = arrived()
  assert.ok(first)
  const back = await tenant.send(letter({ raw: first.raw, from: 'john@one.example' }))
  assert.equal(back.code, 250)
  assert.match(relay.events.findLast((e) => e.kind === 'RECEIVE')?.peer ?? '', /one/)
  const second = arrived()[1]
  assert.equal(second?.mailFrom.text, 'john@one.example')
  assert.ok(second?.raw.toString().includes('\r\nFrom: john@shared.example\r\n'))
  assert.equal(second?.raw.toString().match(/X-Causeway-Pass/g)?.length, 1)
  const third = await tenant.send(letter({ raw: second?.raw ?? Buffer.of() }))
  assert.match(`${third.code} ${third.text}`, /^554 5\.4\.6 /)
})

test('a pass does not help a stranger, nor a message that it was not made for', async () => {
  await internet.send(fromOutside())
  const pass = /X-Causeway-Pass:\s+\S+\r\n/.exec(arrived()[0]?.raw.toString() ?? '')?.[0] ?? ''
  assert.notEqual(pass, '')
  const stolen = bytes(`${pass}To: john@shared.example\nMessage-ID: <another@away.example>\n\nx\n`)
  await internet.send(fromOutside({ raw: stolen }))
  assert.match(arrived()[1]?.raw.toString() ?? '', /\r\nTo: john@one\.example\r\n/)
})

test('bare line ends of a body that came by BDAT go on by BDAT as they are', async () => {
  const raw = Buffer.from('From: john@one.example\r\nTo: zoe@away.example\r\n\r\nHello.\nBye.\n')
  assert.equal((await tenant.send(letter({ raw, via: 'BDAT' }))).code, 250)
  const [copy] = arrived()
  assert.equal(copy?.via, 'BDAT')
  assert.ok(copy?.raw.toString().endsWith('\r\n\r\nHello.\nBye.\n'))
})

test('an ambiguous From of a tenant is refused, or passed where the project says so', async () => {
  const raw = bytes('From: a@one.example\nFrom: b@one.example\n\nx\n')
  assert.match((await tenant.send(letter({ raw }))).text, /^5\.7\.1 /)
  relay.use(project('ambiguousFrom: pass'))
  assert.equal((await tenant.send(letter({ raw }))).code, 250)
})

test('without a project everything is later', async () => {
  const backend = makeBackend({ ...never, project: () => undefined })
  const said = [
    await backend.mail(aClient, sender('a@away.example')),
    await backend.rcpt(aClient, sender('a@away.example'), recipient('john@shared.example'), []),
    await backend.message({ client: aClient, mailFrom: sender(''), recipients: [], raw: bytes('x\n'), via: 'DATA' }),
  ]
  for (const reply of said) assert.equal(reply?.code, 451)
})

const fault = () => assert.fail('nothing is asked')
const never = {
  authenticator: { authenticate: fault, close: fault },
  carrier: { carry: fault, probe: fault },
  settler: {
    memory: { recall: fault, note: fault, forget: fault, size: 0 },
    deadlineMs: 1,
    queue: { put: fault },
    dispatch: { closed: fault, began: fault, tried: fault, follow: fault },
    disk: { look: fault },
    onTrouble: fault,
  },
  queue: { now: fault, attempted: fault, cameBack: fault },
  pressure: { disk: { isLow: false }, figures: fault },
  recorder: {
    counts: noCounts(),
    begin: fault,
    again: fault,
    reported: fault,
    lateAtOnce: fault,
    recipientRefused: fault,
    protocolError: fault,
  },
  passKey: Buffer.alloc(32),
  now: () => new Date(0),
}

test('every message is accounted for', async () => {
  assert.deepEqual(relay.errors, [])
  assert.equal((await relay.account()).wrong, 0)
  const { received, accepted, refused, deferred } = relay.counts
  assert.equal(received, accepted + refused + deferred)
})
