/**
 * The whole path in this process, put together as src/main.ts does it, between real sockets: what comes from 127.0.0.1 is
 * the tenant's when the project says so, what comes from 127.0.0.2 is the internet's; the next hop is our own listener,
 * which keeps what it takes. The project is set by the test and may change between messages.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, type KeyPairKeyObjectResult } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordResolver } from '../../src/dns/dns.ts'
import type { Reply } from '../../src/mail/reply/reply.ts'
import type { Project } from '../../src/project/project.ts'
import { type NewMessage, openQueue, type Put, type Queue } from '../../src/queue/queue.ts'
import { makeAuthenticator } from '../../src/relay/authenticate/authenticate.ts'
import { makeCarrier } from '../../src/relay/carry/carry.ts'
import { makeDeliverer } from '../../src/relay/deliver/deliver.ts'
import { type DispatchParts, type DispatchTimes, makeDispatch } from '../../src/relay/dispatch/dispatch.ts'
import { type Backend, type Incoming, listen } from '../../src/relay/listen/listen.ts'
import { type Account, account, type Counts, imbalance, makeRecorder } from '../../src/relay/record/record.ts'
import { makeBackend } from '../../src/relay/relay.ts'
import { makeMemory } from '../../src/relay/settle/settle.ts'
import type { TraceEvent } from '../../src/trace/trace.ts'

export const selector = 'test'

export type RunningRelay = AsyncDisposable & {
  readonly queue: Queue
  /** The account of all recipients, and by how many it is wrong. */
  account(): Promise<Account & { readonly wrong: number }>
  /** The queue's clock goes on by so much. */
  pass(ms: number): void
  /** What the disk says to the next messages; undefined keeps them. It is low once somebody looks while it is full. */
  disk: {
    isLow: boolean
    look(): Promise<void>
    refusal: { readonly isFull: boolean } | undefined
    /** So many results are not taken. */
    failFinish: number
  }
  /** Called when a message has come, before anything looks at it. */
  readonly hooks: { beforeMessage: (() => void) | undefined }
  /** What the log would have. */
  readonly troubles: string[]
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

export type RelayOptions = {
  readonly deadlineMs?: number
  readonly dns?: Pick<RecordResolver, 'records'>
  /** A data folder that outlives this relay; otherwise one of its own. */
  readonly dir?: string
  readonly times?: DispatchTimes
  readonly maxMessages?: number
  /** What the queue may have in hand. */
  readonly inHand?: Pick<DispatchParts, 'maxInHand' | 'maxBytesInHand' | 'budget'>
}

/** Made once: it takes longer than most of what is tested with it. */
let keys: KeyPairKeyObjectResult | undefined

/** One key for every domain: who signs is up to the project. */
export async function startRelay(o: RelayOptions = {}): Promise<RunningRelay> {
  const { publicKey, privateKey } = (keys ??= generateKeyPairSync('rsa', { modulusLength: 2048 }))
  const events: TraceEvent[] = []
  const errors: unknown[] = []
  const now = () => new Date()
  const sink = await startSink()
  const deliverer = makeDeliverer({ hostname: 'gw.example.net', dns: noDns, timeouts: { closing: 200 } })
  const recorder = makeRecorder({ write: (written) => void events.push(...written) }, now)
  const passKey = Buffer.alloc(32, 5)
  const signers = async (_: Project, domain: string) => ({
    signers: [{ domain, selector, algorithm: 'rsa-sha256', key: privateKey } as const],
  })
  let project: Project | undefined
  const authenticator = makeAuthenticator({ resolver: { ...noDns, ...o.dns } })
  const carrier = makeCarrier({ deliverer, keys: { signers }, resolver: noDns, passKey, now })
  const troubles: string[] = []
  const onTrouble = (why: string) => void troubles.push(why)
  const dir = o.dir ?? mkdtempSync(join(tmpdir(), 'relay-'))
  let passed = 0
  const clock = () => Math.round(performance.timeOrigin + performance.now() + passed)
  const opened = await openQueue({ dir, now: clock, onTrouble })
  assert.ok(opened.ok, opened.ok ? '' : opened.why)
  const { queue } = opened
  const atStart = await queue.totals()
  const disk: RunningRelay['disk'] = {
    isLow: false,
    async look() {
      disk.isLow = disk.refusal?.isFull === true
    },
    refusal: undefined,
    failFinish: 0,
  }
  const put = (message: NewMessage): Promise<Put> =>
    disk.refusal === undefined ? queue.put(message) : Promise.resolve({ ok: false, why: 'a test', ...disk.refusal })
  const finish: Queue['finish'] = async (...what) => {
    if (disk.failFinish === 0) return queue.finish(...what)
    disk.failFinish -= 1
    throw new Error('no space left')
  }
  const times = { tickMs: 20, firstPauseMs: 50, longestPauseMs: 200, ...o.times }
  const current = () => project
  const troubled = new Proxy(queue, { get: (of, key) => (key === 'finish' ? finish : bound(of, key)) })
  const ofDispatch = { queue: troubled, carrier, recorder, project: current, now, onTrouble, times }
  const dispatch = makeDispatch({ ...ofDispatch, ...o.inHand })
  const { deadlineMs = 20_000 } = o
  const settler = { memory: makeMemory(), deadlineMs, queue: { put }, dispatch, disk, onTrouble }
  const { maxMessages = 1000 } = o
  const hooks: RunningRelay['hooks'] = { beforeMessage: undefined }
  const withHooks = (parts: Parameters<typeof makeBackend>[0]): Backend => {
    const backend = makeBackend(parts)
    return {
      ...backend,
      message(incoming) {
        hooks.beforeMessage?.()
        return backend.message(incoming)
      },
    }
  }
  const pressure = { disk, figures: () => queue.figures, marks: { messages: maxMessages, bytes: 1e9 } }
  const listener = await listen({
    hostname: 'gw.example.net',
    addresses: [{ host: '127.0.0.1', port: 0 }],
    secureContext: () => undefined,
    backend: withHooks({
      project: current,
      authenticator,
      carrier,
      settler,
      recorder,
      queue,
      pressure,
      passKey,
      now,
    }),
    onError: (error) => void errors.push(error),
  })
  return {
    port: listener.addresses[0]?.port ?? 0,
    sinkPort: sink.port,
    publicKey,
    counts: recorder.counts,
    queue,
    disk,
    troubles,
    hooks,
    async account() {
      const made = account(recorder.counts, atStart, await queue.totals())
      return { ...made, wrong: imbalance(made) }
    },
    pass(ms) {
      passed += ms
      dispatch.kick()
    },
    events,
    arrived: sink.arrived,
    errors,
    use(next) {
      project = next
    },
    answer: (next) => sink.answer(next),
    async [Symbol.asyncDispose]() {
      dispatch.stop()
      await listener.drain(100)
      await dispatch.close(50)
      await deliverer.close()
      await queue.close()
      if (o.dir === undefined) rmSync(dir, { recursive: true })
      await authenticator.close()
      await sink.stop()
    },
  }
}

/** A part of an object with private fields, as the object itself would give it. */
function bound(of: Queue, key: string | symbol): unknown {
  const part: unknown = Reflect.get(of, key, of)
  return typeof part === 'function' ? part.bind(of) : part
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
    // Addresses that are rewritten may be longer than those that came.
    limits: { headerBytes: 1 << 20, headerFieldBytes: 1 << 20 },
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
