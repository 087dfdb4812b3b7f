/** A proxy that holds every byte back for a while, each way: a network with distance in it, where the kernel has none to offer. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type Delay = { readonly port: number; readonly end: () => Promise<void> }

/** Bytes on their way in one direction, at most; then the sender waits, as at a full window. */
const mostUnderWay = 16_000_000

export async function startDelay(to: number, ms: number): Promise<Delay> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('close', () => sockets.delete(from))
      carry(from, into, ms)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    end: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function carry(from: Socket, into: Socket, ms: number): void {
  const underWay: { readonly due: number; readonly bytes: Buffer | undefined }[] = []
  let queued = 0
  let timer: NodeJS.Timeout | undefined
  const arrive = (): void => {
    timer = undefined
    // A timer of a millisecond's grain may fire a little early.
    const now = performance.now() + 0.3
    into.cork()
    while (underWay[0] !== undefined && underWay[0].due <= now) {
      const bytes = underWay.shift()?.bytes
      if (bytes === undefined) into.end()
      else into.write(bytes)
      queued -= bytes?.length ?? 0
    }
    into.uncork()
    if (from.isPaused() && queued < mostUnderWay / 4) from.resume()
    const [next] = underWay
    if (next !== undefined) timer = setTimeout(arrive, Math.max(0, next.due - performance.now()))
  }
  const leave = (bytes: Buffer | undefined): void => {
    underWay.push({ due: performance.now() + ms, bytes })
    queued += bytes?.length ?? 0
    if (queued > mostUnderWay) from.pause()
    timer ??= setTimeout(arrive, ms)
  }
  from.on('data', leave)
  from.on('end', () => leave(undefined))
  from.on('error', () => into.destroy())
  from.on('close', (isError) => {
    if (isError) into.destroy()
  })
}
