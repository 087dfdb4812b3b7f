// What each may take of the listener, met on real connections. Sources are those that a balancer names.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { issue } from '../../../test/support/certificates.ts'
import { border, type Given, taken, until } from '../../../test/support/small-listener.ts'
import type { Reply } from '../../mail/reply/reply.ts'
import type { Backend, Client, Standing } from './listen.ts'

const tenants: Readonly<Record<string, string>> = { '203.0.113.1': 'contoso', '203.0.113.2': 'fabrikam' }

const standing = (client: Client): Standing => {
  const name = tenants[client.address]
  return name === undefined ? { kind: 'internet' } : { kind: 'tenant', name }
}

const behindBalancer = (t: TestContext, given: Given) =>
  border(t, { isBalancer: () => true, ...given, backend: { standing, ...given.backend } })

test('strangers fill their part; a tenant still comes in, and they do again when one has left', async (t) => {
  const { listener, refused, dial } = await behindBalancer(t, { limits: { connections: 5 } })
  const strangers = [1, 2, 3, 4].map((n) => dial(`192.0.2.${n}`))
  for (const stranger of strangers) assert.match(await stranger.reply(), /^220 /)
  assert.equal(await dial('192.0.2.5').reply(), '421 4.3.2 too many connections from the internet, try again later')
  assert.match(await dial('203.0.113.1').reply(), /^220 /)
  assert.deepEqual(refused, ['192.0.2.5 limit connectionsOfInternet: 192.0.2.5'])
  assert.equal(listener.limits.connectionsOfInternet, 1)
  strangers[0]?.destroy()
  await until(() => listener.connections === 4)
  assert.match(await dial('192.0.2.5').reply(), /^220 /)
})

test('each limit on connections has its words, its counter and its line in the trace', async (t) => {
  const limits = { connections: 8, connectionsPerTenant: 1, connectionRatePerSource: 2 }
  const { listener, refused, dial } = await behindBalancer(t, { limits })
  assert.match(await dial('203.0.113.1').reply(), /^220 /)
  assert.equal(await dial('203.0.113.1').reply(), '421 4.7.0 too many connections from your tenant, try again later')
  for (let i = 0; i < 2; i++) assert.match(await dial('192.0.2.1').reply(), /^220 /)
  const words = '421 4.7.0 too many connections in a minute from your address, try again later'
  for (let i = 0; i < 2; i++) assert.equal(await dial('192.0.2.1').reply(), words)
  assert.deepEqual(refused, [
    '203.0.113.1 limit connectionsPerTenant: tenant contoso',
    '192.0.2.1 limit connectionRatePerSource: 192.0.2.1', // and once only: a flood of refusals is not a flood of the trace
  ])
  assert.deepEqual([listener.limits.connectionsPerTenant, listener.limits.connectionRatePerSource], [1, 2])
})

test('a tenant that shows itself in TLS comes in although the internet is full; who shows nothing is told at MAIL', async (t) => {
  const ours = issue({ names: ['gw.example.net'] })
  const theirs = issue({ names: ['tenant.example'] })
  const backend: Partial<Backend> = {
    standing: ({ tls }) =>
      tls?.peerChain[0]?.equals(theirs.der) === true
        ? { kind: 'tenant', name: 'contoso' }
        : { kind: 'internet', mayProve: tls === undefined },
  }
  const secureContext = () => ({ key: ours.key, cert: ours.cert })
  const limits = { connectionsOfInternet: 1, connectionsToProve: 1 }
  const { dial, greeted, listener } = await border(t, { secureContext, limits, backend })
  await greeted()
  const stranger = await greeted()
  assert.match(await dial().reply(), /^421 4\.3\.2 too many connections from the internet/)
  assert.match(await stranger.ask('MAIL FROM:<a@x.example>'), /^421 4\.3\.2 too many connections from the internet/)
  stranger.destroy()
  await until(() => listener.connections === 1)
  for (let i = 0; i < 3; i++) {
    const tenant = await greeted()
    await tenant.ask('STARTTLS')
    await tenant.secure({ key: theirs.key, cert: theirs.cert })
    await tenant.ask('EHLO tenant.example')
    assert.match(await tenant.ask('MAIL FROM:<a@x.example>'), /^250 /)
  }
})

test('a place to prove oneself is for as long as a handshake', async (t) => {
  const limits = { connectionsOfInternet: 1, connectionsToProve: 1, handshakeMs: 60 }
  const backend: Partial<Backend> = { standing: () => ({ kind: 'internet', mayProve: true }) }
  const { greeted, listener } = await border(t, { limits, backend })
  const [settled, idle] = [await greeted(), await greeted()]
  assert.match(await idle.reply(), /^421 4\.3\.2 too many connections from the internet/)
  assert.match(await settled.ask('NOOP'), /^250 /)
  assert.equal(listener.limits.connectionsToProve, 1)
})

test('bytes in transfer: told at MAIL when declared, after the true end when not; given back with the answer', async (t) => {
  const answers: ((reply: Reply) => void)[] = []
  const message = () => new Promise<Reply>((resolve) => void answers.push(resolve))
  const limits = { messageBytes: 1000, transferBytes: 10_000, transferBytesPerSource: 1500 }
  const { listener, refused, greeted, inData } = await behindBalancer(t, { limits, backend: { message } })
  const first = await inData('192.0.2.1')
  first.send(Buffer.from(`\r\n${'x'.repeat(900)}\r\n.\r\n`))
  await until(() => answers.length === 1)

  const words = '452 4.3.1 too many bytes in transfer from your address, try again later'
  const second = await greeted('192.0.2.1')
  assert.equal(await second.ask('MAIL FROM:<a@x.example> SIZE=700'), words)
  await second.ask('MAIL FROM:<a@x.example> SIZE=10')
  await second.ask('RCPT TO:<b@y.example>')
  await second.ask('DATA')
  second.send(Buffer.from(`\r\n${'x'.repeat(700)}\r\n.\r\n`))
  assert.equal(await second.reply(), words)
  assert.match(await (await greeted('192.0.2.2')).ask('MAIL FROM:<a@x.example> SIZE=700'), /^250 /)
  assert.deepEqual(refused, Array(2).fill('192.0.2.1 limit transferBytesPerSource'))
  assert.equal(listener.limits.transferBytesPerSource, 2)

  // The client that went away does not make room: its message is still being handled.
  first.destroy()
  assert.equal(await second.ask('MAIL FROM:<a@x.example> SIZE=700'), words)
  answers[0]?.(taken)
  await until(() => answers.length === 1)
  assert.match(await second.ask('MAIL FROM:<a@x.example> SIZE=700'), /^250 /)
})

test('bytes of a message that is broken off, reset or refused are given back', async (t) => {
  const limits = { messageBytes: 1000, transferBytes: 1000, headerFieldBytes: 200 }
  const backend: Partial<Backend> = {
    message: () => {
      throw new Error('broken')
    },
  }
  const { greeted, inData, listener } = await border(t, { limits, backend })
  const gone = await inData()
  gone.send(Buffer.from(`\r\n${'x'.repeat(900)}`))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const client = await greeted()
  assert.match(await client.ask('MAIL FROM:<a@x.example> SIZE=900'), /^452 4\.3\.1 too many bytes in transfer in all/)
  gone.destroy()
  await until(() => listener.connections === 1)
  const content = [`\r\n${'x'.repeat(900)}\r\n.\r\n`, `A: ${'x'.repeat(900)}\r\n.\r\n`]
  for (const [i, code] of [/^451 4\.3\.0 /, /^552 5\.3\.4 /].entries()) {
    await client.ask('MAIL FROM:<a@x.example>')
    await client.ask('RCPT TO:<b@y.example>')
    await client.ask('DATA')
    client.send(Buffer.from(content[i] ?? ''))
    assert.match(await client.reply(), code)
  }
  for (const command of ['RSET', 'EHLO client.example']) {
    await client.ask('MAIL FROM:<a@x.example>')
    await client.ask('RCPT TO:<b@y.example>')
    client.send(Buffer.from(`BDAT 900\r\n${'x'.repeat(100)}\r\n${'y'.repeat(100)}\r\n\r\n${'z'.repeat(694)}`))
    assert.match(await client.reply(), /^250 /)
    assert.match(await client.ask(command), /^250 /)
  }
  assert.match(await client.ask('MAIL FROM:<a@x.example> SIZE=1000'), /^250 /)
})

test('whoever asks for one unknown recipient after another waits, for those who exist as well', async (t) => {
  const unknown: Reply = { code: 550, enhanced: '5.1.1', text: 'no such recipient here' }
  const rcpt: Backend['rcpt'] = (_client, _from, to) => (to.text.startsWith('known') ? undefined : unknown)
  const limits = { unknownRecipients: 3, tarpitMs: 120 }
  const { listener, greeted } = await behindBalancer(t, { limits, backend: { rcpt } })
  const harvester = await greeted('192.0.2.1')
  await harvester.ask('MAIL FROM:<a@x.example>')
  const took = async (client: typeof harvester, who: string) => {
    const since = performance.now()
    await client.ask(`RCPT TO:<${who}@y.example>`)
    return performance.now() - since
  }
  for (let i = 0; i < 4; i++) assert.ok((await took(harvester, 'nobody')) < 100)
  for (const who of ['nobody', 'known', 'nobody']) assert.ok((await took(harvester, who)) >= 118)
  const again = await greeted('192.0.2.1')
  await again.ask('MAIL FROM:<a@x.example>')
  assert.ok((await took(again, 'known')) >= 118, 'a new connection is the same source')
  for (const other of ['192.0.2.2', '203.0.113.1']) {
    const client = await greeted(other)
    await client.ask('MAIL FROM:<a@x.example>')
    assert.ok((await took(client, 'known')) < 100, other)
  }
  assert.equal(listener.limits.unknownRecipients, 4)
})

for (const [who, answers] of [
  ['nobody', 4 + 21],
  ['known', 4 + 100 + 21],
] as const)
  test(`a place is not kept by waiting, whatever was sent at once: ${who}`, async (t) => {
    const unknown: Reply = { code: 550, enhanced: '5.1.1', text: 'no such recipient here' }
    const rcpt: Backend['rcpt'] = (_client, _from, to) => (to.text.startsWith('known') ? undefined : unknown)
    const limits = { unknownRecipients: 3, tarpitMs: 2 }
    const { listener, greeted } = await behindBalancer(t, { limits, backend: { rcpt } })
    const harvester = await greeted('192.0.2.1')
    await harvester.ask('MAIL FROM:<a@x.example>')
    const lines = [...Array(4).fill('RCPT TO:<nobody@y.example>'), ...Array(400).fill(`RCPT TO:<${who}@y.example>`)]
    harvester.send(Buffer.from(`${lines.join('\r\n')}\r\n`))
    const replies = await harvester.rest()
    assert.equal(replies.filter((reply) => /^[25]50 /.test(reply)).length, answers)
    assert.match(replies.findLast((reply) => reply !== '') ?? '', /^421 4\.7\.0 too many errors/)
    assert.equal(listener.limits.errors, 1)
  })

test('a tenant is not slowed by its unknown recipients', async (t) => {
  const unknown: Reply = { code: 550, enhanced: '5.1.1', text: 'no such recipient here' }
  const { listener, greeted } = await behindBalancer(t, {
    limits: { unknownRecipients: 1 },
    backend: { rcpt: () => unknown },
  })
  const client = await greeted('203.0.113.1')
  await client.ask('MAIL FROM:<a@x.example>')
  for (let i = 0; i < 20; i++) await client.ask('RCPT TO:<nobody@y.example>')
  assert.equal(listener.limits.unknownRecipients, 0)
})

test('a backend that cannot tell who it is: a stranger, and its error is reported', async (t) => {
  const errors: string[] = []
  const { greeted } = await border(t, {
    onError: (_, what) => errors.push(what),
    backend: {
      standing: () => {
        throw new Error('broken')
      },
    },
  })
  await greeted()
  assert.deepEqual(errors, ['standing'])
})
