/**
 * The whole path in this process, put together as src/main.ts does it, between real sockets: what comes from 127.0.0.1 is
 * the tenant's when the project says so, what comes from 127.0.0.2 is the internet's; the next hop is our own listener,
 * which keeps what it takes. The project is set by the test and may change between messages.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { RecordResolver } from '../../src/dns/dns.ts'
import type { Reply } from '../../src/mail/reply/reply.ts'
import type { Project } from '../../src/project/project.ts'
import { makeAuthenticator } from '../../src/relay/authenticate/authenticate.ts'
import { makeCarrier } from '../../src/relay/carry/carry.ts'
import { makeDeliverer } from '../../src/relay/deliver/deliver.ts'
import { type Incoming, listen } from '../../src/relay/listen/listen.ts'
import { type Counts, makeRecorder } from '../../src/relay/record/record.ts'
import { makeBackend } from '../../src/relay/relay.ts'
import { makeMemory } from '../../src/relay/settle/settle.ts'
import type { TraceEvent } from '../../src/trace/trace.ts'

export const selector = 'test'

export type RunningRelay = AsyncDisposable & {
  /** Where the gateway listens, and where the next hop does. */
  readonly port: number
  readonly sinkPort: number
  readonly publicKey: KeyObject
  readonly counts: Readonly<Counts>
  readonly events: TraceEvent[]
  readonly arrived: Incoming[]
  /** What the backend threw: nothing, if all is well. */
  readonly errors: unknown[]
  use(project: Project): void
  /** What the next hop says to the next messages; undefined takes them. */
  answer(reply: ((incoming: Incoming) => Reply | undefined | Promise<Reply | undefined>) | undefined): void
}

/** One key for every domain: who signs is up to the project. */
export async function startRelay(
  o: { readonly deadlineMs?: number; readonly dns?: Pick<RecordResolver, 'records'> } = {},
): Promise<RunningRelay> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const events: TraceEvent[] = []
  const errors: unknown[] = []
  const now = () => new Date()
  const sink = await startSink()
  const deliverer = makeDeliverer({ hostname: 'gw.example.net', dns: noDns })
  const recorder = makeRecorder({ write: (written) => void events.push(...written) }, now)
  const passKey = Buffer.alloc(32, 5)
  const signers = async (_: Project, domain: string) => ({
    signers: [{ domain, selector, algorithm: 'rsa-sha256', key: privateKey } as const],
  })
  let project: Project | undefined
  const authenticator = makeAuthenticator({ resolver: { ...noDns, ...o.dns } })
  const carrier = makeCarrier({ deliverer, keys: { signers }, resolver: noDns, passKey, now })
  const settler = { memory: makeMemory(), deadlineMs: o.deadlineMs ?? 20_000 }
  const listener = await listen({
    hostname: 'gw.example.net',
    addresses: [{ host: '127.0.0.1', port: 0 }],
    secureContext: () => undefined,
    backend: makeBackend({ project: () => project, authenticator, carrier, settler, recorder, passKey, now }),
    onError: (error) => void errors.push(error),
  })
  return {
    port: listener.addresses[0]?.port ?? 0,
    sinkPort: sink.port,
    publicKey,
    counts: recorder.counts,
    events,
    arrived: sink.arrived,
    errors,
    use(next) {
      project = next
    },
    answer: (next) => sink.answer(next),
    async [Symbol.asyncDispose]() {
      await listener.drain(100)
      await deliverer.close()
      await authenticator.close()
      await sink.stop()
    },
  }
}

/** The next hop: our listener again, which says yes unless it is told otherwise. */
async function startSink() {
  const arrived: Incoming[] = []
  let answer: Parameters<RunningRelay['answer']>[0]
  const listener = await listen({
    hostname: 'mx.example',
    addresses: [{ host: '127.0.0.1', port: 0 }],
    secureContext: () => undefined,
    bareLineEnds: 'refuse',
    backend: {
      mail: () => undefined,
      rcpt: () => undefined,
      async message(incoming) {
        const reply = await answer?.(incoming)
        if (reply !== undefined && reply.code >= 400) return reply
        arrived.push(incoming)
        return reply ?? { code: 250, enhanced: '2.0.0', text: 'kept' }
      },
    },
  })
  return {
    arrived,
    port: listener.addresses[0]?.port ?? 0,
    answer(next: typeof answer) {
      answer = next
    },
    stop: () => listener.drain(100),
  }
}

/** Next hops are named by address; nothing else is asked. */
const noDns: RecordResolver = {
  addresses: async (host) => ({ kind: 'found', value: [{ address: host, family: 4 }] }),
  mx: async () => ({ kind: 'unknown', why: 'no DNS here' }),
  txt: async () => ({ kind: 'absent' }),
  ns: async () => ({ kind: 'absent' }),
  cname: async () => ({ kind: 'absent' }),
  records: async () => ({ kind: 'absent', nameExists: false }),
  close() {},
}
