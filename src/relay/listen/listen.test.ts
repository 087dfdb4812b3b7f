// A listener on loopback: who comes in, who is sent home, and what a client can do to us. What is said: test/dialogues.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../../../test/support/smtp-client.ts'
import type { Reply } from '../../mail/reply/reply.ts'
import {
  type Backend,
  type Incoming,
  type Listener,
  type ListenOptions,
  listen,
  type Client as Peer,
} from './listen.ts'

const taken: Reply = { code: 250, enhanced: '2.0.0', text: 'taken' }

type Given = { readonly backend?: Partial<Backend> } & Partial<Omit<ListenOptions, 'backend'>>

/** A listener that is gone when the test is. */
async function started(t: TestContext, given: Given = {}): Promise<{ listener: Listener; dial: () => Client }> {
  const listener = await listen({
    hostname: 'gw.example.net',
    addresses: [{ host: '127.0.0.1', port: 0 }],
    secureContext: () => undefined,
    ...given,
    backend: { mail: () => undefined, rcpt: () => undefined, message: () => taken, ...given.backend },
  })
  const clients: Client[] = []
  t.after(async () => {
    for (const client of clients) client.destroy()
    await listener.drain(0)
  })
  const dial = () => {
    const client = new Client(listener.addresses[0]?.port ?? 0)
    clients.push(client)
    return client
  }
  return { listener, dial }
}

async function greeted(client: Client): Promise<Client> {
  assert.match(await client.reply(), /^220 /)
  assert.match(await client.ask('EHLO client.example'), /^250 /)
  return client
}

/** As far as the 354. */
async function inData(client: Client): Promise<Client> {
  await greeted(client)
  for (const command of ['MAIL FROM:<a@x.example>', 'RCPT TO:<b@y.example>', 'DATA']) await client.ask(command)
  return client
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${holds.toString()}`)
    await sleep(5)
  }
}

test('the client as the backend sees it; IPv4 in an IPv6 socket is IPv4', async (t) => {
  const seen: Peer[] = []
  const { listener, dial } = await started(t, {
    addresses: [{ host: '::', port: 0 }],
    backend: {
      connect: (client) => void seen.push(client),
      mail: (client) => void seen.push(client),
    },
  })
  const client = await greeted(dial())
  await client.ask('MAIL FROM:<a@x.example>')
  const [first, second] = seen
  assert.equal(first?.address, '127.0.0.1')
  assert.equal(first.localPort, listener.addresses[0]?.port)
  assert.deepEqual([first.helo, first.esmtp, first.tls], ['', false, undefined])
  assert.deepEqual([second?.helo, second?.esmtp, second?.id], ['client.example', true, first.id])
})

test('the envelope as the backend sees it', async (t) => {
  const seen: unknown[] = []
  const { dial } = await started(t, {
    backend: {
      rcpt: (_client, from, to, sofar) => void seen.push(from.envid, from.size, to.notify, to.orcpt, sofar.length),
      message: (m) => {
        seen.push(...m.recipients.map((r) => [r.text, r.address.text]))
        return taken
      },
    },
  })
  const client = await greeted(dial())
  await client.ask('MAIL FROM:<a@x.example> SIZE=7 ENVID=id+2B1')
  await client.ask('RCPT TO:<b@y.example> NOTIFY=NEVER ORCPT=rfc822;o@y.example')
  await client.ask('RCPT TO:<Postmaster>')
  assert.equal(await client.ask('BDAT 0 LAST'), '250 2.0.0 taken')
  assert.deepEqual(seen, [
    ...['id+2B1', 7, 'NEVER', 'rfc822;o@y.example', 0],
    ...['id+2B1', 7, undefined, undefined, 1],
    ['b@y.example', 'b@y.example'],
    ['postmaster@gw.example.net', 'postmaster@gw.example.net'],
  ])
})

test('a message of many segments arrives whole', async (t) => {
  const received: Buffer[] = []
  const { dial } = await started(t, {
    backend: {
      message: (m) => {
        received.push(m.raw)
        return taken
      },
    },
  })
  const line = `.${'x'.repeat(70)}\r\n`
  const client = await inData(dial())
  client.send(Buffer.from(`\r\n${`.${line}`.repeat(60_000)}.\r\n`))
  assert.equal(await client.reply(), '250 2.0.0 taken')
  assert.equal(received[0]?.toString(), `\r\n${line.repeat(60_000)}`)
})

test('too many connections, from one address or in all', async (t) => {
  const refused: string[] = []
  const backend = { refused: (_: Peer, what: string, reply: Reply) => void refused.push(`${reply.code} ${what}`) }
  const { listener, dial } = await started(t, { limits: { connectionsPerSource: 2 }, backend })
  const [first, second, third] = [dial(), dial(), dial()]
  assert.match(await first.reply(), /^220 /)
  assert.match(await second.reply(), /^220 /)
  assert.match(await third.reply(), /^421 4\.7\.0 /)
  assert.deepEqual(await third.rest(), [])
  assert.deepEqual(refused, ['421 limit connectionsPerSource: 127.0.0.1'])
  assert.equal(listener.limits.connectionsPerSource, 1)
  assert.equal(listener.connections, 2)
  first.destroy()
  await until(() => listener.connections === 1)
  assert.match(await dial().reply(), /^220 /)

  const single = await started(t, { limits: { connectionsPerSource: 1 } })
  for (let round = 0; round < 3; round++) {
    const client = single.dial()
    assert.match(await client.reply(), /^220 /)
    client.destroy()
    await until(() => single.listener.connections === 0)
  }

  const small = await started(t, { limits: { connections: 1 } })
  assert.match(await small.dial().reply(), /^220 /)
  assert.match(await small.dial().reply(), /^421 4\.3\.2 /)
})

test('who talks before the greeting is not listened to', async (t) => {
  const { dial } = await started(t, { backend: { connect: () => sleep(50).then(() => undefined) } })
  const client = dial()
  client.send(Buffer.from('EHLO client.example\r\nMAIL FROM:<a@x.example>\r\n'))
  assert.match(await client.reply(), /^554 5\.5\.0 /)
  assert.deepEqual(await client.rest(), [])
})

test('a port that is taken: listen rejects, and lets the others go', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  const address = other.address()
  assert.ok(address !== null && typeof address !== 'string')
  const addresses = [
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port: address.port },
  ]
  await assert.rejects(started(t, { addresses }), { code: 'EADDRINUSE' })
})

test('drain: the idle are told, a transaction may end, new ones come in nowhere', async (t) => {
  const { listener, dial } = await started(t)
  const idle = await greeted(dial())
  const working = await inData(dial())
  const drained = listener.drain(5000)
  assert.match(await idle.reply(), /^421 4\.3\.2 /)
  assert.deepEqual(await idle.rest(), [])
  await assert.rejects(once(connect(listener.addresses[0]?.port ?? 0, '127.0.0.1'), 'connect'), {
    code: 'ECONNREFUSED',
  })
  working.send(Buffer.from('x\r\n.\r\n'))
  assert.equal(await working.reply(), '250 2.0.0 taken')
  assert.match(await working.reply(), /^421 4\.3\.2 /)
  assert.deepEqual(await working.rest(), [])
  working.halfClose()
  idle.halfClose()
  await drained
  assert.equal(listener.connections, 0)
})

test('drain: before whoever is left is cut the backend knows that he is gone, and what it says then is still heard', async (t) => {
  const tell = Promise.withResolvers<Reply>()
  const inHand: Incoming[] = []
  const message: Backend['message'] = (incoming) => {
    inHand.push(incoming)
    return tell.promise
  }
  const { listener, dial } = await started(t, { backend: { message } })
  const client = await inData(dial())
  client.send(Buffer.from('.\r\n'))
  await until(() => inHand.length === 1)
  assert.equal(inHand[0]?.isGone?.(), false)
  const drained = listener.drain(900)
  await until(() => inHand[0]?.isGone?.() === true)
  tell.resolve({ code: 451, enhanced: '4.3.2', text: 'later' })
  assert.match(await client.reply(), /^451 /)
  await drained
})

test('drain: what does not end in time is cut', async (t) => {
  const { listener, dial } = await started(t)
  const client = await inData(dial())
  await listener.drain(20)
  assert.equal(listener.connections, 0)
  assert.match((await client.rest()).join(''), /^421 4\.3\.2 /)
})

test('a client that vanishes while its message is handled', async (t) => {
  const errors: unknown[] = []
  let finished = false
  const { listener, dial } = await started(t, {
    onError: (error) => errors.push(error),
    backend: {
      message: async () => {
        await sleep(50)
        finished = true
        return taken
      },
    },
  })
  const client = await inData(dial())
  client.send(Buffer.from('x\r\n.\r\n'))
  await sleep(10)
  client.destroy()
  await until(() => finished && listener.connections === 0)
  assert.deepEqual(errors, [])
})

test('a backend that rejects is reported', async (t) => {
  const errors: string[] = []
  const { dial } = await started(t, {
    onError: (error, what) => errors.push(`${what}: ${String(error)}`),
    backend: { mail: () => Promise.reject(new Error('broken')) },
  })
  const client = await greeted(dial())
  assert.match(await client.ask('MAIL FROM:<a@x.example>'), /^451 4\.3\.0 /)
  assert.deepEqual(errors, ['mail: Error: broken'])
})

test('a trace that breaks costs nobody a reply', async (t) => {
  const errors: string[] = []
  const { dial } = await started(t, {
    limits: { connections: 1 },
    onError: (_, what) => errors.push(what),
    backend: {
      refused: () => {
        throw new Error('broken')
      },
    },
  })
  const client = await greeted(dial())
  assert.match(await client.ask('NONSENSE'), /^500 /)
  assert.match(await dial().reply(), /^421 /)
  assert.match(await client.ask('NOOP'), /^250 /)
  assert.deepEqual(errors, ['refused', 'refused'])
})

test('while the backend works, the client is not read without bound', async (t) => {
  let release = () => {}
  const handled = new Promise<void>((resolve) => {
    release = resolve
  })
  const { listener, dial } = await started(t, { backend: { message: () => handled.then(() => taken) } })
  const client = await inData(dial())
  client.send(Buffer.from('x\r\n.\r\n'))
  const noops = 4_000_000
  client.send(Buffer.from('NOOP\r\n'.repeat(noops)))
  await sleep(100)
  // What is neither with us nor in the buffers of the system (a few megabytes) still waits at the client.
  assert.ok(client.unsent > 8_000_000, `${client.unsent} bytes unsent`)
  release()
  assert.equal(await client.reply(), '250 2.0.0 taken')
  client.destroy()
  await until(() => listener.connections === 0)
})

test('what is answered already is told before a message takes its time', async (t) => {
  const { dial } = await started(t, { backend: { message: () => new Promise(() => {}) } })
  const client = await greeted(dial())
  client.send(Buffer.from('MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nBDAT 0 LAST\r\n'))
  assert.match(await client.reply(), /^250 2\.1\.0 /)
  assert.match(await client.reply(), /^250 2\.1\.5 /)
})

test('a client that has closed its side is let go at once', async (t) => {
  const { listener, dial } = await started(t)
  const client = await greeted(dial())
  client.halfClose()
  await until(() => listener.connections === 0)
})

// Slow clients (RFC 5321 section 4.5.3.2). The times are short, so that the test is.

test('slow: says nothing', async (t) => {
  const refused: string[] = []
  const backend = { refused: (_: Peer, what: string) => void refused.push(what) }
  const { dial } = await started(t, { limits: { strangerIdleMs: 40 }, backend })
  const client = dial()
  assert.match(await client.reply(), /^220 /)
  assert.match(await client.reply(), /^421 4\.4\.2 /)
  assert.deepEqual(await client.rest(), [])
  assert.deepEqual(refused, ['too slow: command'])
})

test('slow: known by a recipient, it may be silent for longer', async (t) => {
  const { dial } = await started(t, { limits: { strangerIdleMs: 40, idleMs: 5000 } })
  const client = await greeted(dial())
  await client.ask('MAIL FROM:<a@x.example>')
  await client.ask('RCPT TO:<b@y.example>')
  await sleep(150)
  assert.match(await client.ask('NOOP'), /^250 /)
})

/** One byte after another until the connection ends. */
async function trickle(client: Client, bytes: string): Promise<void> {
  for (const byte of bytes) {
    client.send(Buffer.from(byte))
    await sleep(5)
    if (client.unread().length > 0) return
  }
}

test('slow: a command byte by byte', async (t) => {
  const { dial } = await started(t, { limits: { commandMs: 60 } })
  const client = await greeted(dial())
  await trickle(client, `NOOP ${'x'.repeat(500)}`)
  assert.match(await client.reply(), /^421 4\.4\.2 /)
})

test('slow: content byte by byte', async (t) => {
  let messages = 0
  const message = () => {
    messages++
    return taken
  }
  const { dial } = await started(t, { limits: { rateWindowMs: 60, rateBytes: 1000 }, backend: { message } })
  const client = await inData(dial())
  await trickle(client, 'x'.repeat(500))
  assert.match(await client.reply(), /^421 4\.4\.2 /)
  assert.equal(messages, 0)
})

test('slow: pipelines and never reads', async (t) => {
  const refused: string[] = []
  const backend = { refused: (_: Peer, what: string) => void refused.push(what) }
  // The system's buffers hold far fewer replies than this; who obeys more commands keeps the replies in memory.
  const limits = { writeStallMs: 700, idleCommands: 300_000, errors: 0 }
  const { listener } = await started(t, { limits, backend })
  const deaf = connect(listener.addresses[0]?.port ?? 0, '127.0.0.1').pause()
  deaf.on('error', () => {})
  t.after(() => deaf.destroy())
  deaf.write('VRFY\r\n'.repeat(1_000_000))
  await until(() => listener.connections === 1)
  await until(() => listener.connections === 0)
  assert.deepEqual(refused, ['too slow: replies not read'])
})

test('too many recipients are no mistake: after a thousand times 452 the first thousand get their message', async (t) => {
  const got: number[] = []
  const message: Backend['message'] = ({ recipients }) => {
    got.push(recipients.length)
    return taken
  }
  const { dial } = await started(t, { backend: { message } })
  const client = await greeted(dial())
  await client.ask('MAIL FROM:<a@x.example>')
  client.send(Buffer.from('RCPT TO:<b@y.example>\r\n'.repeat(2000)))
  const codes: string[] = []
  for (let i = 0; i < 2000; i++) codes.push((await client.reply()).slice(0, 3))
  assert.deepEqual(codes, [...Array<string>(1000).fill('250'), ...Array<string>(1000).fill('452')])
  assert.match(await client.ask('DATA'), /^354 /)
  assert.match(await client.ask('.'), /^250 /)
  assert.deepEqual(got, [1000])
})
