/** The next hop, a process of its own: takes everything, and knows which message came how often. */
import { once } from 'node:events'
import { createServer } from 'node:net'
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
  /** Forgets what came, and counts for `run` from now on. */
  readonly begin: { readonly asks: { readonly run: string; readonly keep: number }; readonly answers: undefined }
  readonly count: { readonly asks: undefined; readonly answers: number }
  readonly arrivals: { readonly asks: undefined; readonly answers: Arrivals }
}

let run = ''
let keep = 0
let seen = fresh()

answerParent<SinkQuestions>({
  listen: ({ identity }) => listen(identity === undefined ? undefined : createSecureContext(identity)),
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

async function listen(context: SecureContext | undefined): Promise<{ readonly port: number }> {
  const server = createServer({ noDelay: true }, (socket) => {
    seen.connections += 1
    serveConnection(socket, context, { wantsSample: () => seen.samples.length < keep, arrived })
  })
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the next hop has no port')
  return { port: address.port }
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
