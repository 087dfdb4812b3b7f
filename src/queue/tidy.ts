/** What an earlier process left behind, and what time leaves behind. */
import { type Db, freePages, giveSpaceBack } from '../store/store.ts'
import { longestBackOffMs } from './back-off.ts'
import type { Change } from './change.ts'
import { forgetAttempts } from './ledger.ts'
import { settleLine } from './line.ts'
import { textOf } from './rows.ts'
import { finish, tidy as sql } from './sql.ts'

/**
 * At open. One process owns the data folder, so whoever held a lease is gone. The wall clock may stand anywhere now: what was
 * received or due in the future by its former time is so by no clock that we know.
 */
export function recover(c: Change): void {
  c.db.run(sql.arrivingEnded)
  while (endLeases(c, Number.MAX_SAFE_INTEGER, 'the process ended during an attempt: unknown outcome, tried again'));
  const tooLate = c.at + longestBackOffMs
  for (const { name = '' } of c.db.all(sql.laneNames)) c.db.run(sql.dueTooLate, name, c.at, tooLate)
  for (const others of [sql.wishedTooLate, sql.behindTooLate]) c.db.run(others, c.at, tooLate)
  c.db.run(sql.lanesTooLate, c.at)
  for (const warned of [0, 1]) c.db.run(sql.sinceTooLate, c.at, warned)
}

/** One step of tidying up, a few ms long. True when there is more to do. */
export function sweepStep(c: Change): boolean {
  const more = [
    endLeases(c, c.at, 'nobody said what became of an attempt: unknown outcome, tried again'),
    dropLooseContent(c),
    forgetAttempts(c),
    giveBack(c.db),
  ]
  return more.includes(true)
}

/** Those that ended before; true when there were any. */
function endLeases(c: Change, before: number, why: string): boolean {
  const leases = c.db.all(sql.endedLeases, before)
  for (const lease of leases) endLease(c, { lease: Number(lease.n), message: Number(lease.message), why })
  return leases.length > 0
}

type Ended = { readonly lease: number; readonly message: number; readonly why: string }

function endLease(c: Change, { lease, message, why }: Ended): void {
  for (const row of c.db.all(sql.ofLease, message, lease)) {
    const lane = String(row.lane)
    c.db.run(sql.attemptLost, message, Number(row.n), c.at, why)
    c.tally.move({ lane, state: 'running' }, lane, 'waiting')
    c.tally.due(lane, c.at)
    const line = textOf(row.line)
    if (line !== undefined) settleLine(c, line)
  }
  c.db.run(finish.endLease, lease)
}

function dropLooseContent({ db }: Change): boolean {
  const id = db.get(sql.looseOne)?.id
  if (id === undefined) return false
  if (db.run(sql.someParts, id) === 0) db.run(sql.noLonger, id)
  return true
}

/** In the file: they will be wanted again soon. */
const pagesKept = 256
const pagesAtOnce = 1000

function giveBack(db: Db): boolean {
  const spare = freePages(db) - pagesKept
  if (spare > 0) giveSpaceBack(db, Math.min(spare, pagesAtOnce))
  return spare > pagesAtOnce
}
