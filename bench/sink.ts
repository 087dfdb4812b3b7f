/** The next hop, a process of its own: takes everything, and knows which message came how often. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { answerParent } from './child.ts'
import { nowMs } from './figures.ts'
import { type Arrived, serveConnection } from './sink-session.ts'

export type Arrivals = {
  /** Numbers of the messages of this run, in the order in which they came; a number twice came twice. */
  readonly numbers: readonly number[]
  /** Messages of another run, or without the mark of the benchmark. */
  readonly strangers: number
  readonly lastAt: number
  readonly connections: number
  readonly samples: readonly Arrived[]
}

export type SinkQuestions = {
  /** Opens a port; with an identity it offers STARTTLS. */
  readonly listen: {
    readonly asks: { readonly identity?: { readonly cert: string; readonly key: string } }
    readonly answers: { readonly port: number }
  }
  /** Goes down: connections end, new ones are refused. */
  readonly goDown: { readonly asks: undefined; readonly answers: undefined }
  /** Listens again, where it did before. */
  readonly comeBack: { readonly asks: undefined; readonly answers: undefined }
  /** Forgets what came, and counts for `run` from now on. */
  readonly begin: { readonly asks: { readonly run: string; readonly keep: number }; readonly answers: undefined }
  readonly count: { readonly asks: undefined; readonly answers: number }
  readonly arrivals: { readonly asks: undefined; readonly answers: Arrivals }
}

let run = ''
let keep = 0
let seen = fresh()
let context: SecureContext | undefined
let port = 0
let server: Server | undefined
const sockets = new Set<Socket>()

answerParent<SinkQuestions>({
  async listen({ identity }) {
    context = identity === undefined ? undefined : createSecureContext(identity)
    port = await listenSomewhere()
    return { port }
  },
  async goDown() {
    const closed = server === undefined ? undefined : once(server, 'close')
    server?.close()
    for (const socket of sockets) socket.destroy()
    await closed
  },
  comeBack: () => listen(port),
  begin(asks) {
    run = asks.run
    keep = asks.keep
    seen = fresh()
  },
  count: () => seen.numbers.length,
  arrivals: () => seen,
})

function fresh() {
  const numbers: number[] = []
  const samples: Arrived[] = []
  return { numbers, strangers: 0, lastAt: 0, connections: 0, samples }
}

/** Below the ports that connections get for themselves: nobody else may take it while this next hop is down. */
const [lowestPort, highestPort] = [20_000, 32_000]

async function listenSomewhere(): Promise<number> {
  for (;;) {
    const tried = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort))
    try {
      await listen(tried)
      return tried
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    }
  }
}

async function listen(at: number): Promise<undefined> {
  server = createServer({ noDelay: true }, (socket) => {
    seen.connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serveConnection(socket, context, { wantsSample: () => seen.samples.length < keep, arrived })
  })
  server.listen({ port: at, host: '127.0.0.1', backlog: 1024 })
  await once(server, 'listening')
}

function arrived(message: Arrived): void {
  seen.lastAt = nowMs()
  const [ofRun, number] = message.mark.split(' ')
  if (ofRun !== run) {
    seen.strangers += 1
    return
  }
  seen.numbers.push(Number(number))
  if (message.raw !== undefined && seen.samples.length < keep) seen.samples.push(message)
}
