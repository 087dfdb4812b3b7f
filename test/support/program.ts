/** Servers that are not ours, started for a test: what is missing for them, their process, and waiting until they answer. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

/** Where Debian keeps them; sbin is not in everybody's PATH. */
const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

const packages = {
  postfix: 'postfix',
  named: 'bind9',
  dig: 'bind9-dnsutils',
  opendkim: 'opendkim',
  dkimverify: 'python3-dkim',
  swaks: 'swaks',
  haproxy: 'haproxy',
  dovecot: 'dovecot-imapd',
  radicale: 'radicale',
} as const
export type Program = keyof typeof packages

/**
 * For the `skip` of a test: false when all are here, otherwise what to do. On CI nothing is skipped: there it throws.
 * Postfix starts as root only, and ports 25 and 53 are root's.
 */
export function missing(...programs: readonly Program[]): string | false {
  const absent = programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))))
  const reason =
    absent.length > 0
      ? `missing: apt-get install -y --no-install-recommends ${absent.map((name) => packages[name]).join(' ')}`
      : process.getuid?.() === 0
        ? undefined
        : 'real mail servers start as root only: run this test as root'
  if (reason === undefined) return false
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

export type Running = {
  readonly pid: number
  readonly hasEnded: boolean
  /** What it wrote to standard output and standard error. */
  readonly output: () => string
  /** Asks it to end, and waits. The exit code; null when it had to be killed. */
  readonly stop: () => Promise<number | null>
}

/** Starts a program that stays in the foreground. It ends with this process, however this process ends. */
export function startProgram(argv: readonly string[], cwd: string): Running {
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...argv], {
    cwd,
    detached: true, // leads a process group of its own, so that its children can be ended with it
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: folders.join(':'), LC_ALL: 'C' },
  })
  return watch(child)
}

/** Keeps what a child says, and ends it. */
export function watch(child: ChildProcess): Running {
  const said: string[] = []
  child.stdout?.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  const ended = once(child, 'close').then(() => child.exitCode)
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  return {
    pid: child.pid ?? 0,
    output: () => said.join(''),
    get hasEnded() {
      return hasEnded()
    },
    async stop() {
      if (hasEnded()) return ended
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), stopMs)
      const code = await ended
      clearTimeout(late)
      return code
    },
  }
}
const stopMs = 30_000

/** Runs a tool to its end. */
export function runTool(argv: readonly string[], input?: string | Buffer): { code: number | null; out: string } {
  const [command = '', ...args] = argv
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: folders.join(':'), LC_ALL: 'C' },
    ...(input === undefined ? {} : { input }),
  })
  return { code: done.status, out: `${done.stdout}${done.stderr}` }
}

/** Looks again and again until there is an answer. The error tells what was waited for, and what `about` knows. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  about: () => string = () => '',
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`waited ${withinMs / 1000} s for ${what}\n${about()}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** Resolves when somebody answers there. Otherwise the program is ended, and what it said is in the error. */
export async function untilListening(
  host: string,
  port: number,
  program: Running,
  said: () => string = program.output,
): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    if (program.hasEnded) throw new Error(`ended before it listened on ${host}:${port}\n${said()}`)
    return (await answers(host, port)) || undefined
  }
  try {
    await until(`${host}:${port}`, look, said)
  } catch (error) {
    await program.stop()
    throw error
  }
}

export function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
