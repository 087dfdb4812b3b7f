import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueStage, setStage, until } from '../../../test/support/queue-stage.ts'
import { aClient, sender } from '../../../test/support/relay-values.ts'
import { envelopeText } from '../keep/keep.ts'

const minute = 60_000
const hour = 60 * minute

const at = (verb: string, answer: string) => (line: string) => (line.startsWith(verb) ? answer : undefined)
const drained = (s: QueueStage) => until('an empty queue', async () => (await s.states()).length === 0)
const waiting = (s: QueueStage) =>
  until('nothing running', async () => (await s.states()).every((state) => !state.endsWith('running')))
const kinds = (s: QueueStage, said: { text: string; code: number; recipients: readonly number[] }) =>
  s.story(said).map((e) => e.kind)
const inBalance = async (s: QueueStage) => assert.equal((await s.relay.account()).wrong, 0)

test('what is kept is tried again, by the same stages, under the same id and with the date of its arrival', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 come back'))
  const said = await s.fromOne(['mary@shared.example'])
  assert.equal(said.code, 250)
  await waiting(s)
  assert.deepEqual(
    (await s.kept()).map((r) => [r.lane, r.attempts, r.trouble, r.reply]),
    [['tenant:two', 1, 'temporary', '450 4.2.1 come back']],
  )
  s.script(undefined)
  s.relay.pass(2 * minute)
  await drained(s)
  const copy = s.two.messages.at(-1)
  assert.match(
    copy?.toString() ?? '',
    /^X-Causeway-Pass:\r\n .*\r\nReceived: from client\.example \(\[127\.0\.0\.1\]\)\r\n\tby gw/,
  )
  assert.match(copy?.toString() ?? '', new RegExp(`id ${/id=(\S+)/.exec(said.text)?.[1]};`))
  assert.deepEqual(
    kinds(s, said).filter((kind) => kind !== 'REWRITE' && kind !== 'SIGN'),
    ['RECEIVE', 'DEFER', 'KEEP', 'SEND'],
  )
  await inBalance(s)
})

test('a dead hop holds up nobody else, its mail goes when it is back, and new mail for it is put without a try', async () => {
  // No pause ends before the clock of the queue is moved, however slow the machine is.
  await using s = await setStage({ times: { firstPauseMs: hour, longestPauseMs: hour } })
  s.script(at('', '421 4.3.2 closed'))
  for (let i = 0; i < 8; i += 1) assert.equal((await s.fromOne(['mary@shared.example'])).code, 250)
  assert.equal((await s.fromNet(['john@shared.example'])).code, 250)
  assert.equal(s.relay.arrived.length, 1)
  assert.equal(s.two.connections.count, 1, 'connections to a hop that is down')
  s.script(undefined)
  s.relay.pass(2 * hour)
  await drained(s)
  assert.equal(s.two.messages.length, 8)
  await inBalance(s)
})

test('the operator is to mend it: a 5xx of a tenant’s own host about the setup is no reason to send mail back', async () => {
  await using s = await setStage()
  s.script(at('MAIL', '550 5.7.64 TenantAttribution; Relay Access Denied'))
  assert.equal((await s.fromNet(['mary@shared.example'])).code, 250)
  await waiting(s)
  const [kept] = await s.kept()
  assert.equal(kept?.trouble, 'operator')
  assert.match(kept.why, /no inbound connector of the tenant matches/)
  const wait = kept.nextAt - s.relay.queue.now()
  assert.ok(wait > 13 * minute && wait < 17 * minute, `tried again in ${wait} ms`)
  assert.equal((await s.relay.queue.lanes())[0]?.trouble, 'operator')
})

test('the reply to the last byte is lost: tried again, and the trace says that it may have arrived', async () => {
  await using s = await setStage()
  let cuts = 1
  s.script((line, talk) => {
    if (line !== '.' || cuts === 0) return undefined
    cuts -= 1
    talk.hangUp()
    return 'silence'
  })
  const said = await s.fromOne(['mary@shared.example'])
  await waiting(s)
  assert.match(s.story(said).find((e) => e.kind === 'DEFER')?.why ?? '', /^unknown outcome/)
  s.relay.pass(2 * minute)
  await drained(s)
  assert.equal(s.two.messages.length, 2, 'one duplicate for one lost reply')
  await inBalance(s)
})

test('some took it, some refused: a tenant’s sender has a report, in the words of who refused', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '550 5.1.1 no mary@two.example here'))
  const said = await s.fromOne(['mary@shared.example', 'x@away.example'])
  assert.equal(said.code, 250)
  await drained(s)
  const report = s.relay.arrived.find((m) => m.mailFrom.text === '')
  assert.deepEqual(
    report?.recipients.map((r) => r.text),
    ['john@one.example'],
  )
  assert.match(report.raw.toString(), /Final-Recipient: rfc822;\s*mary@shared\.example[\s\S]*Status: 5\.1\.1/)
  assert.doesNotMatch(report.raw.toString(), /two\.example/)
  await inBalance(s)
})

test('a report of ours stays as it was written: it names the address that its reader wrote, be it an internal one', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '550 5.1.1 nobody here'))
  assert.equal((await s.fromOne(['mary@two.example', 'x@away.example'])).code, 250)
  await drained(s)
  const report = s.relay.arrived.find((m) => m.mailFrom.text === '')?.raw.toString() ?? ''
  assert.match(report, /\r\nFinal-Recipient: rfc822;\s*mary@two\.example\r\n/)
  const id = /\r\nMessage-ID: <([^@]+)@/.exec(report)?.[1]
  const changes = s.relay.events.filter((e) => e.id === id && e.kind === 'REWRITE')
  assert.deepEqual(changes, [])
})

test('NOTIFY=SUCCESS: where the next hop offers no DSN the sender hears that the trail ends, at once or out of the queue', async () => {
  await using s = await setStage()
  const relayed = () => s.relay.arrived.map((m) => m.raw.toString()).filter((m) => m.includes('Action: relayed'))
  const notify = 'SUCCESS,FAILURE'
  const offersNothing = at('EHLO', '250 two.example')
  s.script(offersNothing)
  // Ann's host is our own listener, which offers DSN: it has the question now.
  const said = await s.fromOne(['mary@shared.example', 'ann@shared.example'], { notify })
  assert.equal(said.code, 250)
  await until('a report', () => relayed().length === 1)
  assert.match(relayed()[0] ?? '', /Final-Recipient: rfc822;\s*mary@shared\.example\r\nAction: relayed\r\nStatus: 2\./)
  assert.doesNotMatch(relayed()[0] ?? '', /ann@|two\.example/)
  s.script((line) => offersNothing(line) ?? at('RCPT', '450 4.2.1 busy')(line))
  await s.fromOne(['mary@shared.example'], { notify })
  await s.fromOne(['mike@shared.example'])
  await s.fromNet(['mike@shared.example'], { notify })
  await waiting(s)
  s.script(offersNothing)
  s.relay.pass(2 * minute)
  await drained(s)
  assert.equal(s.two.messages.filter((m) => m.length > 0).length, 4)
  assert.equal(relayed().length, 2, 'nobody else asked, or may be told')
  await inBalance(s)
})

test('a warning after four hours, once; after two days it comes back, with a report', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 come back'))
  const said = await s.fromOne(['mary@shared.example'])
  const reports = () => s.relay.arrived.filter((m) => m.mailFrom.text === '').map((m) => m.raw.toString())
  for (const hours of [5, 6]) {
    s.relay.pass(hours * hour)
    await until('a report', () => reports().length === 1)
    await waiting(s)
  }
  assert.match(reports()[0] ?? '', /Action: delayed[\s\S]*Status: 4\.2\.1/)
  assert.equal(s.relay.queue.figures.waiting, 1)
  s.relay.pass(40 * hour)
  await drained(s)
  assert.equal(reports().length, 2)
  assert.match(reports()[1] ?? '', /Action: failed[\s\S]*Status: 4\.4\.7/)
  assert.match(s.story(said).at(-1)?.why ?? '', /^reported to its sender as /)
  await inBalance(s)
})

test('each next hop has its own warning: none uses up that of another, least of all one that nobody asked for', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 come back'))
  s.relay.answer(() => ({ code: 450, enhanced: '4.2.1', text: 'come back too' }))
  await s.fromOne(['mary@shared.example', 'x@away.example'])
  await s.fromOne(['mary@shared.example', 'x@away.example'], { notify: 'NEVER' })
  await waiting(s)
  s.relay.answer((mail) => (mail.mailFrom.text === '' ? undefined : { code: 450, enhanced: '4.2.1', text: 'again' }))
  const finals = () =>
    s.relay.arrived.flatMap((m) => /Final-Recipient: rfc822;\s*(\S+)/.exec(m.raw.toString())?.[1] ?? [])
  s.relay.pass(5 * hour)
  await until('two warnings', () => finals().length === 2)
  assert.deepEqual(finals().toSorted(), ['mary@shared.example', 'x@away.example'])
  await waiting(s)
  s.relay.pass(hour)
  await waiting(s)
  assert.equal(finals().length, 2, 'once')
})

test('a warning names a deadline that counts from the release, as the giving up does', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold' })
  await s.fromOne(['mary@shared.example'])
  s.use()
  s.relay.pass(3 * 24 * hour)
  s.script(at('RCPT', '450 4.2.1 busy'))
  const releasedAt = s.relay.queue.now()
  await s.relay.queue.release({ domain: 'shared.example' }, 'ann')
  await waiting(s)
  s.relay.pass(5 * hour)
  await until('a warning', () => s.relay.arrived.length === 1)
  const raw = s.relay.arrived[0]?.raw.toString() ?? ''
  const apart = s.relay.queue.now() - Date.parse(/^Date: (.*?)\r$/m.exec(raw)?.[1] ?? '')
  const tried = Date.parse(/^Will-Retry-Until: (.*?)\r$/m.exec(raw)?.[1] ?? '') + apart
  assert.ok(Math.abs(tried - (releasedAt + 48 * hour)) < 5000, raw)
})

test('what waits for a hop that is down is warned of and comes back without being tried one by one', async () => {
  await using s = await setStage({ times: { overdueMs: 20, firstPauseMs: 30 } })
  s.script(at('', '421 4.3.2 closed'))
  for (let i = 0; i < 5; i += 1) await s.fromOne(['mary@shared.example'])
  const actions = () => s.relay.arrived.map((m) => /Action: (\w+)/.exec(m.raw.toString())?.[1])
  s.relay.pass(5 * hour)
  await until('warnings', () => actions().length === 5)
  s.relay.pass(44 * hour)
  await drained(s)
  assert.deepEqual(
    actions()
      .map(String)
      .toSorted((a, b) => a.localeCompare(b)),
    [...Array(5).fill('delayed'), ...Array(5).fill('failed')],
  )
  await inBalance(s)
})

test('mail of the internet is held when it is refused or too old: nobody is written to', async () => {
  await using s = await setStage()
  s.script((line) =>
    line.startsWith('RCPT') ? (line.includes('mary') ? '550 5.1.1 gone' : '450 4.2.1 busy') : undefined,
  )
  assert.equal((await s.fromNet(['mary@shared.example', 'mike@shared.example'])).code, 250)
  await waiting(s)
  s.relay.pass(49 * hour)
  await until('both held', async () => (await s.states()).every((state) => state.includes('held')))
  assert.deepEqual(await s.states(), ['mary@shared.example held refused', 'mike@shared.example held expired'])
  assert.equal(s.relay.arrived.length, 0)
  s.script(undefined)
  await s.relay.queue.release({ cause: 'expired' }, 'ann')
  await until('mike’s', () => s.two.messages.length > 0)
  await inBalance(s)
})

test('a null sender is told nothing, a report of ours neither: an operator sees them', async () => {
  await using s = await setStage({ deadlineMs: 300 })
  s.script(at('RCPT', '550 5.1.1 gone'))
  s.relay.answer(() => ({ code: 550, enhanced: '5.1.1', text: 'gone too' }))
  await s.fromOne(['mary@shared.example', 'ann@shared.example'], { from: 'john@one.example' })
  assert.deepEqual(await s.states(), [], 'all refused: the sender was told at once')
  s.relay.answer((m) => (m.mailFrom.text === '' ? { code: 550, enhanced: '5.1.1', text: 'gone too' } : undefined))
  await s.fromOne(['mary@shared.example', 'x@away.example'])
  await until('the report held', async () => (await s.states()).join() === 'john@one.example held refused')
  await inBalance(s)
})

test('an operator has mail returned; of a null sender it cannot be, and is held', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  await s.fromOne(['mary@shared.example'])
  await s.fromOne(['mike@shared.example'], { from: '' })
  await waiting(s)
  assert.equal(await s.relay.queue.wishReturn({ state: 'waiting' }, 'ann'), 2)
  await until('the report', () => s.relay.arrived.some((m) => /Action: failed/.test(m.raw.toString())))
  await until('the other held', async () => (await s.states()).join() === 'mike@shared.example held operator')
  await inBalance(s)
})

test('what an operator has returned is told in one report, over whatever next hops it was to go', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  const [busy, isOurs] = [{ code: 450, enhanced: '4.2.1', text: 'busy' }, /Action: failed/]
  s.relay.answer((m) => (m.mailFrom.text === '' ? undefined : busy))
  await s.fromOne(['mary@shared.example', 'x@away.example'])
  await waiting(s)
  assert.equal(new Set((await s.kept()).map(({ lane }) => lane)).size, 2)
  await s.relay.queue.wishReturn({ state: 'waiting' }, 'ann')
  await drained(s)
  const reports = s.relay.arrived.map((m) => m.raw.toString()).filter((text) => isOurs.test(text))
  assert.deepEqual(
    reports.map((text) => [...text.matchAll(/Final-Recipient: rfc822;(\S+)/g)].map(([, address]) => address)),
    [['mary@shared.example', 'x@away.example']],
  )
  await inBalance(s)
})

test('each attempt asks the project as it is now', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  for (const who of ['mary', 'mike']) await s.fromOne([`${who}@shared.example`])
  await waiting(s)
  // Mary moves to tenant one, Mike leaves.
  s.use({ people: ['john@one.example', 'mary@one.example'] })
  s.script(undefined)
  s.relay.pass(2 * minute)
  await drained(s)
  const to = s.relay.arrived.map((m) => m.recipients[0]?.text)
  assert.deepEqual(
    new Set(to),
    new Set(['john@one.example', 'mary@one.example']),
    'mail for Mary, and a report about Mike',
  )
  const all = s.relay.arrived.map((m) => m.raw.toString()).join()
  assert.match(all, /Final-Recipient: rfc822;\s*mike@shared\.example[\s\S]*Diagnostic-Code: x-causeway; 550 5\.1\.1/)
  assert.match(all, /Our server said: 550 5\.1\.1/)
  assert.equal(s.two.messages.filter((m) => m.length > 0).length, 0)
  await inBalance(s)
})

test('the tenant that it came from is gone: it is held, however long, no lane is blamed, and it goes by itself when both are back', async () => {
  await using s = await setStage()
  s.script(at('RCPT', '450 4.2.1 busy'))
  await s.fromOne(['mary@shared.example'])
  await waiting(s)
  s.use({ isOneGone: true })
  s.relay.pass(2 * minute)
  await until('held', async () => (await s.states()).join() === 'mary@shared.example held tenant')
  const [kept] = await s.kept()
  assert.match(kept?.why ?? '', /tenant one, which the project does not have: it goes on by itself/)
  assert.equal(kept?.attempts, 1, 'nothing was tried')
  assert.notEqual((await s.relay.queue.lanes())[0]?.trouble, 'operator')
  s.relay.pass(100 * hour)
  s.use({ isOneGone: true, people: ['mary@two.example'] })
  assert.deepEqual(await s.states(), ['mary@shared.example held tenant'])
  s.script(undefined)
  s.use()
  await drained(s)
  assert.equal(s.two.messages.filter((m) => m.length > 0).length, 1)
  assert.equal(s.relay.arrived.length, 0, 'nobody was told anything')
  await inBalance(s)
})

test('a row that cannot be read is held with the reason, and stops nobody', async () => {
  await using s = await setStage()
  const whole = {
    sender: 'a@x.example',
    peer: 'internet',
    messageId: '',
    subject: '',
    content: [Buffer.from('\r\nx\r\n')],
  }
  const one = {
    domain: 'shared.example',
    facts: '{}',
    lane: 'tenant:two',
    state: 'waiting',
    attempts: 0,
    reply: '',
    why: '',
  } as const
  await s.relay.queue.put({
    ...whole,
    id: 'a',
    envelope: '{"form":7}',
    recipients: [{ ...one, address: 'mary@shared.example' }],
  })
  const kept = { client: aClient, mailFrom: sender('a@x.example'), peer: { kind: 'internet', why: '' } } as const
  const envelope = envelopeText({ ...kept, via: 'DATA', arrivedAt: 0 })
  await s.relay.queue.put({
    ...whole,
    id: 'b',
    envelope,
    recipients: [
      { ...one, address: 'mike@shared.example', facts: '7' },
      { ...one, address: 'mike@shared.example' },
    ],
  })
  s.relay.pass(1)
  await until(
    'two held',
    async () => (await s.states()).length === 2 && (await s.kept()).every((r) => r.state === 'held'),
  )
  const why = (await s.kept()).map((r) => r.why)
  assert.match(why[0] ?? '', /^the envelope in the queue cannot be read/)
  assert.match(why[1] ?? '', /^the recipient in the queue cannot be read/)
  await until('mike’s', () => s.two.messages.length > 0)
})
