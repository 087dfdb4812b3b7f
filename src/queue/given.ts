/** The pieces of work that one claim gives out. */
import type { Row } from '../store/store.ts'
import type { Change } from './change.ts'
import { newLease } from './put.ts'
import { keptMessage, keptRecipient } from './rows.ts'
import { look, claim as sql } from './sql.ts'
import type { ClaimQuery, Work } from './work.ts'

export const always = Number.MAX_SAFE_INTEGER

/** Has an end: when the limit, or the sum of bytes, is reached. */
export class Given {
  readonly change: Change
  readonly query: ClaimQuery
  readonly works: Work[] = []
  /** What is due until then is due. */
  readonly dueBy: number
  readonly excluded: ReadonlySet<string>
  #bytes = 0
  #isFull = false

  constructor(change: Change, query: ClaimQuery) {
    this.change = change
    this.query = query
    this.dueBy = query.force === true ? always : change.at
    this.excluded = new Set(query.exceptLanes)
  }

  get isFull(): boolean {
    return this.#isFull || this.works.length >= this.query.limit
  }

  serves(lane: string): boolean {
    return (this.query.lane === undefined || this.query.lane === lane) && !this.excluded.has(lane)
  }

  give(message: number, lane: string, o: { readonly wish?: 'return'; readonly since?: number } = {}): void {
    const row = this.change.db.get(look.message, message)
    if (row === undefined) throw new Error(`recipients without message ${message}`)
    const size = Number(row.size)
    this.#isFull ||= this.works.length > 0 && this.#bytes + size > (this.query.maxBytes ?? always)
    if (this.#isFull) return
    this.#bytes += size
    this.works.push(this.#work(row, lane, o))
  }

  #work(row: Row, lane: string, o: { readonly wish?: 'return'; readonly since?: number }): Work {
    const { change } = this
    const message = Number(row.n)
    const lease = newLease(change, message)
    const taken =
      o.wish === undefined
        ? change.db.all(sql.take, message, lane, lease, this.dueBy, o.since ?? always)
        : change.db.all(sql.takeWished, message, lease, this.dueBy)
    for (const one of taken) {
      const from = String(one.lane)
      change.tally.move({ lane: from, state: 'waiting' }, from, 'running')
    }
    const recipients = taken.map(keptRecipient).toSorted((a, b) => a.n - b.n)
    const token = lease.toString()
    return { lease: { token }, message: keptMessage(row), lane, ...(o.wish && { wish: o.wish }), recipients }
  }
}
