/** How long to wait after an attempt that failed. */

const minuteMs = 60_000
const stepsMs: readonly number[] = [1, 2, 4, 8, 15, 30].map((minutes) => minutes * minuteMs)
const lastStepMs = 30 * minuteMs
const jitter = 0.2

/** No back-off is longer. */
export const longestBackOffMs = lastStepMs * (1 + jitter)

/**
 * 1, 2, 4, 8, 15, then 30 minutes, each a fifth more or less, so that what failed together does not come back together.
 * `attempts`: made so far, from 1. `random`: from 0 up to 1.
 */
export function backOffMs(attempts: number, random: () => number = Math.random): number {
  const step = stepsMs[Math.max(attempts, 1) - 1] ?? lastStepMs
  return Math.round(step * (1 - jitter + 2 * jitter * random()))
}
