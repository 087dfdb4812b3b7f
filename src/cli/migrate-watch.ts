/** `causeway migrate watch`: how it goes on, in place in a terminal, as lines elsewhere. */
import type { Command } from 'commander'
import { batchesSchema, batchSchema } from '../api/api.ts'
import { type ApiClient, connect } from './client.ts'
import { bytes, cell, localTime, number } from './figures.ts'
import { type CliParts, type Io, type Run, Stop, shared } from './io.ts'
import { activeLine, type Batch, gbPerHour, perSecond, summaryText, timeLeft } from './migrate-text.ts'

type Options = { readonly every?: string; readonly follow?: boolean; readonly once?: boolean }

export function addWatch(group: Command, { io }: CliParts, run: Run): void {
  const command = group
    .command('watch')
    .description('see how it goes on; ends when nothing goes on any more (exit 1 when something failed)')
    .argument('[name]', 'default: all batches')
    .option('--every <seconds>', 'between two looks; default: 1 in a terminal, 10 elsewhere')
    .option('--follow', 'stay when all are in step, until Ctrl-C')
    .option('--once', 'one look')
  command.action((name: string | undefined, options: Options) =>
    run(async () => {
      const { at, json } = shared(command)
      const screen = json || !io.isTerminal || options.once === true ? linesTo(io, json) : screenOn(io)
      const ms = everyMs(options, io)
      const [follow, once] = [options.follow === true, options.once === true]
      return watch(() => connect(at), { name, screen, ms, io, follow, once })
    })(),
  )
}

function everyMs({ every }: Options, io: Io): number {
  if (every === undefined) return io.isTerminal ? 1000 : 10_000
  if (!/^\d{1,4}(?:\.\d)?$/.test(every) || Number(every) === 0) throw new Stop(2, '--every takes seconds, such as 5')
  return Number(every) * 1000
}

/** Ctrl-C ends the look, not what is looked at. */
export function untilStopped(io: Io): { readonly stopped: Promise<void>; readonly isStopped: boolean } {
  const state = { stopped: io.stopped().then(() => void (state.isStopped = true)), isStopped: false }
  return state
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

type Screen = { show(batches: readonly Batch[]): void; end(): void }
type Watching = {
  readonly name: string | undefined
  readonly screen: Screen
  readonly ms: number
  readonly io: Io
  readonly follow: boolean
  readonly once: boolean
}

/** Nothing goes on any more, unless somebody asks for it. */
const resting: ReadonlySet<string> = new Set([
  'Created',
  'Stopped',
  'Failed',
  'Corrupted',
  'Completed',
  'CompletedWithErrors',
])
/** The next pass comes by the clock. */
const inStep: ReadonlySet<string> = new Set(['Synced', 'SyncedWithErrors'])
const failed: ReadonlySet<string> = new Set(['Failed', 'Corrupted', 'SyncedWithErrors', 'CompletedWithErrors'])

export async function watch(
  client: () => ApiClient,
  { name, screen, ms, io, follow, once }: Watching,
): Promise<number> {
  const end = untilStopped(io)
  let hasSeen = false
  try {
    for (;;) {
      const batches = await patient(client, name, end, hasSeen && !once)
      hasSeen = true
      screen.show(batches)
      const isDone = batches.every(
        ({ status, toCheck }) => toCheck === 0 && (resting.has(status) || (!follow && inStep.has(status))),
      )
      if (isDone || end.isStopped || once) return batches.some(({ status }) => failed.has(status)) ? 1 : 0
      await Promise.race([sleep(ms), end.stopped])
      if (end.isStopped) return 0
    }
  } finally {
    screen.end()
  }
}

/** A gateway may be started anew while somebody watches. */
const patienceMs = 60_000

async function patient(
  client: () => ApiClient,
  name: string | undefined,
  end: { readonly stopped: Promise<void>; readonly isStopped: boolean },
  isPatient: boolean,
): Promise<readonly Batch[]> {
  for (const from = performance.now(); ; ) {
    try {
      return await look(client(), name)
    } catch (error) {
      const isAway = error instanceof Stop && error.code === 3
      if (!isAway || !isPatient || end.isStopped || performance.now() - from > patienceMs) throw error
      await Promise.race([sleep(1000), end.stopped])
    }
  }
}

async function look(client: ApiClient, name: string | undefined): Promise<readonly Batch[]> {
  if (name !== undefined) return [await client.get(`/v1/migrations/${encodeURIComponent(name)}/progress`, batchSchema)]
  return (await client.get('/v1/migrations', batchesSchema)).batches
}

/** A line for each batch when something has changed. */
function linesTo(io: Io, json: boolean): Screen {
  const last = new Map<string, string>()
  return {
    show(batches) {
      for (const batch of batches) {
        const line = json ? JSON.stringify(batch) : lineOf(batch)
        if (last.get(batch.name) === line) continue
        last.set(batch.name, line)
        io.out(json ? `${line}\n` : `${localTime(new Date().toISOString())}  ${line}\n`)
      }
    },
    end: () => {},
  }
}

function lineOf(b: Batch): string {
  const waits = b.active.filter(({ waiting }) => waiting !== '').length
  return [
    `${cell(b.name)}: ${b.status} ${b.percent} %`,
    `${number(b.messages)} messages, ${bytes(b.bytes)}`,
    perSecond(b.now),
    `${timeLeft(b)} left`,
    `${summaryText(b)}${waits === 0 ? '' : `; ${waits} waiting`}`,
  ].join(', ')
}

const escape = '\x1b['
/** Synchronized output: the terminal shows a frame whole or not at all; those that do not know it ignore it. */
const [beginFrame, endFrame] = [`${escape}?2026h`, `${escape}?2026l`]
const [hideCursor, showCursor] = [`${escape}?25l`, `${escape}?25h`]

/** Drawn over the frame before, line by line: nothing is cleared first, so that nothing flickers. */
function screenOn(io: Io): Screen {
  let drawn = 0
  io.out(hideCursor)
  return {
    show(batches) {
      // A terminal that does not know its size says 0 (serial lines, script).
      const columns = process.stdout.columns || 80
      const lines = frame(batches, (process.stdout.rows || 24) - 1).map((line) => fitted(line, columns))
      const up = drawn > 0 ? `\r${escape}${drawn}A` : ''
      io.out(`${beginFrame}${up}${lines.map((line) => `${line}${escape}K\n`).join('')}${escape}J${endFrame}`)
      drawn = lines.length
    },
    end: () => io.out(showCursor),
  }
}

/** A line that is wider than the terminal would make two of it. */
function fitted(line: string, columns: number): string {
  const characters = Array.from(line)
  return characters.length < columns ? line : `${characters.slice(0, Math.max(1, columns - 2)).join('')}…`
}

const barWidth = 24

export function frame(batches: readonly Batch[], rows: number): readonly string[] {
  const now = Date.now()
  const each = Math.max(5, Math.floor(rows / Math.max(batches.length, 1)))
  return batches.flatMap((b) => batchFrame(b, each, now)).slice(0, Math.max(rows, 5))
}

function batchFrame(b: Batch, rows: number, now: number): readonly string[] {
  const full = Math.round((barWidth * Math.min(b.percent, 100)) / 100)
  const bar = `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`
  const head = [
    `${cell(b.name)}  ${b.status}  ${cell(b.statusWhy, 70)}`,
    `  ${bar} ${b.percent.toFixed(1).padStart(5)} %   ${number(b.messages)} messages, ${bytes(b.bytes)} of ${bytes(b.allBytes)}   time left ${timeLeft(b)}`,
    `  ${perSecond(b.now)}   ${gbPerHour(b.lately)}   ${summaryText(b)}${b.toCheck === 0 ? '' : `   ${number(b.toCheck)} to check`}`,
  ]
  const room = Math.max(0, rows - head.length - 2)
  const active = b.active.slice(0, room).map((one) => `  ${activeLine(one, now)}`)
  const more = b.active.length > room ? [`  and ${b.active.length - room} more`] : []
  return [...head, ...active, ...more, '']
}
