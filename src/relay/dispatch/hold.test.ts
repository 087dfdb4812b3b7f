import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type QueueStage, setStage, until } from '../../../test/support/queue-stage.ts'

const minute = 60_000
const day = 24 * 60 * minute

const inBalance = async (s: QueueStage) => assert.equal((await s.relay.account()).wrong, 0)
const drained = (s: QueueStage) => until('an empty queue', async () => (await s.states()).length === 0)
/** Bodies that tenant two has, in the order of arrival. */
const bodies = (s: QueueStage) =>
  s.two.messages.map((m) => m.toString().split('\r\n\r\n')[1]?.trim() ?? '').filter(Boolean)

test('postmaster without a domain is kept like everybody, and goes to the first tenant', async () => {
  await using s = await setStage()
  s.use({ isOneGone: true })
  s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 busy' : undefined))
  assert.equal((await s.fromNet(['postmaster'])).code, 250)
  await until('waiting', async () => (await s.states()).join() === 'postmaster@gw.example.net waiting')
  s.script(undefined)
  s.relay.pass(2 * minute)
  await drained(s)
  assert.equal(bodies(s).length, 1)
  assert.ok(s.two.lines.some((line) => line.includes('RCPT TO:<postmaster@two.example>')))
  await inBalance(s)
})

test('hold: mail is taken and kept, others of the message have it, unknown people are refused; age is nothing', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold' })
  const said = await s.fromOne(['mary@shared.example', 'x@away.example', 'nobody@shared.example'])
  assert.deepEqual([said.code, said.recipients], [250, [250, 250, 550]])
  assert.equal(s.relay.arrived.length, 1, 'x@away.example has it')
  assert.deepEqual(await s.states(), ['mary@shared.example held domain'])
  assert.deepEqual(
    s
      .story(said)
      .filter((e) => e.kind === 'HOLD')
      .map((e) => [e.recipients?.[0], e.why]),
    [['mary@shared.example', 'shared.example is in mode hold']],
  )
  s.relay.pass(30 * day)
  assert.equal((await s.fromNet(['mike@shared.example'])).code, 250)
  assert.deepEqual(await s.states(), ['mary@shared.example held domain', 'mike@shared.example held domain'])
  await inBalance(s)
})

test('what waits when its domain is put on hold is held at its next attempt; let go by hand it is not held again', async () => {
  await using s = await setStage()
  s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 busy' : undefined))
  await s.fromOne(['mary@shared.example'])
  await until('waiting', async () => (await s.states()).join() === 'mary@shared.example waiting')
  s.use({ mode: 'hold' })
  s.relay.pass(2 * minute)
  await until('held', async () => (await s.states()).join() === 'mary@shared.example held domain')
  s.script(undefined)
  await s.relay.queue.release({ domain: 'shared.example' }, 'ann')
  await drained(s)
  assert.equal(bodies(s).length, 1)
  await inBalance(s)
})

/** Some ticks after so much time. */
async function ordersAfter(s: QueueStage, ms: number, orders: number, why: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 60))
  s.relay.pass(ms)
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal((await s.relay.queue.releaseOrders()).length, orders, why)
}

test('a release order lets everything go, in the order of arrival, at its rate', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold' })
  for (let i = 1; i <= 6; i += 1) await s.fromOne(['mary@shared.example'], { body: `${i}\n` })
  await s.relay.queue.orderRelease({ domain: 'shared.example', whenAccepted: false, perMinute: 60, by: 'ann' })
  await until('the first', () => bodies(s).length === 1)
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(bodies(s).length, 1, 'one in a second')
  for (let n = 2; n <= 6; n += 1) {
    s.relay.pass(1000)
    await until(`number ${n}`, () => bodies(s).length >= n)
  }
  assert.deepEqual(bodies(s), ['1', '2', '3', '4', '5', '6'])
  const [order] = await s.relay.queue.releaseOrders()
  assert.equal(order?.released, 6)
  await drained(s)
  await ordersAfter(s, 3 * minute, 1, 'on hold it stands')
  s.use()
  await ordersAfter(s, 30_000, 1, 'what came before may be on its way')
  await ordersAfter(s, minute, 0, 'it has ended by itself')
  assert.match(s.relay.events.find((e) => e.kind === 'RELEASE')?.why ?? '', /by the order of ann/)
  await drained(s)
  await inBalance(s)
})

test('when accepted: a probe asks, and those go whom the next hop takes; the others are asked for again later', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold' })
  s.script((line) => (line.startsWith('RCPT') && line.includes('mike') ? '550 5.1.10 not found' : undefined))
  for (const who of ['mary', 'mike', 'mary']) await s.fromNet([`${who}@shared.example`])
  await s.relay.queue.orderRelease({ domain: 'shared.example', whenAccepted: true, perMinute: 6000, by: 'ann' })
  await until('Mary’s two', async () => (await s.states()).join() === 'mike@shared.example held domain')
  assert.equal(bodies(s).length, 2)
  const rcpts = () => s.two.lines.filter((line) => line.includes('mike')).length
  await new Promise((resolve) => setTimeout(resolve, 150))
  assert.equal(rcpts(), 1, 'an address that is not there is not asked for all the time')
  s.script(undefined)
  s.relay.pass(61_000)
  await drained(s)
  const [order] = await s.relay.queue.releaseOrders()
  assert.deepEqual([order?.released, order?.notAccepted], [3, 1])
  assert.deepEqual(
    order?.noes.map(({ kind, count }) => [kind, count]),
    [['refused', 1]],
  )
  assert.match(order?.noes[0]?.words ?? '', /550 5\.1\.10 not found/)
  assert.ok(s.two.lines.filter((line) => line.endsWith('RSET')).length > 0)
  await inBalance(s)
})

test('when accepted: an address that is there by now is not asked for in the middle of a pass, so nothing overtakes', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold' })
  let isMikeThere = false
  s.script((line) => {
    if (line === 'RCPT TO:<mike@two.example>') return isMikeThere ? undefined : '550 5.1.10 not found'
    if (line.startsWith('RCPT') && !isMikeThere) s.relay.pass(61_000)
    isMikeThere ||= line.startsWith('RCPT')
    return undefined
  })
  // 100 rows are looked at in one step: Mike's are there when the second hundred begins.
  for (let i = 1; i <= 100; i += 1) await s.fromNet(['mike@shared.example'], { body: `${i}\n` })
  await s.fromNet(['mary@shared.example'], { body: 'Mary\n' })
  await s.fromNet(['mike@shared.example'], { body: '101\n' })
  await s.relay.queue.orderRelease({ domain: 'shared.example', whenAccepted: true, perMinute: 60, by: 'ann' })
  await until('Mary’s', () => bodies(s).length === 1)
  s.relay.pass(1000)
  await until('the first of Mike', () => bodies(s).length >= 2)
  assert.equal(bodies(s)[1], '1')
})

test('when accepted: a silent hop stops the order of its own domain alone', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold', otherMode: 'hold' })
  s.script((line) => (line.startsWith('RCPT') ? 'silence' : undefined))
  for (const who of ['mary', 'mike']) await s.fromNet([`${who}@shared.example`])
  await s.fromNet(['john@other.example'])
  await s.relay.queue.orderRelease({ domain: 'shared.example', whenAccepted: true, perMinute: 6000, by: 'ann' })
  await until('the question', () => s.two.lines.some((line) => line.includes('RCPT')))
  await s.relay.queue.orderRelease({ domain: 'other.example', whenAccepted: false, perMinute: 6000, by: 'ann' })
  const before = performance.now()
  await until('the other domain', () => s.relay.arrived.length === 1)
  assert.ok(performance.now() - before < 2000, 'nobody waited for the silent one')
})

test('when accepted: a hop that is down, or says not now, is told apart from one that does not know the address', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold' })
  await s.fromNet(['mary@shared.example'])
  const kinds = async () => (await s.relay.queue.releaseOrders())[0]?.noes.map(({ kind }) => kind).join()
  s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 busy' : undefined))
  await s.relay.queue.orderRelease({ domain: 'shared.example', whenAccepted: true, perMinute: 6000, by: 'ann' })
  await until('not now', async () => (await kinds()) === 'later')
  s.script(() => '421 4.3.2 closed')
  s.relay.pass(61_000)
  await until('nobody there', async () => (await kinds()) === 'later,unreached')
})

test('when accepted: "not now" to one address is no answer for the next; to slow down is one for all', async () => {
  await using s = await setStage()
  s.use({ mode: 'hold' })
  for (const who of ['mary', 'mike', 'john']) await s.fromNet([`${who}@shared.example`])
  const askedAtOnce = async () => {
    await s.relay.queue.orderRelease({ domain: 'shared.example', whenAccepted: true, perMinute: 6000, by: 'ann' })
    s.relay.pass(61_000)
    const asked = async () => (await s.relay.queue.releaseOrders())[0]?.asked ?? 0
    await until('an answer', async () => (await asked()) > 0)
    return asked()
  }
  s.script((line) => (line.startsWith('RCPT') ? '450 4.7.1 greylisted, try again in five minutes' : undefined))
  assert.ok((await askedAtOnce()) > 1)
  s.script((line) => (line.startsWith('RCPT') ? '451 4.7.500 slow down' : undefined))
  assert.equal(await askedAtOnce(), 1)
})

test('retry-later: 451 at RCPT, and the ledger has it first; who comes back after it is known', async () => {
  await using s = await setStage()
  s.use({ mode: 'retry-later' })
  for (let i = 0; i < 2; i += 1) {
    const said = await s.fromNet(['mary@shared.example'])
    assert.deepEqual([said.code, said.recipients], [451, [451]])
  }
  const rows = () => s.relay.queue.attempts('shared.example', { limit: 10 })
  const [row, ...others] = await rows()
  assert.deepEqual(others, [])
  assert.deepEqual(
    [row?.sender, row?.recipient, row?.firstAddress, row?.helo, row?.tls, row?.count, row?.cameBackAt],
    ['zoe@away.example', 'mary@shared.example', '127.0.0.2', 'client.example', '', 2, undefined],
  )
  s.use()
  assert.equal((await s.fromNet(['mary@shared.example'])).code, 250)
  await until('the ledger', async () => (await rows())[0]?.cameBackAt !== undefined)
  await inBalance(s)
})

test('retry-later: who is delivered to beside one who is refused has come back, and so have all whose sender was told no', async () => {
  await using s = await setStage()
  const everybody = ['mary@shared.example', 'mike@shared.example', 'nobody@shared.example']
  s.use({ mode: 'retry-later' })
  await s.fromNet(everybody)
  const waiting = async () =>
    (await s.relay.queue.attempts('shared.example', { limit: 10 })).flatMap((row) =>
      row.cameBackAt === undefined ? row.recipient : [],
    )
  assert.deepEqual(await waiting(), everybody)
  s.use()
  s.script((line) => (line.startsWith('RCPT') && line.includes('mike') ? '550 5.2.1 disabled' : undefined))
  const said = await s.fromNet(everybody)
  assert.deepEqual([said.code, said.recipients], [554, [250, 250, 550]])
  await until('nobody who waits', async () => (await waiting()).length === 0)
  await inBalance(s)
})

test('a mode that changes between RCPT and DATA: nobody of a message that is 451 was sent it, or has it in the queue', async () => {
  await using s = await setStage()
  s.relay.hooks.beforeMessage = () => s.use({ mode: 'retry-later' })
  const said = await s.fromNet(['mary@shared.example', 'john@shared.example'])
  assert.deepEqual([said.code, said.recipients], [451, [250, 250]])
  assert.deepEqual([s.relay.arrived.length, bodies(s).length, await s.states()], [0, 0, []])
  assert.equal((await s.relay.queue.attempts('shared.example', { limit: 10 })).length, 2)
  s.relay.hooks.beforeMessage = undefined
  s.use()
  assert.equal((await s.fromNet(['mary@shared.example', 'john@shared.example'])).code, 250)
  assert.deepEqual([s.relay.arrived.length, bodies(s).length], [1, 1])
  await inBalance(s)
})

test('what waits for a domain in retry-later stays, and goes when it is open', async () => {
  await using s = await setStage()
  s.script((line) => (line.startsWith('RCPT') ? '450 4.2.1 busy' : undefined))
  await s.fromOne(['mary@shared.example'])
  await until('waiting', async () => (await s.states()).join() === 'mary@shared.example waiting')
  s.use({ mode: 'retry-later' })
  s.script(undefined)
  s.relay.pass(3 * 60 * minute)
  await until('the reason', async () => /retry-later/.test((await s.kept())[0]?.why ?? ''))
  assert.equal(s.relay.arrived.length, 0, 'nothing was reported')
  s.use()
  s.relay.pass(6 * minute)
  await drained(s)
  await inBalance(s)
})
