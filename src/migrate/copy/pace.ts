/** Plain paces; who keeps what was learned of a server brings one of their own. */
import { MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Pace } from './contract.ts'
import { wait } from './wait.ts'

/** Waits for nothing. */
export const unpaced: Pace = { take: async () => {}, told: () => {}, went: () => {} }

const firstMs = 1000
const longestMs = 5 * 60_000

/** Waits after troubles only: as long as the server asked for, or longer each time. */
export function backingOff(o: { readonly now?: () => number; readonly firstMs?: number } = {}): Pace {
  const now = o.now ?? Date.now
  let until = 0
  let troubles = 0
  return {
    take: async (_bytes, signal) => {
      if (signal.aborted) throw new MailboxTrouble('stopped', 'it was told to stop')
      if (until > now()) await wait(until - now(), signal)
    },
    told: (trouble) => {
      const own = Math.min((o.firstMs ?? firstMs) * 2 ** troubles, longestMs)
      troubles += 1
      until = Math.max(until, now() + (trouble.waitMs ?? own))
    },
    went: () => {
      troubles = 0
    },
  }
}
