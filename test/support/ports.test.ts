import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBind } from './bind.ts'
import { freePort, onFreePort, ownNetwork } from './ports.ts'
import { missing } from './program.ts'

async function take(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** The first choices are taken meanwhile. */
async function unlucky(times: number) {
  const ports = await Promise.all(Array.from({ length: times }, () => freePort()))
  const servers = await Promise.all(ports.map(take))
  return choosing(ports, () => servers.forEach((server) => server.close()))
}

async function unluckyWithUdp() {
  const socket = createSocket('udp4')
  const port = await freePort()
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return choosing([port], () => socket.close())
}

const choosing = ([...ports]: readonly number[], dispose: () => void) => ({
  first: ports[0],
  choose: async () => ports.shift() ?? freePort(),
  [Symbol.dispose]: dispose,
})

test('a port that somebody took meanwhile: another one', async () => {
  using others = await unlucky(2)
  const server = await onFreePort(take, others.choose)
  assert.ok(server.listening)
  server.close()
})

test('when all are taken, it says so; what fails otherwise is not tried again', async () => {
  using others = await unlucky(5)
  await assert.rejects(onFreePort(take, others.choose), /^Error: 5 ports were taken before they were bound: \d+, /)
  let starts = 0
  const broken = async () => {
    starts += 1
    throw new Error('no such file')
  }
  await assert.rejects(onFreePort(broken), /no such file/)
  assert.equal(starts, 1)
})

for (const over of ['TCP', 'UDP'] as const) {
  test(`BIND finds its port taken for ${over}, and is started again`, { skip: missing('named') }, async () => {
    using others = await (over === 'TCP' ? unlucky(1) : unluckyWithUdp())
    const dir = mkdtempSync(join(tmpdir(), 'causeway-ports-'))
    const bind = await startBind({ dir, zones: {}, choose: others.choose })
    await bind.stop()
    rmSync(dir, { recursive: true })
    assert.notEqual(bind.port, others.first)
  })
}

test('two networks of one process are two', () => {
  assert.match(ownNetwork(), /^127\.\d+\.\d+$/)
  assert.notEqual(ownNetwork(), ownNetwork())
})
