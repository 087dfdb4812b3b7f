/** Work is given out, with a lease. */
import type { Row } from '../store/store.ts'
import type { Change } from './change.ts'
import { always, Given } from './given.ts'
import { look, claim as sql } from './sql.ts'
import type { ClaimQuery, Work } from './work.ts'

/**
 * Every row that is read is one that is given out, or the first of a lane. So the work grows with what is given out and with the lanes
 * that have something due, however much waits, and however much of it is in lanes that are excluded.
 */
export function claimWork(c: Change, q: ClaimQuery): readonly Work[] {
  const given = new Given(c, q)
  if (q.ids !== undefined) giveThese(given, q.ids)
  else if (q.receivedBefore !== undefined || q.warnBefore !== undefined) giveOld(given)
  else {
    if (q.lane === undefined) giveWished(given)
    giveDue(given)
  }
  return given.works
}

function giveThese(given: Given, ids: readonly string[]): void {
  for (const id of ids) {
    const row = given.change.db.get(look.messageById, id)
    if (row !== undefined && !given.isFull) giveAllLanes(given, Number(row.n), always)
  }
}

function giveWished(given: Given): void {
  while (!given.isFull) {
    const next = given.change.db.get(sql.wished, given.dueBy)
    if (next === undefined) return
    given.give(Number(next.message), String(next.lane), { wish: 'return' })
  }
}

type Head = { readonly lane: string; readonly message: number; readonly nextAt: number }

/** Of all lanes that it may serve the one with the earliest first, again and again. */
function giveDue(given: Given): void {
  const { db } = given.change
  const lanes = db.all(sql.lanes, given.dueBy).filter((row) => given.serves(String(row.name)))
  const heads = new Map<string, Head>()
  let seen = 0
  while (!given.isFull) {
    let head = earliest(heads)
    // A lane's first_at is never too late, so lanes further on cannot have an earlier one.
    for (; seen < lanes.length && Number(lanes[seen]?.first_at) <= (head?.nextAt ?? always); seen += 1) {
      lookAt(given, heads, String(lanes[seen]?.name))
      head = earliest(heads)
    }
    if (head === undefined) return
    given.give(head.message, head.lane)
    lookAt(given, heads, head.lane)
  }
}

/** Finds the first of a lane, and sets its first_at right. */
function lookAt(given: Given, heads: Map<string, Head>, lane: string): void {
  const row = given.change.db.get(sql.firstInLane, lane)
  const head = row === undefined ? undefined : { lane, message: Number(row.message), nextAt: Number(row.next_at) }
  given.change.db.run(sql.correctLane, lane, head?.nextAt ?? null)
  if (head === undefined || head.nextAt > given.dueBy) heads.delete(lane)
  else heads.set(lane, head)
}

function earliest(heads: ReadonlyMap<string, Head>): Head | undefined {
  let best: Head | undefined
  for (const head of heads.values()) {
    if (best === undefined || head.nextAt < best.nextAt || (head.nextAt === best.nextAt && head.message < best.message))
      best = head
  }
  return best
}

/** Recipients that one claim by age looks at: those of excluded lanes, or not due, are passed over. */
const mostLooked = 20_000
const oldestAtOnce = 200

/** Those whose sender knows that they are late are the older ones. */
function giveOld(given: Given): void {
  const { receivedBefore = always, warnBefore = always } = given.query
  const before = Math.min(receivedBefore, warnBefore)
  if (given.query.warnBefore === undefined) giveOldOnes(given, 1, before)
  giveOldOnes(given, 0, before)
}

function giveOldOnes(given: Given, warned: number, before: number): void {
  const seen = new Set<number>()
  let from: readonly [since: number, message: number] = [-always, 0]
  for (let looked = 0; looked < mostLooked && !given.isFull; looked += oldestAtOnce) {
    const rows = oldestRows(given, [warned, before, ...from, oldestAtOnce])
    for (const row of rows) {
      const message = Number(row.message)
      if (!seen.has(message) && !given.isFull) giveAllLanes(given, message, before)
      seen.add(message)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < oldestAtOnce) return
    from = [Number(last.since), Number(last.message)]
  }
}

function oldestRows({ change: { db }, query: { lane } }: Given, values: readonly number[]): readonly Row[] {
  return lane === undefined ? db.all(sql.oldest, ...values) : db.all(sql.oldestInLane, ...values, lane)
}

/** Whole, so that one report can tell of all recipients that are late. */
function giveAllLanes(given: Given, message: number, before: number): void {
  for (const { lane = '' } of given.change.db.all(sql.lanesOfMessage, message, given.dueBy, before)) {
    if (given.serves(String(lane))) given.give(message, String(lane), { since: before })
  }
}
