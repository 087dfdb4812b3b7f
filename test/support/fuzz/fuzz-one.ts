/** Fuzzes one target for a while: inputs that reach new code are kept and bred from. */

import { type Coverage, startCoverage } from './coverage.ts'
import { breed } from './mutate.ts'
import { makeRandom } from './random.ts'
import type { FuzzTarget } from './target.ts'

export type Failure = { readonly input: Buffer; readonly error: unknown }
export type Fuzzed = {
  readonly runs: number
  /** Inputs that reached code which no seed reaches. */
  readonly grown: readonly Buffer[]
  readonly failure?: Failure
}

/** So many inputs are tried before coverage is looked at, for the look costs as much as hundreds of short inputs. */
const batchSize = 300

/** Ends at the first failure, made as small as it will go. `before` hears of each input before it is run. */
export function fuzzOne(
  target: FuzzTarget,
  seeds: readonly Buffer[],
  o: { readonly seed: number; readonly forMs: number; readonly before?: (input: Buffer) => void },
): Fuzzed {
  const random = makeRandom(o.seed)
  const tokens = target.tokens.map((token) => Buffer.from(token, 'latin1'))
  const corpus = [...seeds]
  const coverage = startCoverage()
  const end = performance.now() + o.forMs
  const run = (input: Buffer): void => {
    o.before?.(input)
    target.run(input)
  }
  let runs = 0
  try {
    const failedSeed = firstFailure(seeds, run)
    if (failedSeed !== undefined) return { runs: seeds.length, grown: [], failure: failedSeed }
    coverage.newIn(() => seeds.forEach(run))
    while (performance.now() < end) {
      const batch = Array.from({ length: batchSize }, () =>
        breed({ random, corpus, tokens, maxBytes: target.maxBytes }),
      )
      const failure = inBatch(batch, run, coverage, corpus)
      runs += batch.length
      if (failure !== undefined) return { runs, grown: corpus.slice(seeds.length), failure: smaller(failure, run) }
    }
    return { runs, grown: corpus.slice(seeds.length) }
  } finally {
    coverage.close()
  }
}

function inBatch(
  batch: readonly Buffer[],
  run: (input: Buffer) => void,
  coverage: Coverage,
  corpus: Buffer[],
): Failure | undefined {
  let failure: Failure | undefined
  // For the batch as a whole first; for each input only where the batch found something.
  const isNew = coverage.hasNew(() => {
    failure = firstFailure(batch, run)
  })
  if (failure !== undefined || !isNew) return failure
  for (const input of batch) if (coverage.newIn(() => run(input)) > 0) corpus.push(input)
  return undefined
}

function firstFailure(inputs: readonly Buffer[], run: (input: Buffer) => void): Failure | undefined {
  for (const input of inputs) {
    const error = errorOf(input, run)
    if (error !== undefined) return { input, error }
  }
  return undefined
}

function errorOf(input: Buffer, run: (input: Buffer) => void): unknown {
  try {
    run(input)
    return undefined
  } catch (error) {
    return error ?? new Error('threw nothing')
  }
}

/** Takes pieces away, large ones first, as long as it still fails. */
function smaller(failure: Failure, run: (input: Buffer) => void): Failure {
  let best = failure
  for (let size = best.input.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= best.input.length; ) {
      const input = Buffer.concat([best.input.subarray(0, at), best.input.subarray(at + size)])
      const error = errorOf(input, run)
      if (error === undefined) at += size
      else best = { input, error }
    }
  }
  return best
}
