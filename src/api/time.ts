/** Times as an operator writes them, and as we answer them. */

import { z } from 'zod'
import { spanText } from '../trace/trace.ts'
import { Problem } from './problem.ts'

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** ms; undefined where the text is no span. */
export function spanMs(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  return unit === 'm' || unit === 'h' || unit === 'd' ? Number(count) * unitMs[unit] : undefined
}

/** ms since 1970 of a time, or of a span back from now. */
export function readTime(text: string, now: number): number {
  const back = spanMs(text)
  const at = back === undefined ? Date.parse(text) : now - back
  if (!Number.isNaN(at)) return at
  throw new Problem(
    400,
    `"${text}" is no time`,
    'write it like 2026-11-23T08:00:00Z, or as a span back from now: 30m, 2h, 7d',
  )
}

/** As an operator reads it at a glance: `5s`, `12m`, `3h05m`, `2d04h`. */
export const span = (seconds: number): string => spanText(seconds * 1000)

/** A time in an answer. */
export const timeSchema = z.string().describe('UTC, ISO 8601')

export function utc(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same where it may not have been yet. */
export function maybeUtc<K extends string>(field: K, ms: number | undefined): { readonly [P in K]?: string } {
  if (ms === undefined) return {}
  const named: { [P in K]?: string } = {}
  named[field] = utc(ms)
  return named
}
