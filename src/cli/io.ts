/** What a command reads and writes, passed in so that tests can listen. */
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import type { Command } from 'commander'
import type { StartGateway } from '../lab/lab.ts'

export type Io = {
  out(text: string): void
  err(text: string): void
  readonly isTerminal: boolean
  /** A line from the terminal; only asked for when it is one. */
  ask(question: string): Promise<string>
  /** Resolves at SIGTERM or SIGINT. */
  stopped(): Promise<void>
}

/** Ends a command with a sentence and an exit code: 1 the answer is no, 2 wrong usage, 3 could not ask. */
export class Stop extends Error {
  readonly code: 1 | 2 | 3
  constructor(code: 1 | 2 | 3, message: string) {
    super(message)
    this.code = code
  }
}

/** What every command is given. */
export type CliParts = { readonly io: Io; readonly startGateway: StartGateway; readonly version: string }

export type Run = (job: () => Promise<number>) => () => Promise<void>

/** The gateway that a command talks to: its data directory, and where the token lies if not there. */
export type GatewayPlace = { readonly data: string; readonly tokenFile?: string }

/** Options given to the program itself or to any command on the way to this one. */
export function shared(command: Command): { readonly at: GatewayPlace; readonly json: boolean } {
  const { data, tokenFile, json } = command.optsWithGlobals<{ data?: string; tokenFile?: string; json?: boolean }>()
  return { at: { data: data ?? '/var/lib/causeway', ...(tokenFile && { tokenFile }) }, json: json === true }
}

export function processIo(): Io {
  process.stdout.on('error', outputFailed)
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stdin.isTTY && process.stdout.isTTY,
    ask: (question) => askAt(question, process.stdin, process.stdout),
    stopped: () =>
      new Promise((resolve) => {
        process.once('SIGTERM', () => resolve())
        process.once('SIGINT', () => resolve())
      }),
  }
}

/** Whoever reads no further (`| head`) has what he wanted, and what was asked for is done all the same. */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return
  process.stderr.write(`causeway: the answer cannot be written: ${error.message}\n`)
  process.once('exit', (code) => {
    process.exitCode = code === 0 ? 3 : code
  })
}

/** Ctrl-C and Ctrl-D are a no. Ctrl-D leaves the question without an answer for ever; only the end of the input tells. */
export async function askAt(question: string, input: Readable, output: Writable): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const isTerminal = 'isTTY' in output && output.isTTY === true
  const lines = createInterface({ input, output, terminal: isTerminal })
  const given = lines.question(question).catch(() => undefined)
  // A last line may come together with the end: it counts.
  const ended = new Promise<undefined>((resolve) => {
    lines.once('close', () => setImmediate(() => resolve(undefined)))
  })
  const answer = await Promise.race([given, ended])
  lines.close()
  if (answer !== undefined) return answer
  output.write('\n')
  throw new Stop(1, 'nothing was done')
}

/** A file that the user named; one sentence when it cannot be read. */
export function readInput(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    throw new Stop(2, `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What JSON.stringify lets through, and a terminal may obey: C1 controls, bidirectional and other format characters. */
const unsafe = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu

/** For programs; what strangers wrote is the same to them when it is escaped. */
export function jsonText(value: unknown, indent: 0 | 2 = 2): string {
  const escaped = (found: string): string =>
    found.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${JSON.stringify(value, undefined, indent).replace(unsafe, escaped)}\n`
}

/** Columns as wide as their widest cell; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, i) => rows.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), 0)) ?? []
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}
