/** Listening sockets, and everyone who came in through them: counted, ticked, and in the end sent home. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { replyLines } from '../../mail/reply/reply.ts'
import { Budget } from '../budget.ts'
import type { Client, Standing } from './backend.ts'
import { Connection, type Entrance } from './connection.ts'
import type { House } from './conversation.ts'
import { makeContext } from './handshake.ts'
import { type Limits, limitsOf } from './limits.ts'
import type { ListenAddress, Listener, ListenOptions } from './options.ts'
import { type Full, Places, Stay } from './places.ts'
import { noPlace, turnedAway } from './refusals.ts'
import { plainAddress } from './source.ts'

/** What is being kept for a sender when the patience ends is on disk so much later, and he hears it. */
const lastWordsMs = 1000
/** For the 421 of those who are cut to be read. */
const cutMs = 500

export class Gate implements Listener {
  readonly #o: ListenOptions
  readonly #house: House
  readonly #entrance: Entrance
  readonly #connections = new Set<Connection>()
  readonly #places: Places
  /** One value that everybody holds: it is changed in place, and who looks at it next sees the change. */
  readonly #limits: Limits
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
    const limits = limitsOf(o.limits)
    this.#limits = limits
    this.#places = new Places(limits, o.budget ?? new Budget(limits.transferBytes))
    const onError = o.onError ?? (() => {})
    this.#house = {
      get hostname() {
        return o.hostname
      },
      limits,
      backend: o.backend,
      bareLineEnds: o.bareLineEnds ?? 'normalise',
      counts: this.#places.counts,
      onError,
    }
    this.#entrance = {
      house: this.#house,
      now: () => this.#now,
      secureContext: () => this.#context,
      settle: (client, stay) => this.#settle(client, stay),
      asksCertificate: (client, stay) => this.#asksCertificate(client, stay),
      closed: (connection) => this.#leave(connection),
    }
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.#addresses
  }

  get connections(): number {
    return this.#connections.size
  }

  get limits(): Listener['limits'] {
    return this.#places.counts
  }

  get full(): Listener['full'] {
    const limit = this.#places.full(performance.now())
    return limit === undefined ? undefined : replyLines(noPlace(limit)).trimEnd()
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

  setLimits(): void {
    Object.assign(this.#limits, limitsOf(this.#o.limits))
  }

  async drain(ms: number): Promise<void> {
    for (const server of this.#servers) server.close()
    const emptied = new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
    for (const connection of [...this.#connections]) connection.drain()
    if (this.#connections.size === 0) this.#empty()
    const lastOrders = setTimeout(() => this.#each((one) => one.giveUp()), Math.max(0, ms - lastWordsMs))
    const cut = setTimeout(() => this.#each((one) => one.cut()), ms)
    const gone = setTimeout(() => this.#each((one) => one.destroy()), ms + cutMs)
    await emptied
    for (const timer of [lastOrders, cut, gone]) clearTimeout(timer)
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
    // Whoever comes begins now: the last tick may be long ago.
    this.#now = performance.now()
    const stay = this.#places.enter(this.#now)
    if (!(stay instanceof Stay)) return this.#turnAway(socket, client, stay, implicitTls)
    const isBalancer = this.#o.isBalancer?.(client.address) === true
    const full = isBalancer ? undefined : this.#settle(client, stay)
    if (full !== undefined) {
      stay.leave()
      return this.#turnAway(socket, client, full, implicitTls)
    }
    const connection = new Connection(socket, client, stay, this.#entrance)
    this.#connections.add(connection)
    if (isBalancer) connection.startBehindBalancer(implicitTls)
    else connection.start(implicitTls)
  }

  /** Counts the client where it belongs. A place among all it has already. */
  #settle(client: Client, stay: Stay): Full | undefined {
    const standing = this.#standing(client)
    // Asked again behind the handshake: who is still a stranger keeps the place that he has.
    if (client.tls !== undefined && standing.kind === 'internet') return undefined
    const full = stay.settle(standing, client.address, performance.now())
    if (full !== undefined) this.#tally(client, full)
    return full
  }

  /** Who cannot be a tenant by it, or has shown too many that proved nothing, is not asked: to verify what is shown is our work. */
  #asksCertificate(client: Client, stay: Stay): boolean {
    if (this.#o.backend.wantsCertificate?.(client) === false) return false
    const full = stay.noCertificate(performance.now())
    if (full !== undefined) this.#tally(client, full)
    return full === undefined
  }

  #standing(client: Client): Standing {
    try {
      return this.#o.backend.standing?.(client) ?? { kind: 'internet' }
    } catch (error) {
      this.#house.onError(error, 'standing')
      return { kind: 'internet' }
    }
  }

  /** undefined: gone already. */
  #clientOf(socket: Socket): Client | undefined {
    const { remoteAddress, remotePort, localPort } = socket
    if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return undefined
    this.#count++
    return Object.freeze({
      id: `${this.#prefix}-${this.#count.toString(36)}`,
      address: plainAddress(remoteAddress),
      port: remotePort,
      localPort,
      helo: '',
      esmtp: false,
    })
  }

  /** In one breath: whoever has too many connections gets no more of our time. A TLS client could not read the words. */
  #turnAway(socket: Socket, client: Client, full: Full, implicitTls: boolean): void {
    socket.on('error', () => socket.destroy())
    if (implicitTls) socket.destroy()
    else socket.end(replyLines(noPlace(full.limit)), 'latin1', () => socket.destroySoon())
    if (full.ledger.scope === 'all') this.#tally(client, full)
  }

  /** Every one is counted; of many in a row the backend hears now and then, or its trace would be the next thing to be flooded. */
  #tally(client: Client, full: Full): void {
    this.#places.counts[full.limit]++
    const count = full.ledger.turnedAway(performance.now())
    if (count === undefined) return
    try {
      this.#o.backend.refused?.(client, turnedAway(full, client.address, count), noPlace(full.limit))
    } catch (error) {
      this.#house.onError(error, 'refused')
    }
  }

  #leave(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    connection.stay.leave()
    if (this.#connections.size === 0) this.#empty()
  }

  #each(what: (connection: Connection) => void): void {
    for (const connection of this.#connections) what(connection)
  }

  #empty(): void {
    for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  #tick(): void {
    this.#now = performance.now()
    for (const connection of this.#connections) connection.tick(this.#now)
    this.#places.tick(this.#now)
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
