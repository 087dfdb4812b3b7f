/**
 * One measurement: a server, a cell, some seconds of load; it is over when everything that was accepted has arrived.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from './child.ts'
import { nowMs } from './figures.ts'
import type { GeneratorQuestions, Load, Sent } from './generator.ts'
import type { Peer } from './peer.ts'
import type { Arrivals, SinkQuestions } from './sink.ts'
import type { Arrived } from './sink-session.ts'
import { cpuSeconds, megabytes } from './usage.ts'
import { type Cell, cellName } from './work.ts'

export type Bench = {
  readonly generator: Child<GeneratorQuestions>
  readonly sink: Child<SinkQuestions>
  /** Authorities for STARTTLS. */
  readonly ca: string | undefined
}

export type Figures = {
  readonly peer: string
  readonly cell: string
  readonly accepted: number
  /** Accepted, and did not arrive. */
  readonly lost: number
  /** Arrived more than once. */
  readonly doubled: number
  readonly errors: { readonly [what: string]: number }
  /** From the first message sent to the last one arrived. */
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMsPerMessage: number
  readonly peakMegabytes: number
  /** Connections that the next hop saw. */
  readonly connectionsOut: number
  /** On the clock of nowMs. */
  readonly window: readonly [number, number]
}

/** Seconds of load before each measurement, so that connections are open and caches filled. */
const runInSeconds = 1
const drainMs = 60_000
const memoryEveryMs = 1000
const sampleCount = 3

let runs = 0

export async function measure(
  bench: Bench,
  peer: Peer,
  cell: Cell,
  seconds: number,
): Promise<{ readonly figures: Figures; readonly samples: readonly Arrived[] }> {
  await load(bench, peer, cell, runInSeconds)
  const memory = watchMemory(peer)
  const cpuBefore = cpuSeconds(peer.roots)
  const { sent, arrivals } = await load(bench, peer, cell, seconds)
  const cpu = cpuSeconds(peer.roots) - cpuBefore
  const { samples } = arrivals
  return { figures: { ...figuresOf(peer, cell, sent, arrivals, cpu), peakMegabytes: memory.stop() }, samples }
}

/** Load of which nothing is kept: a Node program is slower until it is compiled. */
export async function warmUp(bench: Bench, peer: Peer, cells: readonly Cell[], seconds: number): Promise<void> {
  for (const cell of cells) await load(bench, peer, cell, seconds / cells.length)
}

async function load(
  { generator, sink, ca }: Bench,
  peer: Peer,
  cell: Cell,
  seconds: number,
): Promise<{ readonly sent: Sent; readonly arrivals: Arrivals }> {
  runs += 1
  const run = `run${process.pid}x${runs}`
  await sink.ask('begin', { run, keep: sampleCount })
  const { size, connections, isNewEach } = cell
  const asked: Load = { port: peer.port, run, size, connections, isNewEach, seconds, ca }
  const sent = await generator.ask('load', asked)
  await drained(sink, sent.accepted.length)
  return { sent, arrivals: await sink.ask('arrivals', undefined) }
}

/** Until as many have arrived as were accepted; gives up, and what is missing is counted as lost. */
async function drained(sink: Bench['sink'], accepted: number): Promise<void> {
  const giveUpAt = nowMs() + drainMs
  while (nowMs() < giveUpAt && (await sink.ask('count', undefined)) < accepted) await sleep(20)
}

function figuresOf(
  peer: Peer,
  cell: Cell,
  sent: Sent,
  arrivals: Arrivals,
  cpu: number,
): Omit<Figures, 'peakMegabytes'> {
  const arrived = new Set(arrivals.numbers)
  const until = Math.max(arrivals.lastAt, sent.startedAt + 1)
  return {
    peer: peer.name,
    cell: cellName(cell),
    accepted: sent.accepted.length,
    lost: sent.accepted.filter((number) => !arrived.has(number)).length,
    doubled: arrivals.numbers.length - arrived.size + arrivals.strangers,
    errors: sent.errors,
    perSecond: (arrived.size * 1000) / (until - sent.startedAt),
    p50Ms: sent.p50Ms,
    p99Ms: sent.p99Ms,
    cpuMsPerMessage: (cpu * 1000) / Math.max(1, arrived.size),
    connectionsOut: arrivals.connections,
    window: [sent.startedAt, until],
  }
}

function watchMemory(peer: Peer): { stop(): number } {
  let peak = 0
  const look = (): void => {
    peak = Math.max(peak, megabytes(peer.roots))
  }
  const timer = setInterval(look, memoryEveryMs)
  return {
    stop() {
      clearInterval(timer)
      look()
      return peak
    },
  }
}
