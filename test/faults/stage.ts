/** What most faults are played on: books, hops, a project, the program; all of it is taken away in the end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDns } from '../../src/lab/dns-server/dns-server.ts'
import { freePort, onFreePort } from '../support/ports.ts'
import { type Hop, startHop } from './hop.ts'
import { type Count, type Ledger, makeLedger } from './ledger.ts'
import { type Place, type ProjectOptions, projectText } from './project-text.ts'
import { drain, keptIn } from './queue-client.ts'
import { type Crowd, type CrowdOptions, makeSender, type Sender, type SenderOptions, startCrowd } from './sender.ts'
import { type Served, type ServeOptions, serve } from './served.ts'
import { undoAtExit } from './undo.ts'

export type StageOptions = {
  /** Tenants beside contoso; each has a hop. Default: fabrikam. */
  readonly tenants?: readonly string[]
  readonly project?: Omit<ProjectOptions, 'hops' | 'home'>
  /** Where the program keeps its data. Default: a folder of the stage. */
  readonly data?: string
  /** Where the program listens, and where the hops do. Default: loopback. */
  readonly serveAt?: string
  readonly hopHost?: string
  /** Where a tenant's hop is reached, when not where it listens. */
  readonly places?: { readonly [name: string]: Place }
  /** A hop for all that contoso writes to the outside. */
  readonly outside?: true
}

export type Stage = AsyncDisposable & {
  readonly dir: string
  readonly data: string
  readonly ledger: Ledger
  /** The hop of that tenant; `home` is contoso's. */
  hop(name: string): Hop
  readonly project: string
  readonly port: number
  /** Starts the program; once more after a kill. */
  start(o?: Partial<ServeOptions>): Promise<Served>
  /** The one that was started last. */
  readonly served: Served
  readonly sender: (o?: Partial<SenderOptions>) => Sender
  crowd(o: Omit<CrowdOptions, 'port'>): Crowd
  /** SIGKILL under way: what is in flight at this moment may come twice. */
  kill(): Promise<void>
  /** Everything in the queue is tried, again and again, until nothing is left that waits. */
  drain(o?: { readonly withinMs?: number }): Promise<void>
  count(): Promise<Count>
  /** In the end, before the program and all others are ended. */
  readonly defer: (end: () => unknown) => void
}

export async function setStage(o: StageOptions = {}): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'causeway-fault-'))
  const stack = new AsyncDisposableStack()
  const remove = (): void => rmSync(dir, { recursive: true, force: true })
  stack.defer(undoAtExit(remove))
  stack.defer(remove)
  const ledger = makeLedger()
  const hops = new Map<string, Hop>()
  for (const name of ['home', ...(o.outside === true ? ['outside'] : []), ...(o.tenants ?? ['fabrikam'])])
    hops.set(name, await startHop(ledger, { host: o.hopHost ?? '127.0.0.1' }))
  stack.defer(async () => void (await Promise.all([...hops.values()].map((hop) => hop.stop()))))
  const hop = (name: string): Hop => {
    const found = hops.get(name)
    if (found === undefined) throw new Error(`there is no hop ${name}`)
    return found
  }
  const project = join(dir, 'project.yaml')
  writeFileSync(project, projectText(projectOptions(o, hop)))
  // It knows no name at all, and says so: a sender from the internet has no policy that he could break.
  const dns = await startDns()
  dns.addZone('')
  stack.defer(() => dns.close())
  const data = o.data ?? join(dir, 'data')
  let port = await freePort()
  const at = o.serveAt === undefined ? {} : { host: o.serveAt }
  let served: Served | undefined
  const running = (): Served => {
    if (served === undefined) throw new Error('the program was not started')
    return served
  }
  stack.defer(async () => served?.kill())
  const senders: Sender[] = []
  stack.defer(() => senders.forEach((sender) => sender.close()))
  return {
    dir,
    data,
    ledger,
    hop,
    project,
    get port() {
      return port
    },
    get served() {
      return running()
    },
    async start(more = {}) {
      const isFirst = served === undefined
      await served?.kill()
      served = await onFreePort(
        (chosen) => {
          port = chosen
          return serve({ data, project, port, dns: dns.address, ...at, ...more })
        },
        // Senders find it again after a kill; nobody had a reason to look for it before the first start.
        async () => (isFirst ? freePort() : port),
      )
      return served
    },
    sender(more = {}) {
      const sender = makeSender(ledger, { port, ...more })
      senders.push(sender)
      return sender
    },
    crowd(more) {
      const crowd = startCrowd(ledger, { port, ...more })
      stack.defer(() => crowd.abandon())
      return crowd
    },
    async kill() {
      await running().kill()
      for (const each of hops.values()) ledger.allow(each.inFlight())
    },
    drain: (how = {}) => drain(running(), how.withinMs),
    count: async () => ledger.count(await keptIn(running())),
    defer: (end) => stack.defer(async () => void (await end())),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function projectOptions(o: StageOptions, hop: (name: string) => Hop): ProjectOptions {
  const place = (name: string): Place => o.places?.[name] ?? hop(name)
  const hops = (o.tenants ?? ['fabrikam']).map((name) => [name, place(name)] as const)
  const outside = o.outside === true ? { outside: hop('outside') } : {}
  return { home: hop('home'), hops: Object.fromEntries(hops), ...outside, ...o.project }
}
