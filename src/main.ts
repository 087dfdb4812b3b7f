/** Composition root: puts the gateway together and hands it to the command line. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { destination, pino } from 'pino'
import { type Desk, type Figures, keyVault, makeKeyRing, prepareAllKeys, reportPost, startApi } from './api/api.ts'
import { processIo, runCli, Stop } from './cli/cli.ts'
import { makeResolver } from './dns/dns.ts'
import type { GatewayOptions, RunningGateway } from './lab/lab.ts'
import { openMigrations } from './migrate/migrate.ts'
import {
  differencesText,
  type LiveProject,
  loadProject,
  newlyHeld,
  openLiveProject,
  type Problem,
  problemText,
  type Renewal,
  type SecretSource,
  watchFiles,
} from './project/project.ts'
import { cameToText, type DiskWatchOptions, type EndedOrder, openQueue, orderText, watchDisk } from './queue/queue.ts'
import { inRanges } from './relay/admit/admit.ts'
import { makeAuthenticator } from './relay/authenticate/authenticate.ts'
import { Budget } from './relay/budget.ts'
import { makeCarrier } from './relay/carry/carry.ts'
import { type Deliverer, makeDeliverer } from './relay/deliver/deliver.ts'
import { makeDispatch } from './relay/dispatch/dispatch.ts'
import {
  asFarAsPossible,
  type Backend,
  beyondTheMachine,
  type Listener,
  type ListenOptions,
  listen,
  machine,
} from './relay/listen/listen.ts'
import { account, makeRecorder, type Recorder } from './relay/record/record.ts'
import { makeBackend } from './relay/relay.ts'
import { makeMemory } from './relay/settle/settle.ts'
import { openToken, passKey as passKeyOf } from './secrets/secrets.ts'
import { keyPlace, openVault } from './secrets/vault/vault.ts'
import { type Audit, claimFolder, makeAudit, openStore, sealedSecrets, tokenDigest } from './store/store.ts'
import { openTrace } from './trace/trace.ts'

const version = '0.1.0'
/** How long a sender waits for its next hops before what is left goes to the queue (docs/flow.md, "settle"). */
const deadlineMs = 30_000
/** What is in hand when we are told to stop may take so long, connections and the queue's attempts together. */
const drainMs = 25_000
/** So long a sender may still wait for its next hops; then what they have not taken is kept, while there is time to say so. */
const hurryMs = drainMs / 2

/** What comes to its end behind that, all of it together; what needs longer is given up, and loses nothing: mail is on disk. */
const closeMs = 8_000
/** Beyond that the log says which part it was. */
const slowMs = 3_000
const leastMs = 200
/** After the last word: whatever a part that was given up still holds open must not keep the process. */
const lingerMs = 1_000

type Log = Desk['log']

/** Starts a gateway in this process, all of it or nothing: what was opened is closed again when a later part fails. */
export async function startGateway(o: GatewayOptions): Promise<RunningGateway> {
  const log = makeLog(o.logLevel ?? 'info')
  const opened = new AsyncDisposableStack()
  try {
    const gateway = await assemble(o, opened, log)
    const running = opened.move()
    const stop = async (): Promise<void> => {
      await running.disposeAsync()
      log('info', 'stopped')
    }
    return { ...gateway, stop }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

/** The parts from the ground up. They end in the opposite order: the listener drains first, the store closes last. */
async function assemble(
  o: GatewayOptions,
  opened: AsyncDisposableStack,
  log: Log,
): Promise<Omit<RunningGateway, 'stop'>> {
  const now = () => new Date()
  const claim = must(claimFolder(o.dataDir))
  opened.defer(() => claim.release())
  const store = opened.adopt(must(openStore(o.dataDir)).db, (db) => db.close())
  const { isToken } = must(openToken(o.dataDir, tokenDigest(store)))
  const place = keyPlace(o.dataDir, o.keyFile)
  const { vault } = must(openVault({ rows: sealedSecrets(store), place, now: Date.now }))
  const { key: passKey } = must(passKeyOf(vault, o.dataDir))
  const secrets: SecretSource = (name) => vault.read('project', name)
  const live = reopened(() => openLiveProject(store, Date.now, secrets))
  const audit = makeAudit(store, Date.now)
  const before = live.current()
  if (o.projectFile !== undefined) applyFile(live, o.projectFile, secrets, log, audit)

  const kept = must(await openQueue({ dir: o.dataDir, onTrouble: (why) => log('error', 'queue', { why }) }))
  const stopping = { by: 0, hurry: new AbortController() }
  // A part has at least a moment, even if those before it have used up the time.
  const ended = (what: string, closing: Promise<void>): Promise<void> => {
    const left = stopping.by === 0 ? closeMs : stopping.by + closeMs - performance.now()
    return within(Math.max(leastMs, left), what, closing, log)
  }
  // It is waited for in any case: whoever opens the folder next must not meet it still writing.
  const queue = opened.adopt(kept.queue, async (q) => {
    const late = setTimeout(() => log('warn', 'stopping: the queue is still busy, and is waited for'), slowMs)
    await q.close()
    clearTimeout(late)
  })
  // After a restore that forgot it, say: mail that we have promised is gone, and nobody else would notice.
  if (kept.isNew && before !== undefined)
    log('error', 'queue.db was not there and is begun anew: what it held is not in the queue', { folder: o.dataDir })
  for (const name of newlyHeld(before, live.current())) {
    const order = await queue.endRelease(name)
    if (order !== undefined) noteEnded(audit, log, order)
  }
  const atStart = await queue.totals()
  const disk = opened.adopt(watchDisk(diskOptions(o.dataDir, live, log)), (d) => d.close())

  const servers = o.dnsServers.length === 0 ? {} : { servers: o.dnsServers }
  const resolver = opened.adopt(makeResolver(servers), (r) => r.close())
  // Who has just published a record and asks whether it is seen must not be told what was so a minute ago.
  const fresh = opened.adopt(makeResolver({ ...servers, maxKeepMs: 0 }), (r) => r.close())
  const onTrouble = (why: string): void => log('error', 'trace', { why })
  const trace = opened.adopt(openTrace({ file: join(o.dataDir, 'trace.db'), onTrouble }), (t) =>
    ended('trace', t.close()),
  )
  const recorder = makeRecorder(trace, now)
  const deliverer = opened.adopt(
    makeDeliverer({ hostname: hostname(live), dns: resolver, maxConnections: machine().outgoing }),
    (d) => ended('deliverer', d.close()),
  )
  const authenticator = opened.adopt(makeAuthenticator({ resolver, maxBytes: machine().contentBytes / 4 }), (a) =>
    ended('authenticator', a.close()),
  )
  const carrier = makeCarrier({ deliverer, keys: makeKeyRing(Date.now, keyVault(vault)), resolver, passKey, now })
  const project = () => live.current()
  const troubled = (what: string) => (why: string) => log('error', what, { why })
  const budget = new Budget(machine().contentBytes)
  const dispatch = makeDispatch({
    ...{ queue, carrier, recorder, project, now, budget },
    onTrouble: troubled('dispatch'),
    onReleaseEnded: (order) => noteEnded(audit, log, order),
  })
  opened.defer(() => ended('dispatch', dispatch.close(Math.max(0, stopping.by - performance.now()))))
  const { signal: hurry } = stopping.hurry
  const settler = { memory: makeMemory(), deadlineMs, hurry, queue, dispatch, disk, onTrouble: troubled('queue') }
  const pressure = { disk, figures: () => queue.figures }
  const backend = makeBackend({ project, authenticator, carrier, settler, recorder, queue, pressure, passKey, now })

  const migrations = opened.adopt(
    must(
      await openMigrations({
        dir: o.dataDir,
        vault,
        sendReport: reportPost({ live, queue, recorder, now, kick: () => dispatch.kick() }),
        hostname: () => hostname(live),
        onTrouble: troubled('mailbox move'),
      }),
    ).migrations,
    (m) => ended('mailbox move', m.close()),
  )

  const taking: { listener?: Listener } = {}
  const figures = () => ({
    ...figuresOf(recorder, taking.listener, deliverer),
    account: account(recorder.counts, atStart, queue.figures),
  })
  const tryLanes = (): void => dispatch.tryLanes()
  const desk: Desk = {
    isToken,
    live,
    trace,
    resolver: fresh,
    passKey,
    vault,
    audit,
    queue,
    disk,
    migrations,
    tryLanes,
    probeAt: (lane) => dispatch.probeAt(lane),
    figures,
    now,
    log,
  }
  const api = opened.adopt(await bound(startApi(desk, o.http)), (a) => ended('API', a.close()))
  const listener = opened.adopt(await bound(listen(listenOptions(o, live, backend, budget, log))), (l) =>
    l.drain(drainMs),
  )
  taking.listener = listener
  // First of all nothing more is taken out of the queue, while the connections come to their end.
  opened.defer(() => {
    stopping.by = performance.now() + drainMs
    setTimeout(() => stopping.hurry.abort(), hurryMs).unref()
    dispatch.stop()
  })
  whenProjectChanges(desk, listener)
  opened.adopt(watchFiles({ live, now, ...renewalLog(log) }), (w) => w.close())

  const url = `http://${api.host.includes(':') ? `[${api.host}]` : api.host}:${api.port}`
  writeFileSync(join(o.dataDir, 'api.url'), `${url}\n`, { mode: 0o600 })
  log('info', 'listening', { smtp: listener.addresses, http: url })
  return { smtp: listener.addresses, http: { url } }
}

/** Waits so long at most for a part to close, and says which one was not waited for. */
async function within(ms: number, what: string, closing: Promise<void>, log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<'over'>((resolve) => {
    timer = setTimeout(resolve, ms, 'over')
  })
  const began = performance.now()
  const came = await Promise.race([closing, over])
  clearTimeout(timer)
  const tookMs = Math.round(performance.now() - began)
  if (came === 'over') log('error', 'stopping: a part that does not end was given up', { what, tookMs })
  else if (tookMs >= slowMs) log('warn', 'stopping: a part took long to end', { what, tookMs })
}

/** The reserve is the project's, which may change while we run. */
function diskOptions(dir: string, live: LiveProject, log: Log): DiskWatchOptions {
  return {
    dir,
    get reserveBytes() {
      return live.current()?.gateway.diskReserveBytes
    },
    onChange: (isLow, why) => log(isLow ? 'error' : 'info', isLow ? 'disk is low' : 'disk has room again', { why }),
  }
}

/** One value, so that it is compiled once. */
const none: readonly string[] = []

/** The project may change while we run: what is read from it is read at each use. */
function listenOptions(
  o: GatewayOptions,
  live: LiveProject,
  backend: Backend,
  budget: Budget,
  log: Log,
): ListenOptions {
  return {
    budget,
    get hostname() {
      return hostname(live)
    },
    addresses: o.smtp,
    secureContext: () => live.current()?.gateway.tls,
    get limits() {
      return asFarAsPossible(live.current()?.gateway.limits ?? {})
    },
    backend,
    isBalancer: (address) => inRanges(live.current()?.gateway.proxies ?? none, address),
    onError: (error, what) => log('error', what, { error: String(error instanceof Error ? error.stack : error) }),
  }
}

function whenProjectChanges(desk: Desk, listener: Listener): void {
  const prepare = (): void => {
    prepareAllKeys(desk).catch((error: unknown) => desk.log('error', 'dkim', { error: String(error) }))
  }
  desk.live.onChange(() => listener.setTls())
  desk.live.onChange(() => listener.setLimits())
  let told = ''
  const tellLimits = (): void => {
    const what = beyondTheMachine(desk.live.current()?.gateway.limits ?? {}).join('; ')
    if (what !== '' && what !== told) desk.log('warn', 'gateway.limits', { what })
    told = what
  }
  desk.live.onChange(tellLimits)
  tellLimits()
  // Once whoever changed it is done: a key that is being set lies in the vault by then.
  desk.live.onChange(() => void setImmediate(prepare))
  prepare()
}

function renewalLog(log: Log): Pick<Renewal, 'onRenewed' | 'onTrouble' | 'onExpiring'> {
  return {
    onRenewed: (files) => log('info', 'files of the project were read again', { files }),
    onTrouble: (why) => log('error', 'changed files of the project cannot be used; those before stay', { why }),
    onExpiring: ({ text, advice, stage }) =>
      log(stage <= 1 ? 'error' : 'warn', 'certificate', { warning: text, advice }),
  }
}

/** An address that cannot be had is the operator's to mend, not a fault of the program. */
async function bound<T>(opening: Promise<T>): Promise<T> {
  return opening.catch((error: unknown) => {
    throw new Stop(3, `cannot listen: ${error instanceof Error ? error.message : String(error)}`)
  })
}

/** What the project names may be gone since: the operator's to mend, not a fault of the program. */
function reopened(open: () => LiveProject): LiveProject {
  try {
    return open()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Stop(3, `${why}\nA secret is set with --offline while the gateway is stopped.`)
  }
}

/** A file that was applied before, and has not changed since, leaves what was changed since by command. */
function applyFile(live: LiveProject, file: string, secrets: SecretSource, log: Log, audit: Audit): void {
  const loaded = loadProject(file, secrets)
  if (!loaded.ok) throw new Stop(2, `the project is not applied:\n${loaded.problems.map(problemText).join('\n')}`)
  warn(log, loaded.warnings)
  const before = live.current()?.name ?? ''
  const after = differencesText(live.differencesTo(loaded.value))
  const by = 'serve --project'
  if (!live.adoptFile(loaded.value, by)) return
  const { id, hash } = audit.add({ by, from: '', what: 'project.apply', object: file, before, after })
  log('info', 'project applied', { file, entries: loaded.value.table.size, changed: after, audit: id, hash })
}

/** What an order came to is nowhere else once the next one of its domain has ended. */
function noteEnded(audit: Audit, log: Log, order: EndedOrder): void {
  const told = { by: 'causeway', object: order.domain, before: orderText(order), after: cameToText(order) }
  const { id, hash } = audit.add({ ...told, from: '', what: 'domain.release.ended' })
  log('info', 'a release has ended', { ...told, audit: id, hash })
}

function warn(log: Log, warnings: readonly Problem[]): void {
  for (const warning of warnings) log('warn', 'project', { warning: problemText(warning) })
}

const hostname = (live: LiveProject): string => live.current()?.gateway.hostname ?? 'localhost'

function figuresOf(recorder: Recorder, listener: Listener | undefined, deliverer: Deliverer): Omit<Figures, 'account'> {
  return {
    counts: recorder.counts,
    connections: listener?.connections ?? 0,
    limits: listener?.limits ?? {},
    hops: deliverer.stats().destinations,
    isListening: listener !== undefined,
    full: listener?.full,
  }
}

/** Structured log lines on standard error; pino escapes what came from outside. */
function makeLog(least: 'info' | 'error'): Log {
  const logger = pino(
    { base: null, level: least, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ fd: 2, sync: true }),
  )
  return (level, what, facts) => logger[level](facts ?? {}, what)
}

function must<T extends { readonly ok: boolean }>(answer: T): Extract<T, { ok: true }> {
  if (isOk(answer)) return answer
  throw new Stop(3, 'why' in answer ? String(answer.why) : 'cannot start')
}
const isOk = <T extends { readonly ok: boolean }>(answer: T): answer is Extract<T, { ok: true }> => answer.ok

function leave(): void {
  makeLog('info')('warn', 'ended while something was still open', { open: process.getActiveResourcesInfo() })
  process.exit()
}

if (import.meta.main) {
  process.exitCode = await runCli({ io: processIo(), startGateway, version }, process.argv.slice(2))
  if (process.argv.includes('serve')) setTimeout(leave, lingerMs).unref()
}
