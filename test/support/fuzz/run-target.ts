/** Runs the fuzzer for one target in a thread of its own, so that an input that never ends is noticed and told. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fuzzOne } from './fuzz-one.ts'
import type { FuzzTarget } from './target.ts'

export type Told = {
  readonly name: string
  readonly runs: number
  readonly seeds: number
  readonly grown: readonly Buffer[]
  /** The input that broke a promise, and how. */
  readonly failure?: { readonly input: Buffer; readonly why: string }
}

type Order = {
  readonly file: string
  readonly seed: number
  readonly forMs: number
  /** The input at work: its length, then its bytes. */
  readonly atWork: SharedArrayBuffer
}

const corpusFolder = new URL('../../fuzz/', import.meta.url).pathname
/** No reader needs a second for a few kilobytes. */
const hangsAfterMs = 10_000
const roomBytes = 1 << 20

/** `file` is the `*.fuzz.ts` of the target. */
export async function runTarget(file: string, o: { readonly seed: number; readonly forMs: number }): Promise<Told> {
  const order: Order = { file, ...o, atWork: new SharedArrayBuffer(roomBytes) }
  const worker = new Worker(new URL(import.meta.url), { workerData: order })
  const { promise, resolve, reject } = Promise.withResolvers<Told>()
  worker.once('message', resolve)
  worker.once('error', reject)
  const watch = watchFor(order.atWork, (input) => {
    resolve({ name: file, runs: 0, seeds: 0, grown: [], failure: { input, why: `does not end in ${hangsAfterMs} ms` } })
  })
  try {
    return await promise
  } finally {
    clearInterval(watch)
    await worker.terminate()
  }
}

/** The counter in front of the input moves with each one; when it stands still, the input hangs. */
function watchFor(shared: SharedArrayBuffer, onHang: (input: Buffer) => void): NodeJS.Timeout {
  const words = new Uint32Array(shared, 0, 2)
  let last = -1
  return setInterval(() => {
    const now = Atomics.load(words, 0)
    if (now === last && now > 0) onHang(Buffer.from(new Uint8Array(shared, 8, words[1] ?? 0)))
    last = now
  }, hangsAfterMs)
}

export function seedsOf(name: string): readonly Buffer[] {
  const folder = join(corpusFolder, name)
  return readdirSync(folder)
    .toSorted()
    .map((file) => readFileSync(join(folder, file)))
}

async function work({ file, seed, forMs, atWork }: Order): Promise<Told> {
  const { target }: { readonly target: FuzzTarget } = await import(file)
  const seeds = seedsOf(target.name)
  const words = new Uint32Array(atWork, 0, 2)
  const bytes = new Uint8Array(atWork, 8)
  const before = (input: Buffer): void => {
    words[1] = input.length
    bytes.set(input)
    Atomics.add(words, 0, 1)
  }
  const { failure, ...fuzzed } = fuzzOne(target, seeds, { seed, forMs, before })
  const told = { name: target.name, seeds: seeds.length, ...fuzzed }
  return failure === undefined ? told : { ...told, failure: { input: failure.input, why: reason(failure.error) } }
}

const reason = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

if (!isMainThread) {
  const told = await work(workerData)
  parentPort?.postMessage(told, [])
}
