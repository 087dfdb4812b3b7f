import type { Pace } from './contract.ts'

/** Waits for nothing. */
export const unpaced: Pace = { take: async () => {}, told: () => {}, went: () => {} }

/** Waits after troubles only: as long as the server asked for, or longer each time. */
export function backingOff(): Pace {
  return unpaced
}
