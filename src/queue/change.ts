/** What one operation works with. */
import type { Db } from '../store/store.ts'
import type { Tally } from './tally.ts'

export type Change = {
  readonly db: Db
  /** By the queue's clock. */
  readonly at: number
  readonly tally: Tally
  readonly leaseMs: number
}
