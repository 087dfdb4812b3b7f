/** How much of src/ has run: V8's own precise coverage, asked through the inspector. */
import { type Profiler, Session } from 'node:inspector'

export type Coverage = {
  /** Characters of source that ran in `work` and never before. */
  readonly newIn: (work: () => void) => number
  /** Whether there is any, without learning it. */
  readonly hasNew: (work: () => void) => boolean
  close(): void
}

export function startCoverage(): Coverage {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  /** For each script, which of its characters have run. */
  const known = new Map<string, Uint8Array>()
  const newIn = (work: () => void, isLearnt: boolean): number => {
    take(session) // what ran outside
    work()
    let fresh = 0
    for (const script of take(session)) fresh += learn(known, script, isLearnt)
    return fresh
  }
  return {
    newIn: (work) => newIn(work, true),
    hasNew: (work) => newIn(work, false) > 0,
    close: () => session.disconnect(),
  }
}

function take(session: Session): readonly Profiler.ScriptCoverage[] {
  let scripts: readonly Profiler.ScriptCoverage[] = []
  session.post('Profiler.takePreciseCoverage', (error, answer) => {
    if (error !== null) throw error
    scripts = answer.result.filter(isOurs)
  })
  return scripts
}

function isOurs({ url }: Profiler.ScriptCoverage): boolean {
  return url.includes('/src/') && !url.endsWith('.fuzz.ts') && !url.includes('/node_modules/')
}

function learn(known: Map<string, Uint8Array>, { url, functions }: Profiler.ScriptCoverage, isLearnt: boolean): number {
  const end = Math.max(0, ...functions.map((f) => f.ranges[0]?.endOffset ?? 0))
  const seen = atLeast(known.get(url), end)
  known.set(url, seen)
  let fresh = 0
  for (const { ranges } of functions) fresh += learnFunction(seen, ranges, isLearnt)
  return fresh
}

/** Functions that never ran are not told, so that a script may turn out to be longer. */
function atLeast(seen: Uint8Array | undefined, length: number): Uint8Array {
  if (seen !== undefined && seen.length >= length) return seen
  const longer = new Uint8Array(length)
  longer.set(seen ?? [])
  return longer
}

/** Ranges come from the outer to the inner; an inner one says better what became of its characters. */
function learnFunction(seen: Uint8Array, ranges: readonly Profiler.CoverageRange[], isLearnt: boolean): number {
  const [whole] = ranges
  if (whole === undefined || whole.count === 0) return 0
  const ran = new Uint8Array(whole.endOffset - whole.startOffset)
  for (const { startOffset, endOffset, count } of ranges) {
    ran.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset)
  }
  let fresh = 0
  ran.forEach((has, i) => {
    const at = whole.startOffset + i
    if (has === 0 || seen[at] === 1) return
    if (isLearnt) seen[at] = 1
    fresh += 1
  })
  return fresh
}
