/** The real program as a process of its own, with whatever is put around it: strace, a limit, a preloaded library. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../../tools/source-tree.ts'
import { until, watch } from '../support/program.ts'
import { undoAtExit } from './undo.ts'

export type ServeOptions = {
  readonly data: string
  readonly project: string
  /** The same at each start, so that senders find it again. */
  readonly port: number
  /** Where it listens. Default: 127.0.0.1. */
  readonly host?: string
  /** ADDRESS:PORT */
  readonly dns: string
  /** Words in front of the command. */
  readonly wrap?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly readyWithinMs?: number
}

export type Served = {
  readonly startedInMs: number
  readonly hasEnded: boolean
  /** Of the API. */
  readonly url: string
  log(): string
  /** Of the program, not of what was put around it. */
  pid(): number
  rssMegabytes(): number
  /** What the API answers; undefined when it has no such resource. */
  ask(method: string, path: string, body?: unknown): Promise<Answered | undefined>
  metrics(): Promise<ReadonlyMap<string, number>>
  /** SIGKILL to the whole process group. */
  kill(): Promise<void>
  /** SIGTERM to the program; the exit code. */
  stop(): Promise<number | null>
}
export type Answered = { readonly status: number; readonly body: unknown }

const causeway = join(repositoryRoot, 'bin/causeway')
/** Whoever is killed takes the rest along. */
const withParent = ['setpriv', '--pdeathsig', 'KILL']

export async function serve(o: ServeOptions): Promise<Served> {
  mkdirSync(o.data, { recursive: true })
  const places = ['--smtp', `${o.host ?? '127.0.0.1'}:${o.port}`, '--http', '127.0.0.1:0', '--dns', o.dns]
  const wrap = o.wrap === undefined ? [] : [...o.wrap, ...withParent]
  const command = [...withParent, ...wrap, causeway, 'serve', '--data', o.data, ...places, '--project', o.project]
  const [program = '', ...args] = command
  const from = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...o.env },
  })
  const running = watch(child)
  const done = undoAtExit(() => signalGroup(running.pid))
  child.once('close', done)
  const kill = async (): Promise<void> => {
    if (running.hasEnded) return
    const ended = once(child, 'close')
    signalGroup(running.pid)
    await ended
  }
  try {
    await ready(running, o.readyWithinMs ?? 30_000)
  } catch (error) {
    await kill()
    throw error
  }
  const startedInMs = performance.now() - from
  const url = readFileSync(join(o.data, 'api.url'), 'utf8').trim()
  const token = readFileSync(join(o.data, 'api.token'), 'utf8').trim()
  return {
    startedInMs,
    url,
    get hasEnded() {
      return running.hasEnded
    },
    log: running.output,
    pid: () => programBelow(running.pid),
    rssMegabytes: () => rss(programBelow(running.pid)),
    ask: (method, path, body) => ask(`${url}${path}`, token, method, body),
    metrics: async () => readMetrics(await (await fetch(`${url}/metrics`)).text()),
    kill,
    async stop() {
      if (running.hasEnded) return running.stop()
      const ended = once(child, 'close')
      process.kill(programBelow(running.pid), 'SIGTERM')
      await ended
      return child.exitCode
    },
  }
}

async function ready(running: ReturnType<typeof watch>, withinMs: number): Promise<void> {
  const look = (): true | undefined => {
    if (running.hasEnded) throw new Error(`ended before it was ready\n${running.output().slice(-3000)}`)
    return /^ready$/m.test(running.output()) || undefined
  }
  await until('`ready`', look, running.output, withinMs)
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {} // it has ended in this moment
}

/** The process that runs src/main.ts: `root` itself, or one that it started. */
function programBelow(root: number): number {
  for (let waiting = [root]; waiting.length > 0; ) {
    const found = waiting.find((pid) =>
      proc(pid, 'cmdline')
        .split('\0')
        .some((word) => word.endsWith('src/main.ts')),
    )
    if (found !== undefined && !proc(found, 'comm').startsWith('strace')) return found
    waiting = waiting.flatMap(childrenOf)
  }
  return root
}

function childrenOf(pid: number): readonly number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.flatMap((thread) => proc(pid, `task/${thread}/children`).split(' ').filter(Boolean).map(Number))
  } catch {
    return []
  }
}

const rss = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(proc(pid, 'status'))?.[1] ?? 0) / 1024

/** Empty when it has ended. */
function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

async function ask(url: string, token: string, method: string, body: unknown): Promise<Answered | undefined> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const text = await answer.text()
  if (answer.status === 404) return undefined
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** The text format of Prometheus, by name with labels. */
function readMetrics(text: string): ReadonlyMap<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}
