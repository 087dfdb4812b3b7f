// Clients that mean harm (RFC 5321 section 4.5.3.2 for the times): content that never ends or hardly comes, and a system that has
// no descriptors left.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { border } from '../../../test/support/small-listener.ts'
import { Client } from '../../../test/support/smtp-client.ts'

test('slow: chunks of one byte are no faster than bytes', async (t) => {
  const { greeted, listener, messages } = await border(t, { limits: { rateWindowMs: 60, rateBytes: 1000 } })
  const client = await greeted()
  await client.ask('MAIL FROM:<a@x.example>')
  await client.ask('RCPT TO:<b@y.example>')
  const replies: string[] = []
  while (replies.length < 500 && replies.at(-1)?.startsWith('421') !== true) {
    client.send(Buffer.from('BDAT 1\r\nx'))
    replies.push(await client.reply())
    await sleep(2)
  }
  assert.match(replies.at(-1) ?? '', /^421 4\.4\.2 /)
  assert.ok(replies.length > 1)
  assert.deepEqual([listener.limits.rateBytes, messages.length], [1, 0])
})

/** A listener in a process of its own that may open `files` files; what it says is its port. */
async function smallServer(files: number): Promise<{ child: ChildProcess; port: number }> {
  const script = `
    import { listen } from ${JSON.stringify(new URL('./listen.ts', import.meta.url).href)}
    const taken = { code: 250, enhanced: '2.0.0', text: 'taken' }
    const backend = { mail: () => undefined, rcpt: () => undefined, message: () => taken }
    const listener = await listen({
      hostname: 'gw.example.net', addresses: [{ host: '127.0.0.1', port: 0 }], secureContext: () => undefined, backend,
      limits: { connections: 1000, connectionsOfInternet: 1000 },
      onError: (_, what) => process.stderr.write(what + '\\n'),
    })
    process.stdout.write(listener.addresses[0].port + '\\n')
    process.on('disconnect', () => process.exit())
  `
  const command = `ulimit -n ${files}; exec "$0" --input-type=module-typescript -e "$1"`
  const child = spawn('sh', ['-c', command, process.execPath, script], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const [said] = await once(child.stdout ?? process.stdin, 'data')
  return { child, port: Number(String(said)) }
}

test('of a header without end nothing is kept beyond its limit, and the end of the message is still found', async (t) => {
  const { child, port } = await smallServer(1000)
  t.after(() => child.kill('SIGKILL'))
  const client = new Client(port)
  t.after(() => client.destroy())
  await client.reply()
  for (const command of ['EHLO client.example', 'MAIL FROM:<a@x.example>', 'RCPT TO:<b@y.example>', 'DATA'])
    assert.match(await client.ask(command), /^[23]5/)
  const before = residentBytes(child)
  const lines = Buffer.from(`X-Header: ${'x'.repeat(900)}\r\n`.repeat(1000))
  for (let sent = 0; sent < 140_000_000; sent += lines.length) {
    client.send(lines)
    while (client.unsent > 4_000_000) await sleep(1)
  }
  client.send(Buffer.from('.\r\nNOOP\r\n'))
  assert.equal(await client.reply(), '552 5.3.4 message header too large: more than 262144 bytes')
  assert.match(await client.reply(), /^250 /)
  const grown = residentBytes(child) - before
  assert.ok(grown < 70_000_000, `${grown} bytes`)
})

const residentBytes = ({ pid }: ChildProcess): number =>
  4096 * Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])

test('no descriptors left: who comes then finds nobody, who comes later is served', async (t) => {
  const { child, port } = await smallServer(60)
  t.after(() => child.kill('SIGKILL'))
  const crowd: Socket[] = []
  for (let i = 0; i < 80; i++) crowd.push(connect(port, '127.0.0.1').on('error', () => {}))
  t.after(() => {
    for (const socket of crowd) socket.destroy()
  })
  const greeted = crowd.map((socket) => once(socket, 'data').then(() => 1))
  await Promise.race([Promise.all(greeted), sleep(500)])
  for (const socket of crowd) socket.destroy()
  await sleep(50)
  const late = connect(port, '127.0.0.1')
  t.after(() => late.destroy())
  const [greeting] = await once(late, 'data')
  assert.match(String(greeting), /^220 /)
  assert.equal(child.exitCode, null)
})
