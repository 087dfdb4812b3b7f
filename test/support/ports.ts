/** Ports and addresses for servers that bind them later: somebody else may be faster, so whoever starts one starts again. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below those that Linux gives to connections (ip_local_port_range): the tests beside this one open many. */
const [lowest, highest] = [10_000, 32_000]
const maxStarts = 5

/** Starts what is told its port beforehand; once more with another one when it finds that one taken, which its error says. */
export async function onFreePort<T>(
  start: (port: number) => Promise<T>,
  choose: () => Promise<number> = freePort,
): Promise<T> {
  const taken: number[] = []
  for (;;) {
    const port = await choose()
    try {
      return await start(port)
    } catch (error) {
      if (!isTaken(error)) throw error
      taken.push(port)
      if (taken.length === maxStarts)
        throw new Error(`${maxStarts} ports were taken before they were bound: ${taken.join(', ')}`, { cause: error })
    }
  }
}

/** In the words of Node, of the C library, and of BIND (which names no reason when it is UDP). */
const isTaken = (error: unknown): boolean =>
  /EADDRINUSE|address (?:already )?in use|unable to listen on any/i.test(String(error))

/** A port of 127.0.0.1 that nobody has at this moment, for TCP nor for UDP. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest)
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port
  }
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  return once(server, 'listening').then(
    async () => {
      server.close()
      await once(server, 'close')
      return true
    },
    () => false,
  )
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  const isFree = await once(socket, 'listening').then(
    () => true,
    () => false,
  )
  socket.close()
  return isFree
}

let networks = 0

/** `127.A.B`, which no other test has: by the process id, so that they meet only when 60,000 processes are between them. */
export function ownNetwork(): string {
  const n = (process.pid + 7919 * networks++) % (240 * 250)
  return `127.${10 + (n % 240)}.${1 + Math.floor(n / 240)}`
}
