/** Stands before an honest IMAP server and lies once, in one way; then it hands everything on. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type Way = 'stall' | 'size' | 'endless' | 'hangUp' | 'floods'
export type Liar = { readonly port: number; readonly lied: Promise<void>; readonly stop: () => Promise<void> }

/** The first literal of a FETCH: that is where a message begins. */
const literal = /\{(\d+)\}\r\n/

export async function startLiar(to: number, way: Way): Promise<Liar> {
  const sockets = new Set<Socket>()
  const lied = Promise.withResolvers<void>()
  let isDone = false
  const server = createServer((client) => {
    const honest = connect(to, '127.0.0.1')
    for (const socket of [client, honest]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(honest)
    honest.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      const found = isDone || !text.includes('FETCH') ? null : literal.exec(text)
      if (found === null || !text.includes('BODY[')) return void client.write(chunk)
      isDone = true
      lied.resolve()
      honest.unpipe()
      lie(client, honest, text, found, way)
    })
    honest.on('close', () => client.destroy())
    client.on('close', () => honest.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    lied: lied.promise,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function lie(client: Socket, honest: Socket, text: string, found: RegExpExecArray, way: Way): void {
  const before = text.slice(0, found.index)
  honest.removeAllListeners('data')
  honest.resume()
  if (way === 'stall') return void client.write(text.slice(0, found.index + found[0].length + 10), 'latin1')
  if (way === 'hangUp') return void client.end(text.slice(0, found.index + found[0].length + 10), 'latin1')
  if (way === 'size') return void client.write(`${before}{4000000000}\r\n${'x'.repeat(100_000)}`, 'latin1')
  const piece = way === 'endless' ? 'x'.repeat(65_536) : '* CAPABILITY IMAP4rev1 X-MORE\r\n'.repeat(2000)
  const more = (): void => {
    while (!client.destroyed && client.write(piece));
  }
  client.on('drain', more)
  client.write(way === 'endless' ? `${before}"` : '', 'latin1')
  more()
}
