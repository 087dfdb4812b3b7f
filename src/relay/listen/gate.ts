/** Listening sockets, and everyone who came in through them: counted, ticked, and in the end sent home. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { type Reply, replies, replyLines } from '../../mail/reply/reply.ts'
import type { Client } from './backend.ts'
import { Connection, type Entrance } from './connection.ts'
import type { House } from './conversation.ts'
import { makeContext } from './handshake.ts'
import { defaultLimits, type Limits } from './limits.ts'
import type { ListenAddress, Listener, ListenOptions } from './options.ts'

export class Gate implements Listener {
  readonly #o: ListenOptions
  readonly #house: House
  readonly #entrance: Entrance
  readonly #connections = new Set<Connection>()
  readonly #perSource = new Map<string, number>()
  readonly #prefix = randomBytes(6).toString('base64url')
  #servers: readonly Server[] = []
  #addresses: Listener['addresses'] = []
  #context: SecureContext | undefined
  #now = performance.now()
  #clock: NodeJS.Timeout | undefined
  #count = 0
  readonly #whenEmpty: (() => void)[] = []

  constructor(o: ListenOptions) {
    this.#o = o
    const limits = { ...defaultLimits, ...o.limits }
    const onError = o.onError ?? (() => {})
    this.#house = {
      get hostname() {
        return o.hostname
      },
      limits,
      backend: o.backend,
      bareLineEnds: o.bareLineEnds ?? 'normalise',
      onError,
    }
    this.#entrance = {
      house: this.#house,
      now: () => this.#now,
      secureContext: () => this.#context,
      closed: (connection) => this.#leave(connection),
    }
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.#addresses
  }

  get connections(): number {
    return this.#connections.size
  }

  async open(): Promise<void> {
    this.setTls()
    const bound = await Promise.allSettled(this.#o.addresses.map((a) => this.#bind(a)))
    const failed = bound.find((b) => b.status === 'rejected')
    const servers = bound.flatMap((b) => (b.status === 'fulfilled' ? [b.value] : []))
    if (failed !== undefined) {
      for (const server of servers) server.close()
      throw failed.reason
    }
    this.#servers = servers
    this.#addresses = servers.map(addressOf)
    this.#clock = setInterval(() => this.#tick(), tickMs(this.#house.limits))
  }

  setTls(): void {
    const options = this.#o.secureContext()
    this.#context = options === undefined ? undefined : makeContext(options)
  }

  async drain(ms: number): Promise<void> {
    for (const server of this.#servers) server.close()
    const emptied = new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
    for (const connection of [...this.#connections]) connection.drain()
    if (this.#connections.size === 0) this.#empty()
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy()
    }, ms)
    await emptied
    clearTimeout(cut)
    clearInterval(this.#clock)
  }

  #bind(a: ListenAddress): Promise<Server> {
    // Half-open, so that a client that shuts its side down behind its last command still gets the replies.
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (s) => this.#accept(s, a.implicitTls === true))
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: a.host, port: a.port, backlog: 1024 }, () => {
        server.off('error', reject)
        // EMFILE and its kin: the system refused one connection, the next may be taken.
        server.on('error', (error) => this.#house.onError(error, 'accept'))
        resolve(server)
      })
    })
  }

  #accept(socket: Socket, implicitTls: boolean): void {
    const client = this.#clientOf(socket)
    if (client === undefined) return void socket.destroy()
    const no = this.#whyNot(client.address)
    if (no !== undefined) return this.#turnAway(socket, client, no, implicitTls)
    const connection = new Connection(socket, client, this.#entrance)
    this.#connections.add(connection)
    this.#perSource.set(client.address, (this.#perSource.get(client.address) ?? 0) + 1)
    connection.start(implicitTls)
  }

  /** undefined: gone already. */
  #clientOf(socket: Socket): Client | undefined {
    const { remoteAddress, remotePort, localPort } = socket
    if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return undefined
    this.#count++
    return Object.freeze({
      id: `${this.#prefix}-${this.#count.toString(36)}`,
      address: withoutMapping(remoteAddress),
      port: remotePort,
      localPort,
      helo: '',
      esmtp: false,
    })
  }

  #whyNot(address: string): Reply | undefined {
    const { connections, connectionsPerSource } = this.#house.limits
    if (this.#connections.size >= connections) return replies.serverFull()
    return (this.#perSource.get(address) ?? 0) >= connectionsPerSource ? replies.tooManyConnections() : undefined
  }

  /** In one breath: whoever has too many connections gets no more of our time. A TLS client could not read the words. */
  #turnAway(socket: Socket, client: Client, reply: Reply, implicitTls: boolean): void {
    socket.on('error', () => socket.destroy())
    if (implicitTls) socket.destroy()
    else socket.end(replyLines(reply), 'latin1', () => socket.destroySoon())
    try {
      this.#o.backend.refused?.(client, 'too many connections', reply)
    } catch (error) {
      this.#house.onError(error, 'refused')
    }
  }

  #leave(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    const { address } = connection.client
    const left = (this.#perSource.get(address) ?? 1) - 1
    if (left > 0) this.#perSource.set(address, left)
    else this.#perSource.delete(address)
    if (this.#connections.size === 0) this.#empty()
  }

  #empty(): void {
    for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  #tick(): void {
    this.#now = performance.now()
    for (const connection of this.#connections) connection.tick(this.#now)
  }
}

function addressOf(server: Server): { readonly host: string; readonly port: number } {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('a listening socket without an address')
  return { host: bound.address, port: bound.port }
}

/** Fine enough for the shortest of the limits, never finer than needed. */
function tickMs(l: Limits): number {
  const shortest = Math.min(l.idleMs, l.strangerIdleMs, l.commandMs, l.handshakeMs, l.writeStallMs, l.rateWindowMs)
  return Math.max(10, Math.min(1000, shortest / 4))
}

/** RFC 4291 section 2.5.5.2. A dual-stack socket shows IPv4 clients so; to rules and people they are IPv4. */
function withoutMapping(address: string): string {
  const four = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return four?.[1] ?? address
}
