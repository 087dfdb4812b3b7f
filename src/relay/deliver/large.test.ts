/** Messages that leave block by block: nothing of them is changed, and nothing of them is held twice. */
import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { issue, makeCa } from '../../../test/support/certificates.ts'
import { startPeer } from '../../../test/support/scripted-smtp.ts'
import { mayNotGoByData } from './fitness.ts'
import { attempt, deliverer, hopTo, kinds } from './for-tests.ts'

/** No two blocks are the same, and each has lines that begin with a dot. */
const dotted = Buffer.from(Array.from({ length: 100_000 }, (_, n) => `.${n}\r\nline ${n}\r\n`).join(''))
const doubled = dotted.toString('latin1').replaceAll(/^\./gm, '..')

/** Takes a message by sips, so that most of it must wait with its sender. */
async function withSipper(run: (port: number, took: () => string) => Promise<void>): Promise<void> {
  const pieces: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let isContent = false
    const sip = (chunk: Buffer): void => {
      pieces.push(chunk)
      socket.pause()
      setTimeout(() => socket.resume(), 1)
      if (chunk.subarray(-5).toString() === '\r\n.\r\n') socket.write('250 ok\r\n')
    }
    socket.write('220 x\r\n')
    socket.on('data', (chunk) => {
      if (isContent) return sip(chunk)
      isContent = chunk.toString().startsWith('DATA')
      socket.write(isContent ? '354 go\r\n' : '250 x\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  try {
    await run(typeof address === 'object' && address !== null ? address.port : 0, () =>
      Buffer.concat(pieces).toString('latin1'),
    )
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

test('a block is not written over while it still waits for a hop that reads slowly', () =>
  withSipper(async (port, took) => {
    await using d = deliverer()
    const content = [Buffer.from('A: b\r\n\r\n'), dotted]
    assert.deepEqual(kinds(await d.attempt(attempt(hopTo(port), undefined, { content }))), ['delivered'])
    assert.ok(took() === `A: b\r\n\r\n${doubled}.\r\n`)
  }))

test('the same inside TLS', async () => {
  const { chain: cert, key } = issue({ ca: makeCa(), names: ['peer.example'] })
  const peer = await startPeer({ tls: { cert, key }, extensions: ['PIPELINING', 'STARTTLS'] })
  await using d = deliverer()
  const hop = hopTo(peer.port, { tls: 'opportunistic' })
  assert.deepEqual(kinds(await d.attempt(attempt(hop, undefined, { content: [dotted] }))), ['delivered'])
  assert.ok(peer.messages[0]?.toString('latin1') === doubled)
  await peer.close()
})

test('a hop that goes away in the middle of the blocks may not have the message', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.write('220 x\r\n')
    socket.on('data', (chunk) => {
      const isData = chunk.toString('latin1').startsWith('DATA')
      if (/^(EHLO|MAIL|RCPT)/.test(chunk.toString('latin1'))) socket.write('250 x\r\n')
      else if (isData) socket.write('354 go\r\n')
      else socket.resetAndDestroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await using d = deliverer()
  const [outcome] = await d.attempt(attempt(hopTo(port), undefined, { content: [dotted, dotted, dotted] }))
  assert.equal(outcome?.kind, 'deferred')
  assert.equal(outcome?.uncertain, undefined)
  assert.match(outcome?.why ?? '', /ECONNRESET|EPIPE|closed/)
  server.close()
})

test('bare line ends are seen in pieces as in the whole', () => {
  const raw = Buffer.from('a\r\n\r\nb\r\n')
  for (let one = 0; one <= raw.length; one++)
    for (let two = one; two <= raw.length; two++)
      assert.equal(mayNotGoByData([raw.subarray(0, one), raw.subarray(one, two), raw.subarray(two)]), false)
  for (const pieces of [
    ['a\r', 'b'],
    ['a', '\nb'],
    ['a\r'],
    ['\n'],
    ['a\r', '\r\n'],
    ['a\r\n', '\n'],
    ['\r', '', 'x'],
    ['a\0'],
  ])
    assert.equal(mayNotGoByData(pieces.map((piece) => Buffer.from(piece))), true, JSON.stringify(pieces))
})
