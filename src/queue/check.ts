/** Counts everything anew and compares. */
import type { Db, Row } from '../store/store.ts'
import { look, count as sql } from './sql.ts'

/** What does not add up, as a sentence; undefined when everything does. */
export function checkQueue(db: Db): string | undefined {
  const totals = db.get(look.totals)
  if (totals === undefined) return 'the totals are gone'
  return checkStates(db, totals) ?? checkLanes(db) ?? checkMessages(db, totals) ?? checkTies(db)
}

function checkStates(db: Db, totals: Row): string | undefined {
  const counted = new Map(db.all(sql.states).map((row) => [String(row.state), Number(row.n)]))
  for (const state of ['waiting', 'running', 'held']) {
    const [said, found] = [Number(totals[state]), counted.get(state) ?? 0]
    if (said !== found) return `${said} recipients are said to be ${state}, ${found} are`
  }
  const sum = ['delivered', 'returned', 'dropped', 'waiting', 'running', 'held'].reduce(
    (all, name) => all + Number(totals[name]),
    0,
  )
  return sum === totals.taken ? undefined : `${Number(totals.taken)} recipients were taken, ${sum} are accounted for`
}

function checkLanes(db: Db): string | undefined {
  const said = new Map(db.all(look.lanes).map((row) => [String(row.name), row]))
  for (const found of db.all(sql.lanes)) {
    const lane = String(found.lane)
    const row = said.get(lane)
    said.delete(lane)
    for (const state of ['waiting', 'running', 'held'])
      if (row?.[state] !== found[state]) return `lane ${lane} has a wrong count of ${state} ones`
    if (found.first_at !== null && (row?.first_at === null || Number(row?.first_at) > Number(found.first_at)))
      return `lane ${lane} has something due earlier than it says`
  }
  const [empty] = said.keys()
  return empty === undefined ? undefined : `lane ${empty} is empty and still there`
}

function checkMessages(db: Db, totals: Row): string | undefined {
  const found = db.get(sql.messages)
  if (totals.messages !== found?.n)
    return `${Number(totals.messages)} messages are said to be there, ${Number(found?.n)} are`
  if (totals.bytes !== found?.bytes)
    return `${Number(totals.bytes)} bytes are said to be there, ${Number(found?.bytes)} are`
  const pairs = Number(db.get(sql.pairs)?.n)
  return totals.attempt_pairs === pairs
    ? undefined
    : `the ledger has ${pairs} rows and says ${Number(totals.attempt_pairs)}`
}

function checkTies(db: Db): string | undefined {
  const broken: readonly (readonly [row: Row | undefined, what: string])[] = [
    [db.get(sql.empty), 'a message has no recipients, or not its content'],
    [db.get(sql.orphan), 'content belongs to no message'],
    [db.get(sql.leaseless), 'a running recipient has no lease'],
    [db.get(sql.idleLease), 'a lease covers nobody'],
    [db.get(sql.badLine), 'a line of released messages has not one head'],
  ]
  return broken.find(([row]) => row !== undefined)?.[1]
}
