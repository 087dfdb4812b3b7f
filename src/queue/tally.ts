/** What one operation changes in the counts, written with it in one savepoint. */
import type { Db } from '../store/store.ts'
import type { RecipientState, Trouble } from './message.ts'
import { tally as sql } from './sql.ts'

export type Ending = 'delivered' | 'returned' | 'dropped'

type LaneChange = {
  waiting: number
  running: number
  held: number
  dueAt?: number
  /** What the last attempt here came to; absent when there was none. */
  trouble?: { readonly kind: Trouble | null; readonly reply: string; readonly why: string }
}

export class Tally {
  readonly #counts = {
    taken: 0,
    delivered: 0,
    returned: 0,
    dropped: 0,
    waiting: 0,
    running: 0,
    held: 0,
    messages: 0,
    bytes: 0,
  }
  readonly #lanes = new Map<string, LaneChange>()

  /** A recipient that the queue did not have before. */
  take(lane: string, state: RecipientState): void {
    this.#counts.taken += 1
    this.#change(lane, state, 1)
  }

  move(from: { readonly lane: string; readonly state: RecipientState }, lane: string, state: RecipientState): void {
    this.#change(from.lane, from.state, -1)
    this.#change(lane, state, 1)
  }

  end(from: { readonly lane: string; readonly state: RecipientState }, ending: Ending): void {
    this.#change(from.lane, from.state, -1)
    this.#counts[ending] += 1
  }

  /** One recipient in this lane can be claimed at that time. */
  due(lane: string, at: number): void {
    const change = this.#lane(lane)
    change.dueAt = Math.min(change.dueAt ?? at, at)
  }

  trouble(lane: string, kind: Trouble, reply: string, why: string): void {
    this.#lane(lane).trouble = { kind, reply, why }
  }

  /** An attempt in this lane succeeded. */
  works(lane: string): void {
    this.#lane(lane).trouble = { kind: null, reply: '', why: '' }
  }

  message(count: 1 | -1, bytes: number): void {
    this.#counts.messages += count
    this.#counts.bytes += count * bytes
  }

  write(db: Db): void {
    const c = this.#counts
    if (Object.values(c).some((count) => count !== 0)) {
      const recipients = [c.taken, c.delivered, c.returned, c.dropped, c.waiting, c.running, c.held]
      db.run(sql.totals, ...recipients, c.messages, c.bytes)
    }
    for (const [name, change] of this.#lanes) writeLane(db, name, change)
  }

  #change(lane: string, state: RecipientState, by: 1 | -1): void {
    this.#counts[state] += by
    this.#lane(lane)[state] += by
  }

  #lane(name: string): LaneChange {
    const found = this.#lanes.get(name) ?? { waiting: 0, running: 0, held: 0 }
    this.#lanes.set(name, found)
    return found
  }
}

function writeLane(db: Db, name: string, change: LaneChange): void {
  const { waiting, running, held, dueAt, trouble } = change
  db.run(sql.newLane, name)
  db.run(sql.lane, name, waiting, running, held, dueAt ?? null)
  if (trouble !== undefined) db.run(sql.laneTrouble, name, trouble.kind, trouble.reply, trouble.why)
  if (waiting < 0 || running < 0 || held < 0) db.run(sql.emptyLane, name)
}
