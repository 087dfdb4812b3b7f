/** What became of recipients: only the holder of their lease may say. */
import { backOffMs } from './back-off.ts'
import type { Change } from './change.ts'
import { settleLine } from './line.ts'
import { clipped, type PutMessage, partBytes, putReport } from './put.ts'
import { type Place, placeOf } from './rows.ts'
import { finish as sql } from './sql.ts'
import type { Result } from './work.ts'

export type Finished = {
  readonly token: string
  readonly results: readonly Result[]
  readonly reports: readonly PutMessage[]
  readonly warned: readonly number[]
}

/** False, and nothing changed, when the lease has ended or does not cover one of them. */
export function finishWork(c: Change, f: Finished): boolean {
  const lease = Number(f.token)
  const found = c.db.get(sql.lease, lease)
  if (found === undefined) return false
  const message = Number(found.message)
  const places = f.results.map(({ n }) => c.db.get(sql.recipient, message, n, lease))
  if (places.includes(undefined) || new Set(f.results.map(({ n }) => n)).size < places.length) return false

  markWarned(c, message, f.warned)
  for (const [i, row] of places.entries()) {
    const result = f.results[i]
    if (row !== undefined && result !== undefined) settle(c, placeOf(row), result)
  }
  if (c.db.get(sql.restOfLease, message, lease) === undefined) c.db.run(sql.endLease, lease)
  for (const report of f.reports) putReport(c, report)
  forgetWhenDone(c, message)
  return true
}

function markWarned({ db, at }: Change, message: number, recipients: readonly number[]): void {
  if (recipients.length > 0) db.run(sql.warned, message, at)
  for (const n of recipients) db.run(sql.warnedRecipient, message, n)
}

function settle(c: Change, place: Place, result: Result): void {
  switch (result.kind) {
    case 'delivered':
      c.tally.works(place.lane)
      return end(c, place, 'delivered')
    case 'returned':
      return end(c, place, 'returned')
    case 'held':
      return keepHeld(c, place, result)
    case 'waiting':
      return keepWaiting(c, place, result)
    case 'unchanged':
      c.db.run(sql.unchanged, place.message, place.n)
      c.tally.move(place, place.lane, 'waiting')
      return comeDue(c, place, place.lane, place.nextAt)
  }
}

/** The recipient is done, in one way or another. */
export function end(c: Change, place: Place, how: 'delivered' | 'returned' | 'dropped'): void {
  c.db.run(sql.done, place.message, place.n)
  c.tally.end(place, how)
  if (place.line !== undefined) settleLine(c, place.line)
}

function keepHeld(c: Change, place: Place, result: Extract<Result, { readonly kind: 'held' }>): void {
  // Only a refusal is the end of an attempt: the others are decided without one.
  const attempts = result.cause === 'refused' ? 1 : 0
  const { message, n } = place
  c.db.run(sql.held, message, n, result.cause, clipped(result.reply), clipped(result.why), c.at, attempts)
  c.tally.move(place, place.lane, 'held')
  if (place.line !== undefined) settleLine(c, place.line)
}

function keepWaiting(c: Change, place: Place, result: Extract<Result, { readonly kind: 'waiting' }>): void {
  const nextAt = Math.round(result.nextAt ?? c.at + backOffMs(place.attempts + 1))
  const [reply, why] = [clipped(result.reply), clipped(result.why)]
  const attempts = result.isUntried === true ? 0 : 1
  c.db.run(sql.waiting, place.message, place.n, result.lane, result.trouble, reply, why, nextAt, c.at, attempts)
  c.tally.move(place, result.lane, 'waiting')
  if (result.isUntried !== true) c.tally.trouble(result.lane, result.trouble, reply, why)
  comeDue(c, place, result.lane, nextAt)
}

/** It waits again. In a line it is the head still, unless one that arrived before it has been released meanwhile. */
function comeDue(c: Change, place: Place, lane: string, nextAt: number): void {
  if (place.wish === undefined) c.tally.due(lane, nextAt)
  if (place.line !== undefined) settleLine(c, place.line)
}

/** With its last recipient a message goes, and its content. */
export function forgetWhenDone({ db, tally }: Change, message: number): void {
  if (db.get(sql.anyRecipient, message) !== undefined) return
  const row = db.get(sql.message, message)
  if (row === undefined) return
  const [id, size] = [String(row.id), Number(row.size)]
  db.run(sql.leasesOf, message)
  db.run(size > partBytes ? sql.loosen : sql.content, id)
  db.run(sql.forget, message)
  tally.message(-1, size)
}
