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
