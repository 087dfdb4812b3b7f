/** Orders to let the held mail of a domain go. */
import type { Db, Row } from '../store/store.ts'
import { releaseSome } from './by-hand.ts'
import type { Change } from './change.ts'
import { keyOfDomain } from './compare.ts'
import type { EndedOrder, NewReleaseOrder, ProbeNo, ReleaseOrder, ReleaseStep } from './contract.ts'
import { clipped } from './put.ts'
import { orders as sql } from './sql.ts'

/** In place of one that stands, which has ended with it; it counts from 0. */
export function setOrder(c: Change, o: NewReleaseOrder): void {
  const key = keyOfDomain(o.domain)
  endOrder(c, key)
  c.db.run(sql.set, key, o.whenAccepted ? 1 : 0, Math.max(1, Math.round(o.perMinute)), o.by, c.at)
}

/** What came of it is kept until the next one of the domain ends. */
export function endOrder({ db, at }: Change, domain: string): EndedOrder | undefined {
  const key = keyOfDomain(domain)
  const row = db.get(sql.one, key)
  if (row === undefined) return undefined
  const order = orderOf(row, listNoes(db, key))
  db.run(sql.ended, key, at, JSON.stringify(order.noes))
  db.run(sql.forgetNoes, key)
  db.run(sql.end, key)
  return { ...order, endedAt: at }
}

export function lastOrder(db: Db, domain: string): EndedOrder | undefined {
  const row = db.get(sql.last, keyOfDomain(domain))
  return row && { ...orderOf(row, readNoes(String(row.noes))), endedAt: Number(row.ended_at) }
}

export function listOrders(db: Db): readonly ReleaseOrder[] {
  return db.all(sql.all).map((row) => orderOf(row, listNoes(db, String(row.domain))))
}

function orderOf(row: Row, noes: ReleaseOrder['noes']): ReleaseOrder {
  return {
    domain: String(row.domain),
    whenAccepted: row.when_accepted === 1,
    perMinute: Number(row.per_minute),
    by: String(row.who),
    at: Number(row.at),
    released: Number(row.released),
    asked: Number(row.asked),
    notAccepted: Number(row.not_accepted),
    progressAt: Number(row.progress_at),
    noes,
  }
}

const kinds: readonly ProbeNo['kind'][] = ['refused', 'later', 'unreached']

function listNoes(db: Db, domain: string): ReleaseOrder['noes'] {
  return db.all(sql.noes, domain).flatMap(noOf)
}

function noOf({ kind: text, count, words }: Readonly<Record<string, unknown>>): ReleaseOrder['noes'] {
  const kind = kinds.find((one) => one === text)
  return kind === undefined ? [] : [{ kind, count: Number(count), words: String(words) }]
}

function readNoes(text: string): ReleaseOrder['noes'] {
  const all: unknown = JSON.parse(text)
  return Array.isArray(all) ? all.flatMap(noOf) : []
}

/** Nothing is let go without an order: it may have been ended a moment ago. */
export function letGo(c: Change, domain: string, step: ReleaseStep): number {
  const key = keyOfDomain(domain)
  const order = listOrders(c.db).find((one) => one.domain === key)
  if (order === undefined) return 0
  const released = releaseSome(c, key, order.by, step)
  c.db.run(sql.count, key, released, step.asked ?? 0, step.notAccepted ?? 0, c.at)
  for (const { kind, words } of step.noes ?? []) c.db.run(sql.no, key, kind, clipped(words))
  return released
}
