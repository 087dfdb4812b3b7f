import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bench } from './for-tests.ts'

test('the ledger says who was asked to come back, how often, and who did', async () => {
  await using b = await bench()
  const attempt = (at: number, address: string, recipientAddress = 'bob@contoso.example') =>
    b.queue.attempted({
      domain: 'contoso.example',
      at,
      address,
      helo: 'mail.other.example',
      tls: 'TLSv1.3',
      sender: 'dave@other.example',
      recipient: recipientAddress,
    })
  await attempt(1000, '192.0.2.1')
  await attempt(2000, '192.0.2.2', 'BOB@contoso.example')
  await attempt(1500, '192.0.2.1', 'carol@contoso.example')
  assert.equal(b.queue.figures.oldestAttemptAt, 1000)
  b.queue.cameBack('Dave@other.example', 'bob@contoso.example', 3000)
  const queue = await b.reopen()
  const [bob, carol] = await queue.attempts('contoso.example', { limit: 9 })
  assert.deepEqual(bob, {
    id: '1',
    sender: 'dave@other.example',
    recipient: 'bob@contoso.example',
    firstAddress: '192.0.2.1',
    lastAddress: '192.0.2.2',
    helo: 'mail.other.example',
    tls: 'TLSv1.3',
    firstAt: 1000,
    lastAt: 2000,
    count: 2,
    cameBackAt: 3000,
  })
  assert.equal(carol?.cameBackAt, undefined)
  assert.equal(queue.figures.oldestAttemptAt, 1500)
  assert.equal(queue.figures.attemptPairs, 2)
  assert.deepEqual(await queue.attempts('contoso.example', { limit: 9, after: '2' }), [])
  await queue.sweep()
  assert.equal(queue.figures.attemptPairs, 0, 'it was long ago')
})

test('an attempt that was asked again after it came back begins anew', async () => {
  await using b = await bench()
  const attempt = { domain: 'contoso.example', helo: '', tls: '', sender: '', recipient: 'bob@contoso.example' }
  await b.queue.attempted({ ...attempt, at: 1000, address: '192.0.2.1' })
  b.queue.cameBack('', 'bob@contoso.example', 2000)
  await b.queue.attempted({ ...attempt, at: 3000, address: '192.0.2.9' })
  const [row] = await b.queue.attempts('contoso.example', { limit: 9 })
  assert.deepEqual(
    [row?.firstAt, row?.lastAt, row?.count, row?.firstAddress, row?.cameBackAt],
    [3000, 3000, 1, '192.0.2.9', undefined],
  )
})

test('who comes back under a bounce address made anew is known again by what stays of it', async () => {
  await using b = await bench()
  const to = { domain: 'contoso.example', recipient: 'bob@contoso.example' }
  const pairs: readonly (readonly [asked: string, back: string, isKnown: boolean])[] = [
    ['news+bob=contoso.example@lists.example', 'news-7+bob=contoso.example@lists.example', true],
    ['news+a=b.example@one.example', 'news+a=b.example@two.example', false],
    ['SRS0=ab1x=Q5=home.example=ann@fwd.example', 'srs0=zz9y=R7=home.example=ann@fwd.example', true],
    ['SRS0=ab1x=Q5=home.example=joe@fwd.example', 'SRS0=zz9y=R7=home.example=kim@fwd.example', false],
    ['prvs=1234567890=eve@batv.example', 'prvs=0987654321=eve@batv.example', true],
    ['prvs=1234567890=ida@batv.example', 'prvs=1234567890=max@batv.example', false],
    ['bounce-20981234-7@mailer.example', 'bounce-20981299-12@mailer.example', true],
    ['0100018c9f3ad1e2-00ab@ses.example', '0100018c9f3bffff-00cd@ses.example', true],
    ['john1@people.example', 'john2@people.example', false],
    ['ann@people.example', 'bob@people.example', false],
    ['', 'news+x=y.example@lists.example', false],
  ]
  for (const [i, [sender]] of pairs.entries())
    await b.queue.attempted({ ...to, at: 1000 + i, address: '192.0.2.1', helo: '', tls: '', sender })
  for (const [i, [, back]] of pairs.entries()) b.queue.cameBack(back, to.recipient, 2000 + i)
  const rows = await b.queue.attempts(to.domain, { limit: 99 })
  assert.deepEqual(
    rows.map(({ sender, cameBackAs, cameBackAt }) => [sender, cameBackAs, cameBackAt]),
    pairs.map(([asked, back, isKnown], i) => [asked, isKnown ? back : undefined, isKnown ? 2000 + i : undefined]),
  )
})

test('who was taken for another of its family and then comes back itself has come back itself; others are not meant then', async () => {
  await using b = await bench()
  const to = { domain: 'contoso.example', recipient: 'bob@contoso.example' }
  const sender = (n: number) => `bounce-${10_000 + n}@mailer.example`
  const asked = (n: number) =>
    b.queue.attempted({ ...to, at: n, address: '192.0.2.1', helo: '', tls: '', sender: sender(n) })
  const seen = async () =>
    (await b.queue.attempts(to.domain, { limit: 9 })).map((row) => row.cameBackAs ?? row.cameBackAt)
  await asked(1)
  b.queue.cameBack(sender(9), to.recipient, 100)
  assert.deepEqual(await seen(), [sender(9)])
  await asked(2)
  b.queue.cameBack(sender(1), to.recipient, 200)
  b.queue.cameBack(sender(1), to.recipient, 300)
  assert.deepEqual(await seen(), [200, undefined])
  await asked(1)
  assert.deepEqual(await seen(), [undefined, undefined])
})
