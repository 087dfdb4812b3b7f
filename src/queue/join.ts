/** A lease is widened: what else of its message is late comes to its holder, so that one commit and one report end it all. */
import type { Change } from './change.ts'
import type { KeptRecipient } from './message.ts'
import { keptRecipient } from './rows.ts'
import { finish, join as sql } from './sql.ts'
import type { Late } from './work.ts'

/** Lanes that one join may take from: each may have recipients by the hundred. */
const mostLanes = 1000

/** Who runs, is held, wished back or behind in a line is not touched; without the lease nobody is. */
export function joinLate(c: Change, token: string, late: Late): readonly KeptRecipient[] {
  const lease = Number(token)
  const found = c.db.get(finish.lease, lease)
  if (found === undefined) return []
  const { receivedBefore, warnBefore = receivedBefore } = late
  const lanes = JSON.stringify(late.lanes.slice(0, mostLanes))
  const taken = c.db.all(sql.take, Number(found.message), lease, receivedBefore, warnBefore, lanes)
  for (const { lane = '' } of taken) c.tally.move({ lane: String(lane), state: 'waiting' }, String(lane), 'running')
  return taken.map(keptRecipient).toSorted((a, b) => a.n - b.n)
}

export function lanesOfLate({ db }: Pick<Change, 'db'>, token: string, late: Omit<Late, 'lanes'>): readonly string[] {
  const found = db.get(finish.lease, Number(token))
  if (found === undefined) return []
  const { receivedBefore, warnBefore = receivedBefore } = late
  const rows = db.all(sql.lanes, Number(found.message), receivedBefore, warnBefore, mostLanes)
  return rows.map(({ lane = '' }) => String(lane))
}
