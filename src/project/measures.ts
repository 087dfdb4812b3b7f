/** Spans of time and sizes, as a person writes them in the project file: `4h`, `1GB`. */

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const
/** As makers of disks count. */
const sizes = { MB: 1e6, GB: 1e9, TB: 1e12 } as const

/** ms; undefined where it is none. */
export function readSpan(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  return unit === 'm' || unit === 'h' || unit === 'd' ? Number(count) * units[unit] : undefined
}

/** In the largest unit that says it exactly. */
export function spanText(ms: number): string {
  const [unit, each] = (['d', 'h', 'm'] as const).map((u) => [u, units[u]] as const).find(([, n]) => ms % n === 0) ?? []
  return unit === undefined || each === undefined ? `${ms / units.m}m` : `${ms / each}${unit}`
}

/** Bytes; undefined where it is none. */
export function readSize(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6}) ?([MGT]B)$/.exec(text) ?? []
  return unit === 'MB' || unit === 'GB' || unit === 'TB' ? Number(count) * sizes[unit] : undefined
}

export function sizeText(bytes: number): string {
  const [unit, each] =
    (['TB', 'GB', 'MB'] as const).map((u) => [u, sizes[u]] as const).find(([, n]) => bytes % n === 0) ?? []
  return unit === undefined || each === undefined ? `${bytes} bytes` : `${bytes / each}${unit}`
}
