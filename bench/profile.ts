/** Where the time goes: reads the CPU profiles that the gateway wrote, for the time in which a cell was measured. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Window } from './measure.ts'

/** What we need of V8's format (Chrome DevTools protocol, Profiler.Profile); times are microseconds of nowMs' clock. */
type Profile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export type Hot = { readonly what: string; readonly part: number }
/** One thread: milliseconds not idle, and its functions by self time. */
export type Thread = { readonly file: string; readonly busyMs: number; readonly hottest: readonly Hot[] }

/** The threads that did something in these windows (on the clock of nowMs), the busiest first. */
export function readProfiles(dir: string, windows: readonly Window[], top = 20): readonly Thread[] {
  const files = readdirSync(dir).filter((name) => name.endsWith('.cpuprofile'))
  return files
    .map((file) => threadOf(file, JSON.parse(readFileSync(join(dir, file), 'utf8')), windows, top))
    .filter((thread) => thread.busyMs > 0)
    .sort((a, b) => b.busyMs - a.busyMs)
}

function threadOf(file: string, profile: Profile, windows: readonly Window[], top: number): Thread {
  const self = selfTimes(profile, windows)
  const busy = [...self.values()].reduce((sum, us) => sum + us, 0)
  const hottest = [...self].sort((a, b) => b[1] - a[1]).slice(0, top)
  return { file, busyMs: busy / 1000, hottest: hottest.map(([what, us]) => ({ what, part: us / busy })) }
}

function selfTimes(profile: Profile, windows: readonly Window[]): Map<string, number> {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const self = new Map<string, number>()
  let at = profile.startTime
  profile.samples.forEach((node, i) => {
    const took = profile.timeDeltas[i] ?? 0
    at += took
    const name = names.get(node) ?? '?'
    if (name === '(idle)' || !windows.some(([from, to]) => at >= from * 1000 && at <= to * 1000)) return
    self.set(name, (self.get(name) ?? 0) + Math.max(0, took))
  })
  return self
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^file:\/\/.*?\/(?=src\/|node_modules\/)/, '')
  return file === '' ? functionName : `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`
}

export function profileText(threads: readonly Thread[]): string {
  return threads
    .map(({ file, busyMs, hottest }) => {
      const rows = hottest.map(({ what, part }) => `  ${(part * 100).toFixed(1).padStart(5)} %  ${what}`)
      return [`${file}: busy ${(busyMs / 1000).toFixed(1)} s`, ...rows].join('\n')
    })
    .join('\n')
}
