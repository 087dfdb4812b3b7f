/** Against servers that are not ours: the smtp-server package, and Postfix's smtp-sink. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { asIdentity, issue, makeCa } from '../../../test/support/certificates.ts'
import { onFreePort } from '../../../test/support/ports.ts'
import { attempt, deliverer, hopTo, kinds, only } from './for-tests.ts'

const ca = makeCa()
const server = issue({ ca, names: ['peer.example'] })

test('smtp-server: TLS with our certificate, dots, several recipients, again and again', async () => {
  const seen: { to: string[]; bytes: string; client: boolean }[] = []
  const smtp = new SMTPServer({
    authOptional: true,
    cert: server.chain,
    key: server.key,
    ca: [ca.cert],
    requestCert: true,
    rejectUnauthorized: true,
    disableReverseLookup: true,
    onRcptTo: (address, _session, done) => done(address.address.startsWith('bad') ? new Error('no such user') : null),
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map((r) => r.address)
        seen.push({ to, bytes: Buffer.concat(chunks).toString('latin1'), client: session.secure })
        done()
      })
    },
  })
  await new Promise<void>((resolve) => {
    smtp.listen(0, '127.0.0.1', resolve)
  })
  const { port } = smtp.server.address() as AddressInfo
  const identity = asIdentity(issue({ ca, names: ['contoso.example'] }))
  const hop = hopTo(port, { tls: 'required', ca: Buffer.from(ca.cert), identity })
  const d = deliverer()
  const bytes = 'A: b\r\n\r\n.\r\n..x\r\n.y\r\n'
  for (let i = 0; i < 3; i++) {
    const outcomes = await d.attempt(attempt(hop, ['a@x', 'bad@x', 'b@x'], { content: [Buffer.from(bytes)] }))
    assert.deepEqual(kinds(outcomes), ['delivered', 'refused', 'delivered'])
    assert.match(outcomes[0]?.tls ?? '', /verified/)
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 3 }, () => ({ to: ['a@x', 'b@x'], bytes, client: true })),
  )
  await d.close()
  await new Promise<void>((resolve) => {
    smtp.close(() => resolve())
  })
})

const sink = '/usr/sbin/smtp-sink'
const without = existsSync(sink) ? false : 'needs the Debian package postfix (smtp-sink)'

test('smtp-sink: many messages over few connections, and a large one', { skip: without }, async () => {
  await withSink([], async (port) => {
    await using d = deliverer({ perDestination: 4 })
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => d.attempt(attempt(hopTo(port), ['a@x', 'b@x']))),
    )
    assert.deepEqual(new Set(outcomes.flatMap(kinds)), new Set(['delivered']))
    const [destination] = d.stats().destinations
    assert.ok((destination?.opened ?? 99) <= 4)
    const content = [Buffer.from('A: b\r\n\r\n'), Buffer.alloc(10_000_000, `${'x'.repeat(62)}\r\n`)]
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), undefined, { content }))), ['delivered'])
  })
})

test('smtp-sink: refusals at each command', { skip: without }, async () => {
  for (const [option, command, kind] of [
    ['-r', 'mail', 'deferred'],
    ['-f', 'rcpt', 'refused'],
    ['-f', 'data', 'refused'],
    ['-f', '.', 'refused'],
    ['-q', 'rcpt', 'deferred'],
    ['-q', '.', 'deferred'],
  ] as const) {
    await withSink([option, command], async (port) => {
      await using d = deliverer()
      const outcome = only(await d.attempt(attempt(hopTo(port))))
      assert.equal(outcome.kind, kind, `${option} ${command}: ${outcome.why}`)
    })
  }
})

test('smtp-sink: what it writes down is what was sent', { skip: without }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sink-'))
  await chmod(dir, 0o777)
  const dump = join(dir, 'dump')
  await withSink(['-D', dump], async (port) => {
    await using d = deliverer()
    const content = [Buffer.from('Subject: .\r\n\r\n.\r\n..\r\nFrom me\r\n')]
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), undefined, { content }))), ['delivered'])
  })
  const written = await readFile(dump, 'latin1')
  assert.match(written, /Subject: \.\n\n\.\n\.\.\nFrom me\n/)
  await rm(dir, { recursive: true })
})

async function withSink(options: readonly string[], run: (port: number) => Promise<void>): Promise<void> {
  const { child, at } = await onFreePort(async (port) => ({ child: await startSink(options, port), at: port }))
  try {
    await run(at)
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await gone
  }
}

async function startSink(options: readonly string[], port: number): Promise<ChildProcess> {
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn(sink, [...user, ...options, `127.0.0.1:${port}`, '100'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  while (!(await canConnect(port))) {
    assert.equal(child.exitCode, null, `smtp-sink has ended: ${said}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return child
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.end('QUIT\r\n').resume())
    socket.on('error', () => resolve(false))
    socket.on('close', (failed) => resolve(!failed))
  })
}
