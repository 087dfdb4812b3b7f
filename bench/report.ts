/** The table: medians, the ratio to the other server, and what it must be. */
import { median } from './figures.ts'
import type { Figures } from './measure.ts'
import { type Cell, cellName, mustMegabytes, mustP99, mustRatio } from './work.ts'

type Summary = Record<'perSecond' | 'p50Ms' | 'p99Ms' | 'cpuMsPerMessage' | 'peakMegabytes', number> & {
  readonly drainedPerSecond: number | undefined
  readonly slowest: number
  readonly fastest: number
}

const columns = [
  'work',
  'server',
  'msg/s (min-max)',
  'ratio',
  'must',
  'drained/s',
  'p50 ms',
  'p99 ms',
  'p99 ratio',
  'must',
  'CPU ms/msg',
  'CPU ratio',
  'peak MB',
]

/** Of two servers the first is measured against the second. */
export function table(cells: readonly Cell[], all: readonly Figures[]): string {
  const peers = [...new Set(all.map((figures) => figures.peer))]
  const rows = cells.flatMap((cell) => rowsOf(cell, peers, all))
  return aligned([columns, ...rows])
}

function rowsOf(cell: Cell, peers: readonly string[], all: readonly Figures[]): readonly (readonly string[])[] {
  const summaries = peers.map((peer) => summaryOf(all.filter((f) => f.peer === peer && f.cell === cellName(cell))))
  const [ours, other] = summaries
  return peers.flatMap((peer, i) => {
    const summary = summaries[i]
    if (summary === undefined) return []
    const isOurs = i === 0 && other !== undefined && ours !== undefined
    const marks = isOurs ? comparison(cell, ours, other) : ['', '', '', '', '']
    return [row(i === 0 ? cellName(cell) : '', peer, summary, marks)]
  })
}

function comparison(cell: Cell, ours: Summary, other: Summary): readonly string[] {
  const ratio = ours.perSecond / other.perSecond
  const p99 = ours.p99Ms / other.p99Ms
  return [
    ratio.toFixed(1),
    mark(mustRatio(cell), 'x'),
    p99.toFixed(2),
    mark(mustP99(cell), ''),
    (other.cpuMsPerMessage / ours.cpuMsPerMessage).toFixed(1),
  ]
}

const mark = (must: number | undefined, unit: string): string => (must === undefined ? '-' : `${must}${unit}`)

function row(
  work: string,
  peer: string,
  s: Summary,
  [ratio, must, p99, mustBe, cpu]: readonly string[],
): readonly string[] {
  const rate = `${s.perSecond.toFixed(0)} (${s.slowest.toFixed(0)}-${s.fastest.toFixed(0)})`
  const drained = s.drainedPerSecond?.toFixed(0) ?? '-'
  const times = [s.p50Ms.toFixed(1), s.p99Ms.toFixed(1)]
  const costs = [s.cpuMsPerMessage.toFixed(2), cpu ?? '', s.peakMegabytes.toFixed(0)]
  return [work, peer, rate, ratio ?? '', must ?? '', drained, ...times, p99 ?? '', mustBe ?? '', ...costs]
}

function summaryOf(all: readonly Figures[]): Summary | undefined {
  if (all.length === 0) return undefined
  const of = (name: 'perSecond' | 'p50Ms' | 'p99Ms' | 'cpuMsPerMessage') => median(all.map((f) => f[name]))
  const rates = all.map((f) => f.perSecond)
  const drained = all.flatMap((f) => f.drain?.perSecond ?? [])
  return {
    perSecond: of('perSecond'),
    drainedPerSecond: drained.length === 0 ? undefined : median(drained),
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    cpuMsPerMessage: of('cpuMsPerMessage'),
    peakMegabytes: Math.max(...all.map((f) => f.peakMegabytes)),
  }
}

export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return rows.map(line).join('\n')
}

/** What must never be: mail lost or doubled. */
export function losses(all: readonly Figures[]): readonly string[] {
  return all
    .filter((f) => f.lost > 0 || f.doubled > 0)
    .map((f) => `${f.peer}, ${f.cell}: of ${f.accepted} accepted ${f.lost} lost, ${f.doubled} doubled`)
}

export function troubles(all: readonly Figures[]): readonly string[] {
  return all.flatMap((f) =>
    Object.entries(f.errors).map(([what, count]) => `${f.peer}, ${f.cell}: ${count} times ${what}`),
  )
}

export function summaryLine(all: readonly Figures[]): string {
  const count = (of: (f: Figures) => number) => all.reduce((sum, f) => sum + of(f), 0)
  const sums = `lost ${count((f) => f.lost)}, doubled ${count((f) => f.doubled)}`
  return `${all.length} measurements, ${count((f) => f.accepted)} messages accepted: ${sums}. Memory must stay under ${mustMegabytes} MB.`
}
