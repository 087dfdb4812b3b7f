/**
 * One measurement: a server, a cell, some seconds of load; it is over when everything that was accepted has arrived. Where the
 * next hop is down it comes back after the load.
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
  /** What has not arrived after so long is lost; a minute when absent. */
  readonly patienceMs?: number
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
  /** From the first message sent to the last one arrived; with the next hop down, to the last 250. */
  readonly perSecond: number
  /** Where the next hop was down: from the moment when it was back to the last message arrived. */
  readonly drain?: { readonly perSecond: number; readonly window: Window }
  readonly p50Ms: number
  readonly p99Ms: number
  /** In the same time. */
  readonly cpuMsPerMessage: number
  readonly peakMegabytes: number
  /** Connections that the next hop saw. */
  readonly connectionsOut: number
  readonly window: Window
}

/** On the clock of nowMs. */
export type Window = readonly [number, number]

/** Seconds of load before each measurement, so that connections are open and caches filled. */
const runInSeconds = 1
const usualPatienceMs = 60_000
const flushEveryMs = 1000
const memoryEveryMs = 1000
const sampleCount = 3

let runs = 0

export async function measure(
  bench: Bench,
  peer: Peer,
  cell: Cell,
  seconds: number,
): Promise<{ readonly figures: Figures; readonly samples: readonly Arrived[] }> {
  // With the next hop up in any case: what is kept of the run-in would come between.
  await load(bench, peer, { ...cell, isDown: false }, runInSeconds)
  const memory = watchMemory(peer)
  const loaded = await load(bench, peer, cell, seconds)
  const { samples } = loaded.arrivals
  return { figures: { ...figuresOf(peer, cell, loaded), peakMegabytes: memory.stop() }, samples }
}

/** Load of which nothing is kept: a Node program is slower until it is compiled. */
export async function warmUp(bench: Bench, peer: Peer, cells: readonly Cell[], seconds: number): Promise<void> {
  for (const cell of cells) await load(bench, peer, cell, seconds / cells.length)
}

type Loaded = {
  readonly sent: Sent
  readonly arrivals: Arrivals
  /** Of the server: until everything had arrived, or the load was over and the next hop still down. */
  readonly cpuSeconds: number
  /** When the next hop came back, where it was down. */
  readonly upAt?: number
}

async function load(bench: Bench, peer: Peer, cell: Cell, seconds: number): Promise<Loaded> {
  const { generator, sink, ca } = bench
  runs += 1
  const run = `run${process.pid}x${runs}`
  await sink.ask('begin', { run, keep: sampleCount })
  const { size, connections, isNewEach } = cell
  const asked: Load = { port: peer.port, run, size, connections, isNewEach, seconds, ca }
  if (cell.isDown) await sink.ask('goDown', undefined)
  const cpuBefore = cpuSeconds(peer.roots)
  const sent = await generator.ask('load', asked)
  const cpuDown = cpuSeconds(peer.roots) - cpuBefore
  const back = cell.isDown ? { upAt: await comesBack(bench) } : {}
  await drained(bench, sent.accepted.length, cell.isDown ? peer.flush : async () => {})
  const cpu = cell.isDown ? cpuDown : cpuSeconds(peer.roots) - cpuBefore
  return { sent, arrivals: await sink.ask('arrivals', undefined), cpuSeconds: cpu, ...back }
}

async function comesBack({ sink }: Bench): Promise<number> {
  await sink.ask('comeBack', undefined)
  return nowMs()
}

/**
 * Until as many have arrived as were accepted; gives up, and what is missing is counted as lost. While nothing comes it flushes,
 * again and again: Postfix may still be laying aside what it took last.
 */
async function drained(
  { sink, patienceMs = usualPatienceMs }: Bench,
  accepted: number,
  flush: () => Promise<void>,
): Promise<void> {
  const giveUpAt = nowMs() + patienceMs
  let [before, flushAt] = [0, 0]
  for (;;) {
    const count = await sink.ask('count', undefined)
    if (count >= accepted || nowMs() > giveUpAt) return
    if (count > before) flushAt = nowMs() + flushEveryMs
    else if (nowMs() > flushAt) {
      await flush()
      flushAt = nowMs() + flushEveryMs
    }
    before = count
    await sleep(20)
  }
}

function figuresOf(
  peer: Peer,
  cell: Cell,
  { sent, arrivals, cpuSeconds: cpu, upAt }: Loaded,
): Omit<Figures, 'peakMegabytes'> {
  const arrived = new Set(arrivals.numbers)
  const until = Math.max(upAt === undefined ? arrivals.lastAt : sent.lastAt, sent.startedAt + 1)
  const counted = upAt === undefined ? arrived.size : sent.accepted.length
  return {
    peer: peer.name,
    cell: cellName(cell),
    accepted: sent.accepted.length,
    lost: sent.accepted.filter((number) => !arrived.has(number)).length,
    doubled: arrivals.numbers.length - arrived.size + arrivals.strangers,
    errors: sent.errors,
    perSecond: (counted * 1000) / (until - sent.startedAt),
    ...(upAt === undefined ? {} : { drain: drainOf(arrived.size, upAt, arrivals.lastAt) }),
    p50Ms: sent.p50Ms,
    p99Ms: sent.p99Ms,
    cpuMsPerMessage: (cpu * 1000) / Math.max(1, counted),
    connectionsOut: arrivals.connections,
    window: [sent.startedAt, until],
  }
}

function drainOf(messages: number, upAt: number, lastAt: number): NonNullable<Figures['drain']> {
  const until = Math.max(lastAt, upAt + 1)
  return { perSecond: (messages * 1000) / (until - upAt), window: [upAt, until] }
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
