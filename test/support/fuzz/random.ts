/** Numbers that look random and are the same for the same seed (mulberry32). */
export type Random = {
  /** A whole number, 0 <= n < below. */
  readonly below: (below: number) => number
  readonly oneOf: <T>(list: readonly T[]) => T | undefined
}

export function makeRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  const below = (limit: number): number => (limit <= 1 ? 0 : next() % limit)
  return { below, oneOf: (list) => list[below(list.length)] }
}
