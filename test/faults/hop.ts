/**
 * A next hop that misbehaves as it is told, and writes into the ledger what it took. It is no copy of the other small
 * servers of the tests: it never holds a message (the digest is made while the bytes come), it may answer anything at any
 * moment, and it knows which deliveries are in flight.
 */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type Content, readContent } from './hop-content.ts'
import type { Ledger } from './ledger.ts'
import { readReport } from './report.ts'

export type Step = 'connect' | 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'dot'

/** What is being said to the hop. */
export type Said = {
  readonly step: Step
  /** The command as it came; '' at connect and dot. */
  readonly line: string
  readonly from: string
  readonly to: readonly string[]
  /** Counts the connections from 0. */
  readonly connection: number
  readonly socket: Socket
  /** At the dot: the message counts as delivered from now on. */
  readonly take: () => void
  /** At the dot: how the message begins, dots not doubled. */
  readonly beginning: () => string
  /** At the dot: its reply is lost, so that it may come twice. */
  readonly lose: () => void
}

/**
 * What it does: says this line; closes without a word (at the dot the message was taken, and its reply is lost); says
 * nothing at all; or undefined: behaves. A function has done everything itself.
 */
export type Act = Words | 'cut' | 'silence' | undefined
/** A reply begins with its code. */
export type Words = `${number}${string}`
export type Behaviour = (said: Said) => Act

export type Hop = {
  readonly host: string
  readonly port: number
  behave(behaviour: Behaviour | undefined): void
  /** Deliveries that may be done twice when their sender dies now: under way, or answered a moment ago. */
  inFlight(): number
  /** Transactions that were begun (MAIL). */
  readonly attempts: number
  readonly connections: { readonly all: number; readonly open: number; readonly most: number }
  stop(): Promise<void>
}

/** A delivery out of the queue that was answered this long ago may not be in the queue's books yet. */
const bookingMs = 300

type State = {
  readonly ledger: Ledger
  readonly sockets: Set<Socket>
  readonly underWay: Set<Socket>
  answeredAt: number[]
  behaviour: Behaviour | undefined
  attempts: number
  connections: { all: number; open: number; most: number }
}

export async function startHop(
  ledger: Ledger,
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<Hop> {
  const state: State = {
    ledger,
    sockets: new Set(),
    underWay: new Set(),
    answeredAt: [],
    behaviour: undefined,
    attempts: 0,
    connections: { all: 0, open: 0, most: 0 },
  }
  const host = at.host ?? '127.0.0.1'
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => welcome(socket, state))
  server.listen({ port: at.port ?? 0, host, backlog: 1024 })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the next hop has no port')
  return {
    host,
    port: address.port,
    behave(behaviour) {
      state.behaviour = behaviour
    },
    inFlight() {
      const since = performance.now() - bookingMs
      return state.underWay.size + state.answeredAt.filter((moment) => moment >= since).length
    },
    get attempts() {
      return state.attempts
    },
    connections: state.connections,
    async stop() {
      for (const socket of state.sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

type Talk = {
  readonly socket: Socket
  readonly state: State
  readonly connection: number
  unread: string
  /** undefined: no transaction was begun. */
  from: string | undefined
  to: string[]
  content: Content | undefined
}

function welcome(socket: Socket, state: State): void {
  const { connections, sockets, underWay } = state
  const talk: Talk = {
    socket,
    state,
    connection: connections.all,
    unread: '',
    from: undefined,
    to: [],
    content: undefined,
  }
  connections.all += 1
  connections.open += 1
  connections.most = Math.max(connections.most, connections.open)
  sockets.add(socket)
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.end())
  socket.on('close', () => {
    connections.open -= 1
    sockets.delete(socket)
    underWay.delete(socket)
  })
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    while (rest.length > 0 && !socket.destroyed)
      rest = talk.content === undefined ? lines(talk, rest) : content(talk, rest)
  })
  act(talk, 'connect', '', '220 hop.example ESMTP')
}

/** Up to DATA or the end of the chunk; what is left is returned. */
function lines(talk: Talk, chunk: Buffer): Buffer {
  let from = 0
  while (talk.content === undefined && from < chunk.length) {
    const end = chunk.indexOf(10, from)
    const stop = end < 0 ? chunk.length : end + 1
    talk.unread += chunk.toString('latin1', from, stop)
    from = stop
    if (end < 0) break
    const line = talk.unread.trimEnd()
    talk.unread = ''
    obey(talk, line)
  }
  return chunk.subarray(from)
}

const offers =
  '250-hop.example\r\n250-PIPELINING\r\n250-SIZE 200000000\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250 8BITMIME'
const inAngles = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? ''

function obey(talk: Talk, line: string): void {
  switch (line.slice(0, 4).toUpperCase()) {
    case 'EHLO':
    case 'HELO':
      return void act(talk, 'EHLO', line, offers)
    case 'MAIL':
      return mail(talk, line)
    case 'RCPT': {
      const to = inAngles(line)
      // RFC 2920 section 3.1: what was pipelined behind a MAIL that failed comes all the same.
      if (talk.from === undefined) return say(talk, '503 5.5.1 MAIL first')
      if (act(talk, 'RCPT', line, '250 2.1.5 Ok')) talk.to.push(to)
      return
    }
    case 'DATA':
      return data(talk, line)
    case 'RSET':
      leave(talk)
      return say(talk, '250 2.0.0 Ok')
    case 'NOOP':
      return say(talk, '250 2.0.0 Ok')
    case 'QUIT':
      say(talk, '221 2.0.0 bye')
      return void talk.socket.end()
    default:
      return say(talk, '500 5.5.2 not understood')
  }
}

function mail(talk: Talk, line: string): void {
  leave(talk)
  talk.state.attempts += 1
  if (!act(talk, 'MAIL', line, '250 2.1.0 Ok')) return
  talk.from = inAngles(line)
  talk.state.underWay.add(talk.socket)
}

/** RFC 5321 section 3.3: without a recipient there is nothing to say. */
function data(talk: Talk, line: string): void {
  if (talk.to.length === 0) return say(talk, '554 5.5.1 no valid recipients')
  if (act(talk, 'DATA', line, '354 go ahead')) talk.content = readContent()
}

function leave(talk: Talk): void {
  talk.from = undefined
  talk.to = []
  talk.state.underWay.delete(talk.socket)
}

/** Up to the final dot or the end of the chunk; what is left is returned. */
function content(talk: Talk, chunk: Buffer): Buffer {
  const rest = talk.content?.read(chunk)
  if (rest === undefined) return Buffer.alloc(0)
  dot(talk)
  return rest
}

function dot(talk: Talk): void {
  const { content: got, state } = talk
  if (got === undefined) return
  talk.content = undefined
  const [from = '', to] = [talk.from, talk.to]
  let isTaken = false
  const take = (): void => {
    if (isTaken) return
    isTaken = true
    if (enter(state.ledger, from, to, got)) state.answeredAt = [...state.answeredAt.slice(-5000), performance.now()]
    leave(talk)
  }
  const lose = (): void => state.ledger.allow(to.length)
  const said = state.behaviour?.({ ...about(talk, 'dot', ''), take, lose, beginning: got.beginning })
  if (said === undefined) {
    take()
    return say(talk, '250 2.0.0 taken')
  }
  if (said === 'silence') return
  if (said === 'cut') {
    take()
    lose()
    return void talk.socket.destroy()
  }
  leave(talk)
  say(talk, said)
}

/** A report is no message of ours: it tells about some. True: it comes out of the queue, the sender was answered before. */
function enter(ledger: Ledger, from: string, to: readonly string[], got: Content): boolean {
  const report = from === '' ? readReport(got.beginning()) : undefined
  if (report === undefined) return ledger.arrived({ id: got.id(), digest: got.digest(), to })
  for (const recipient of report.failed) ledger.returned(report.id, recipient)
  return true
}

/** True: it behaved, with `usual`. */
function act(talk: Talk, step: Step, line: string, usual: string): boolean {
  const said = talk.state.behaviour?.(about(talk, step, line))
  if (said === 'silence') return false
  if (said === 'cut') {
    talk.socket.destroy()
    return false
  }
  say(talk, said ?? usual)
  return said === undefined
}

function about(talk: Talk, step: Step, line: string): Said {
  const { from = '', to, connection, socket } = talk
  return { step, line, from, to, connection, socket, take: () => {}, lose: () => {}, beginning: () => '' }
}

function say({ socket }: Talk, words: string): void {
  if (!socket.destroyed) socket.write(`${words}\r\n`, 'latin1')
}
