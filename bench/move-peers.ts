/** Who copies: Causeway's copier, mbsync and imapsync, each for a list of mailboxes with so many at a time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from './child.ts'
import type { CopierQuestions, Pair } from './move-copier.ts'
import { password } from './move-work.ts'
import { cpuSeconds, megabytes } from './usage.ts'

export type Task = {
  readonly sourcePort: number
  readonly targetPort: number
  readonly pairs: readonly Pair[]
  readonly workers: number
  readonly connections: number
  /** State of earlier passes; empty before the first. */
  readonly state: string
}
export type Taken = {
  readonly ms: number
  readonly cpuS: number
  readonly peakMegabytes: number
  readonly trouble: string
}

export type Peer = { readonly name: string; copy(task: Task): Promise<Taken>; readonly end: () => Promise<void> }

export async function causeway(): Promise<Peer> {
  const copier: Child<CopierQuestions> = await startChild<CopierQuestions>('move-copier.ts', undefined)
  return {
    name: 'Causeway',
    async copy({ state, ...task }) {
      mkdirSync(state, { recursive: true })
      const before = cpuSeconds([copier.pid])
      const peak = watchMemory(() => [copier.pid])
      const { ms, trouble } = await copier.ask('copy', { ...task, ledgerFile: join(state, 'migrate.db') })
      const peakMegabytes = peak()
      return { ms, cpuS: cpuSeconds([copier.pid]) - before, peakMegabytes, trouble: trouble.join('; ') }
    },
    end: copier.end,
  }
}

export const mbsync: Peer = {
  name: 'mbsync',
  copy: (task) => each(task, (pair) => mbsyncCommand(task, pair)),
  end: async () => {},
}

/** Not in Debian: IMAPSYNC names the program. */
export function imapsync(): Peer | undefined {
  const program = process.env['IMAPSYNC']
  if (program === undefined || !existsSync(program)) return undefined
  return {
    name: 'imapsync',
    copy: (task) => each(task, (pair) => imapsyncCommand(program, task, pair)),
    end: async () => {},
  }
}

/** One process for each mailbox, so many at a time. */
async function each(task: Task, command: (pair: Pair) => readonly string[]): Promise<Taken> {
  const left = [...task.pairs]
  const running = new Set<number>()
  const trouble: string[] = []
  const cpu = { seconds: 0 }
  const peak = watchMemory(() => [...running])
  const began = performance.now()
  const one = async (): Promise<void> => {
    for (let pair = left.shift(); pair !== undefined; pair = left.shift())
      await runOne(command(pair), running, trouble, cpu)
  }
  await Promise.all(Array.from({ length: task.workers }, one))
  return { ms: performance.now() - began, cpuS: cpu.seconds, peakMegabytes: peak(), trouble: trouble.join('; ') }
}

async function runOne(
  command: readonly string[],
  running: Set<number>,
  trouble: string[],
  cpu: { seconds: number },
): Promise<void> {
  // The shell tells what its child has used.
  const script = 'TIMEFORMAT="cpu %U %S"; time "$@"'
  const child = spawn('bash', ['-c', script, 'bash', ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said = `${said}${text.toString()}`.slice(-4000)
  })
  running.add(child.pid ?? 0)
  const [code] = await once(child, 'close')
  running.delete(child.pid ?? 0)
  const [, user = '0', system = '0'] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(said) ?? []
  cpu.seconds += Number(user) + Number(system)
  if (code !== 0) trouble.push(`${command[0]} ended with ${String(code)}: ${said.slice(0, 300)}`)
}

/** Ends with the highest of what was seen. */
function watchMemory(pids: () => readonly number[]): () => number {
  let peak = 0
  const look = (): void => {
    peak = Math.max(peak, megabytes(pids()))
  }
  const timer = setInterval(look, 200)
  return () => {
    clearInterval(timer)
    look()
    return peak
  }
}

function mbsyncCommand({ state, sourcePort, targetPort }: Task, { source, target }: Pair): readonly string[] {
  const dir = join(state, source)
  mkdirSync(join(dir, 'state'), { recursive: true })
  const account = (name: string, port: number, user: string): string => `IMAPAccount ${name}
Host 127.0.0.1
Port ${port}
User ${user}
Pass ${password}
SSLType None
AuthMechs LOGIN
Timeout 120
`
  writeFileSync(
    join(dir, 'rc'),
    `${account('a', sourcePort, source)}
${account('b', targetPort, target)}
IMAPStore far
Account a

IMAPStore near
Account b

Channel c
Far :far:
Near :near:
Patterns *
Sync Pull
Create Near
Expunge None
CopyArrivalDate yes
SyncState ${dir}/state/
`,
  )
  return ['mbsync', '-q', '-c', join(dir, 'rc'), 'c']
}

function imapsyncCommand(program: string, task: Task, { source, target }: Pair): readonly string[] {
  const side = (n: 1 | 2, port: number, user: string): readonly string[] => [
    ...[`--host${n}`, '127.0.0.1', `--port${n}`, String(port), `--user${n}`, user, `--password${n}`, password],
    ...[`--notls${n}`, `--nossl${n}`],
  ]
  mkdirSync(task.state, { recursive: true })
  const quiet = ['--nolog', '--noreleasecheck', '--noid', '--tmpdir', task.state]
  const pid = ['--pidfile', join(task.state, `${source}.pid`)]
  return ['perl', program, ...side(1, task.sourcePort, source), ...side(2, task.targetPort, target), ...quiet, ...pid]
}

/** What was appended lies behind the last fsync; servers write on for a moment. */
export const settle = (): Promise<void> => sleep(300)
