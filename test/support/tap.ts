/** A wire with an ear: passes a connection on unchanged and keeps what the client said. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type Tap = {
  /** What the client said on each connection so far. */
  readonly said: () => readonly Buffer[]
  stop(): Promise<void>
}

export async function startTap(
  from: { readonly host: string; readonly port: number },
  to: { readonly host: string; readonly port: number },
): Promise<Tap> {
  const heard: Buffer[][] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const chunks: Buffer[] = []
    heard.push(chunks)
    const hop = connect(to)
    for (const [one, other] of [
      [client, hop],
      [hop, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
      one.pipe(other)
    }
    client.on('data', (chunk: Buffer) => chunks.push(chunk))
  })
  server.listen(from.port, from.host)
  await once(server, 'listening')
  return {
    said: () => heard.map((chunks) => Buffer.concat(chunks)),
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
