/** The real gateway as a process of its own: `causeway serve`, and the other commands against it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TraceEvent } from '../../src/trace/trace.ts'
import { repositoryRoot } from '../../tools/source-tree.ts'
import { until, watch } from './program.ts'

export type Place = { readonly host: string; readonly port: number }
export type GatewayOptions = {
  /** Made when it is not there; what a gateway before it left there is its state. */
  readonly data: string
  /** Default: a port of 127.0.0.1 that the system chooses. */
  readonly smtp?: readonly Place[]
  readonly project?: string
  /** Default: an address where nobody answers. */
  readonly dns?: Place
}

export type CommandResult = { readonly code: number | null; readonly out: string; readonly err: string }
export type Gateway = {
  readonly pid: number
  readonly data: string
  readonly smtp: readonly Place[]
  readonly url: string
  readonly token: string
  log(): string
  /** A command against this gateway. */
  run(...args: readonly string[]): Promise<CommandResult>
  /** All events of the trace. */
  events(): Promise<readonly TraceEvent[]>
  metrics(): Promise<ReadonlyMap<string, number>>
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>
}

const causeway = join(repositoryRoot, 'bin/causeway')

/** One command, to its end. Standard input is no terminal. */
export async function runCauseway(args: readonly string[], input = ''): Promise<CommandResult> {
  const child = spawn(causeway, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.on('error', () => {}) // a command that reads nothing may end before it was written
  child.stdin.end(input)
  await once(child, 'close')
  return { code: child.exitCode, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

export async function startGateway(o: GatewayOptions): Promise<Gateway> {
  mkdirSync(o.data, { recursive: true })
  const dns = o.dns ?? { host: '127.0.0.1', port: 9 }
  const smtp = (o.smtp ?? [{ host: '127.0.0.1', port: 0 }]).flatMap(({ host, port }) => ['--smtp', `${host}:${port}`])
  const project = o.project === undefined ? [] : ['--project', o.project]
  const fixed = ['serve', '--data', o.data, '--http', '127.0.0.1:0', '--dns', `${dns.host}:${dns.port}`]
  const child = spawn(causeway, [...fixed, ...smtp, ...project], { stdio: ['ignore', 'pipe', 'pipe'] })
  const running = watch(child)
  await until(
    '`ready`',
    () => {
      if (running.hasEnded) throw new Error(`the gateway ended before it was ready\n${running.output()}`)
      return /^ready$/m.test(running.output()) || undefined
    },
    running.output,
  )
  const url = readFileSync(join(o.data, 'api.url'), 'utf8').trim()
  const file = join(o.data, 'api.token')
  const token = existsSync(file) ? readFileSync(file, 'utf8').trim() : '' // a test may have taken it away
  return {
    pid: running.pid,
    data: o.data,
    smtp: listeningAt(running.output()),
    url,
    token,
    log: running.output,
    run: (...args) => runCauseway(['--data', o.data, ...args]),
    events: () => events(url, token),
    metrics: () => metrics(url),
    stop: running.stop,
  }
}

function listeningAt(log: string): readonly Place[] {
  const line = log.split('\n').find((l) => l.includes('"msg":"listening"')) ?? '{}'
  const { smtp = [] }: { smtp?: readonly Place[] } = JSON.parse(line)
  return smtp
}

async function events(url: string, token: string): Promise<readonly TraceEvent[]> {
  const asked = await fetch(`${url}/v1/trace?limit=10000`, { headers: { authorization: `Bearer ${token}` } })
  const answer = (await asked.json()) as { events: readonly TraceEvent[] }
  return answer.events
}

/** The text format of Prometheus, by name with labels. */
async function metrics(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}
