/** Composition root: puts the gateway together and hands it to the command line. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { destination, pino } from 'pino'
import { type Desk, makeKeyRing, prepareAllKeys, startApi } from './api/api.ts'
import { processIo, runCli } from './cli/cli.ts'
import { makeResolver, type Resolver } from './dns/dns.ts'
import type { GatewayOptions, RunningGateway } from './lab/lab.ts'
import { type LiveProject, loadProject, openLiveProject, type Problem, problemText } from './project/project.ts'
import { makeCarrier } from './relay/carry/carry.ts'
import { type Deliverer, makeDeliverer } from './relay/deliver/deliver.ts'
import { type Listener, listen } from './relay/listen/listen.ts'
import { makeRecorder, type Recorder } from './relay/record/record.ts'
import { makeBackend } from './relay/relay.ts'
import { makeMemory } from './relay/settle/settle.ts'
import { hmacKey, tokenFile } from './secrets/secrets.ts'
import { type Db, openStore } from './store/store.ts'
import { openTrace, type Trace } from './trace/trace.ts'

const version = '0.1.0'
/** How long a sender waits for its next hop before it is told to come back (docs/flow.md, "settle"). */
const deadlineMs = 30_000
const drainMs = 25_000

type Log = Desk['log']

/** Everything that runs, in the order in which it is ended. */
type Running = {
  readonly listener: Listener
  readonly deliverer: Deliverer
  readonly resolver: Resolver
  readonly trace: Trace
  readonly store: Db
}

/** Starts a gateway in this process. Throws, with a sentence for the operator, when it cannot. */
export async function startGateway(o: GatewayOptions): Promise<RunningGateway> {
  const log = makeLog()
  mkdirSync(o.dataDir, { recursive: true, mode: 0o700 })
  const token = must(tokenFile(o.dataDir)).token
  const passKey = hmacKey(o.dataDir)
  const store = must(openStore(o.dataDir)).db
  const live = openLiveProject(store, () => Date.now())
  if (o.projectFile !== undefined) applyFile(live, o.projectFile, log)
  const now = () => new Date()
  const resolver = makeResolver(o.dnsServers.length === 0 ? {} : { servers: o.dnsServers })
  const trace = openTrace({ file: join(o.dataDir, 'trace.db'), onTrouble: (why) => log('error', 'trace', { why }) })
  const recorder = makeRecorder(trace, now)
  const deliverer = makeDeliverer({ hostname: hostname(live), dns: resolver })
  const keys = makeKeyRing(Date.now)
  const carrier = makeCarrier({ deliverer, keys, resolver, passKey, now })
  const relay = {
    project: () => live.current(),
    carrier,
    settler: { memory: makeMemory(), deadlineMs },
    recorder,
    passKey,
    now,
  }
  const listener = await listen({
    get hostname() {
      return hostname(live)
    },
    addresses: o.smtp,
    secureContext: () => tlsOf(live),
    backend: makeBackend(relay),
    onError: (error, what) => log('error', what, { error: String(error instanceof Error ? error.stack : error) }),
  })
  const figures = () => figuresOf(recorder, listener, deliverer)
  const desk = { token, live, trace, resolver, passKey, figures, now, log }
  const prepare = (): void => {
    prepareAllKeys(desk).catch((error: unknown) => log('error', 'dkim', { error: String(error) }))
  }
  live.onChange(() => listener.setTls())
  live.onChange(prepare)
  prepare()
  const api = await startApi(desk, o.http)
  const url = `http://${api.host.includes(':') ? `[${api.host}]` : api.host}:${api.port}`
  writeFileSync(join(o.dataDir, 'api.url'), `${url}\n`, { mode: 0o600 })
  log('info', 'listening', { smtp: listener.addresses, http: url })
  return {
    smtp: listener.addresses,
    http: { url, token },
    async stop() {
      await api.close()
      await end({ listener, deliverer, resolver, trace, store })
      log('info', 'stopped')
    },
  }
}

async function end({ listener, deliverer, resolver, trace, store }: Running): Promise<void> {
  await listener.drain(drainMs)
  await deliverer.close()
  resolver.close()
  await trace.close()
  store.close()
}

/** A file that was applied before, and has not changed since, leaves what was changed since by command. */
function applyFile(live: LiveProject, file: string, log: Log): void {
  const loaded = loadProject(file)
  if (!loaded.ok) throw new Error(`the project is not applied:\n${loaded.problems.map(problemText).join('\n')}`)
  warn(log, loaded.warnings)
  if (live.adoptFile(loaded.value, 'serve --project'))
    log('info', 'project applied', { file, entries: loaded.value.table.size })
}

function warn(log: Log, warnings: readonly Problem[]): void {
  for (const warning of warnings) log('warn', 'project', { warning: problemText(warning) })
}

const hostname = (live: LiveProject): string => live.current()?.gateway.hostname ?? 'localhost'

function tlsOf(live: LiveProject) {
  const identity = live.current()?.gateway.tls
  if (identity === undefined) return undefined
  return 'pfx' in identity
    ? { pfx: identity.pfx, passphrase: identity.passphrase }
    : { cert: identity.cert, key: identity.key }
}

function figuresOf(recorder: Recorder, listener: Listener, deliverer: Deliverer) {
  return {
    counts: recorder.counts,
    connections: listener.connections,
    hops: deliverer.stats().destinations,
    isListening: listener.addresses.length > 0,
  }
}

/** Structured log lines on standard error; pino escapes what came from outside. */
function makeLog(): Log {
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ fd: 2, sync: true }))
  return (level, what, facts) => logger[level](facts ?? {}, what)
}

function must<T extends { readonly ok: boolean }>(answer: T): Extract<T, { ok: true }> {
  if (isOk(answer)) return answer
  throw new Error('why' in answer ? String(answer.why) : 'cannot start')
}
const isOk = <T extends { readonly ok: boolean }>(answer: T): answer is Extract<T, { ok: true }> => answer.ok

if (import.meta.main) {
  process.exitCode = await runCli({ io: processIo(), startGateway, version }, process.argv.slice(2))
}
