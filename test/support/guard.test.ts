import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import dns, { promises as dnsPromises, lookup } from 'node:dns'
import { once } from 'node:events'
import net from 'node:net'
import { after, test } from 'node:test'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import './guard.ts'

// 192.0.2.0/24 and 2001:db8::/32 are for documentation (RFC 5737, RFC 3849): were the guard absent, nobody would be troubled.
const refused = { code: 'ERR_OUTSIDE' }

// A client that hangs up at once is no failure of this server's.
const server = net.createServer((socket) => socket.on('error', () => {}).end('here'))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => server.close())
const address = server.address()
const port = typeof address === 'object' && address !== null ? address.port : 0

async function connecting(socket: net.Socket): Promise<void> {
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}

test('refuses a connection to an address outside, however it is asked for', async () => {
  await assert.rejects(connecting(net.connect(25, '192.0.2.1')), refused)
  await assert.rejects(connecting(net.connect({ host: '192.0.2.1', port: 25 })), refused)
  await assert.rejects(connecting(net.connect({ host: '2001:db8::1', port: 25 })), refused)
  await assert.rejects(connecting(new net.Socket().connect(25, '192.0.2.1')), refused)
  await assert.rejects(connecting(tls.connect({ host: '192.0.2.1', port: 465 })), refused)
  await assert.rejects(fetch('http://192.0.2.1/'), (error: Error) => {
    assert.match(String(error.cause), /tests stay on this machine/)
    return true
  })
})

test('refuses a connection to a name outside, and to where a lookup function leads', async () => {
  await assert.rejects(connecting(net.connect(25, 'mx.example.com')), refused)
  for (const autoSelectFamily of [true, false]) {
    const lead: net.LookupFunction = (_name, options, done) =>
      options.all ? done(null, [{ address: '192.0.2.1', family: 4 }]) : done(null, '192.0.2.1', 4)
    await assert.rejects(
      connecting(net.connect({ host: 'mx.example.com', port: 25, lookup: lead, autoSelectFamily })),
      refused,
    )
  }
})

test('lets loopback through, by address, by name and by a lookup function', async () => {
  const lead: net.LookupFunction = (_name, options, done) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
  await connecting(net.connect(port, '127.0.0.1'))
  await connecting(net.connect(port))
  await connecting(net.connect({ host: 'localhost', port }))
  await connecting(net.connect({ host: '::ffff:127.0.0.1', port }))
  await connecting(net.connect({ host: 'mx.example.com', port, lookup: lead }))
})

test('refuses to look up names outside', async () => {
  await assert.rejects(promisify(lookup)('example.com'), refused)
  await assert.rejects(dnsPromises.lookup('example.com'), refused)
  await assert.rejects(promisify(dns.lookup)('localhost.example.com'), refused)
  assert.ok((await dnsPromises.lookup('localhost')).address)
  assert.equal((await dnsPromises.lookup('192.0.2.1')).address, '192.0.2.1')
})

test('refuses to ask the DNS of the machine, or a server outside', async () => {
  await assert.rejects(promisify(dns.resolveMx)('example.com'), refused)
  await assert.rejects(dnsPromises.resolveTxt('example.com'), refused)
  await assert.rejects(dnsPromises.reverse('192.0.2.1'), refused)
  await assert.rejects(new dnsPromises.Resolver().resolve4('example.com'), refused)
  for (const servers of [['192.0.2.1'], ['127.0.0.1', '[2001:db8::1]:53']]) {
    const resolver = new dns.Resolver()
    resolver.setServers(servers)
    await assert.rejects(promisify(resolver.resolveMx.bind(resolver))('example.com'), refused)
  }
})

test('lets a resolver ask a server on loopback', async () => {
  const resolver = new dnsPromises.Resolver({ timeout: 50, tries: 1 })
  resolver.setServers([`127.0.0.1:${port}`])
  // Nobody answers there in DNS. It was asked: that is all.
  await assert.rejects(resolver.resolveMx('example.com'), (error: NodeJS.ErrnoException) => error.code !== refused.code)
})

test('refuses datagrams to the outside and lets loopback through', async () => {
  const socket = dgram.createSocket('udp4')
  const send = (to: string) =>
    new Promise<void>((done, fail) => socket.send('x', 53, to, (e) => (e ? fail(e) : done())))
  await assert.rejects(send('192.0.2.1'), refused)
  await assert.rejects(send('example.com'), refused)
  await send('127.0.0.1')
  socket.send('x', 53, '192.0.2.1')
  await assert.rejects(once(socket, 'connect'), refused)
  socket.close()
})

test('holds in worker threads', async () => {
  const code = `
    import net from 'node:net'
    import { parentPort } from 'node:worker_threads'
    net.connect(25, '192.0.2.1').on('error', (error) => parentPort.postMessage(error.code))`
  const file = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
  const worker = new Worker(file, { execArgv: ['--import', import.meta.resolve('./guard.ts')] })
  assert.deepEqual(await once(worker, 'message'), ['ERR_OUTSIDE'])
  await worker.terminate()
})
