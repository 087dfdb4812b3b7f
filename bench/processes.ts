/**
 * Processes that the benchmark starts, and their end: each is ended by its id, whatever happens.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Endings = {
  add(end: () => Promise<void> | void): void
  /** Everything that was added, the last one first; what fails does not keep the others alive. */
  readonly all: () => Promise<void>
}

export function makeEndings(): Endings {
  const waiting: (() => Promise<void> | void)[] = []
  return {
    add: (end) => void waiting.push(end),
    async all() {
      for (let end = waiting.pop(); end !== undefined; end = waiting.pop()) {
        try {
          await end()
        } catch (error) {
          console.error('bench: could not clean up:', error)
        }
      }
    },
  }
}

/** A core to run on, or any. */
export type Core = number | undefined

/** A command that stays on one core together with everything it starts; taskset replaces itself, so the id is the command's. */
export function onCore(core: Core, command: readonly string[]): readonly [string, readonly string[]] {
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  return [program, args]
}

export type Started = { readonly child: ChildProcess; readonly pid: number; readonly end: () => Promise<void> }

/** Starts a server whose output goes to a file. In a process group of its own: Ctrl-C reaches us, and we end it. */
export async function startServer(
  core: Core,
  command: readonly string[],
  o: { readonly logFile: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Started> {
  const log = openSync(o.logFile, 'a')
  const [program, args] = onCore(core, command)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', log], detached: true, env: o.env ?? process.env })
  await once(child, 'spawn')
  const { pid } = child
  if (pid === undefined) throw new Error(`${command.join(' ')} has no process id`)
  return { child, pid, end: () => endChild(child) }
}

/** SIGTERM, and after a while SIGKILL. */
export async function endChild(child: ChildProcess, patienceMs = 30_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await exited
  clearTimeout(late)
}

/** Runs a command to its end. Throws with its words when it fails. */
export async function run(command: readonly string[], input: string | Buffer = ''): Promise<string> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code === 0) return Buffer.concat(out).toString()
  throw new Error(`${command.join(' ')} ended with ${String(code)}: ${Buffer.concat([...err, ...out]).toString()}`)
}

/** Waits until something is so; throws with `why` when it takes too long. */
export async function until(isSo: () => boolean | Promise<boolean>, why: () => string, maxMs = 20_000): Promise<void> {
  const giveUpAt = Date.now() + maxMs
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error(why())
    await sleep(50)
  }
}

export function lastLines(file: string, count = 15): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
