/** What an operator does with recipients that are not running, and what comes back with a tenant. */
import type { Row } from '../store/store.ts'
import type { Change } from './change.ts'
import { lineOf } from './compare.ts'
import type { Filter, ReleaseStep, Touched } from './contract.ts'
import { end, forgetWhenDone } from './finish.ts'
import { settleLine } from './line.ts'
import { fitting } from './look.ts'
import { keptMessage, type Place, placeOf } from './rows.ts'
import { look, byHand as sql } from './sql.ts'

export type HandAction = 'hold' | 'release' | 'retry' | 'drop' | 'wishReturn'

export type HandStep = {
  readonly action: HandAction
  readonly filter: Filter
  readonly by: string
  readonly after: number
}
export type HandStepDone = { readonly touched: readonly Touched[]; readonly next?: number }

export function stepByHand(c: Change, { action, filter, by, after }: HandStep): HandStepDone {
  const { rows, next } = fitting(c.db, filter, after, c.at)
  const byMessage = Map.groupBy(rows, (row) => Number(row.message))
  const touched = [...byMessage].flatMap(([n, some]) => touchedOf(c, { action, by, n, some }))
  return { touched, ...(next !== undefined && { next }) }
}

export type ResumeStep = { readonly tenants: readonly string[]; readonly after: number }

/** Mail that was held because its tenant was gone waits again, and its age begins anew. */
export function stepResume(c: Change, { tenants, after }: ResumeStep): HandStepDone {
  const last = c.db.get(sql.spanOfTenants, after)?.message
  const rows = c.db.all(sql.ofTenants, after, Number(last ?? Number.MAX_SAFE_INTEGER), JSON.stringify(tenants))
  const byMessage = Map.groupBy(rows, (row) => Number(row.message))
  const touched = [...byMessage].flatMap(([n, some]) => {
    for (const row of some) resume(c, placeOf(row))
    const message = c.db.get(look.message, n)
    return message === undefined ? [] : touch(message, some)
  })
  return { touched, ...(last !== undefined && { next: Number(last) }) }
}

function resume(c: Change, place: Place): void {
  c.db.run(sql.resume, place.message, place.n, c.at, 'its tenant is in the project again')
  c.tally.move(place, place.lane, 'waiting')
  c.tally.due(place.lane, c.at)
}

type OfMessage = {
  readonly action: HandAction
  readonly by: string
  readonly n: number
  readonly some: readonly Row[]
}

function touchedOf(c: Change, { action, by, n, some }: OfMessage): readonly Touched[] {
  // With its last recipient a message goes.
  const message = c.db.get(look.message, n)
  return message === undefined
    ? []
    : touch(
        message,
        some.filter((row) => actOn(c, action, row, by)),
      )
}

function touch(message: Row, recipients: readonly Row[]): readonly Touched[] {
  if (recipients.length === 0) return []
  const { id, messageId, sender } = keptMessage(message)
  return [{ id, messageId, sender, recipients: recipients.map((row) => String(row.address)) }]
}

/** The next recipients of a release order. Says how many were still held. */
export function releaseSome(c: Change, domain: string, by: string, step: ReleaseStep): number {
  let released = 0
  for (const { id, n } of step.recipients) {
    const row = c.db.get(sql.ofMessage, id, n)
    if (row?.domain === domain && row.cause === 'domain' && actOn(c, 'release', row, by)) released += 1
  }
  return released
}

/** False when the action does not apply to a recipient in this state. */
function actOn(c: Change, action: HandAction, row: Row, by: string): boolean {
  const place = placeOf(row)
  if (place.state === 'running') return false
  switch (action) {
    case 'hold':
      return place.state === 'waiting' && hold(c, place, by)
    case 'release':
      return place.state === 'held' && release(c, place, by, lineOf(String(row.sender_key), String(row.key)))
    case 'retry':
      return place.state === 'waiting' && retry(c, place, by)
    case 'drop':
      end(c, place, 'dropped')
      forgetWhenDone(c, place.message)
      return true
    case 'wishReturn':
      return place.wish === undefined && isTenant(String(row.peer)) && wishReturn(c, place, by)
  }
}

/** Nobody else may be sent a report: senders out of the internet are not who they say, and our own reports have none. */
function isTenant(peer: string): boolean {
  return peer !== 'internet' && peer !== 'causeway'
}

function hold(c: Change, place: Place, by: string): true {
  c.db.run(sql.hold, place.message, place.n, by, c.at)
  return moved(c, place, 'held')
}

function release(c: Change, place: Place, by: string, line: string): true {
  c.db.run(sql.release, place.message, place.n, by, c.at, line)
  moved(c, place, 'waiting')
  settleLine(c, line)
  return true
}

function retry(c: Change, place: Place, by: string): true {
  c.db.run(sql.retry, place.message, place.n, by, c.at)
  c.tally.due(place.lane, c.at)
  return true
}

function wishReturn(c: Change, place: Place, by: string): true {
  c.db.run(sql.wishReturn, place.message, place.n, by, c.at)
  return moved(c, place, 'waiting')
}

/** Whatever line it was in, it has left it. */
function moved(c: Change, place: Place, state: 'held' | 'waiting'): true {
  c.tally.move(place, place.lane, state)
  if (place.line !== undefined) settleLine(c, place.line)
  return true
}
