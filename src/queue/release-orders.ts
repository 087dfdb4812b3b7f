/** Orders to let the held mail of a domain go. */
import type { Db } from '../store/store.ts'
import { releaseSome } from './by-hand.ts'
import type { Change } from './change.ts'
import { keyOfDomain } from './compare.ts'
import type { NewReleaseOrder, ProbeNo, ReleaseOrder, ReleaseStep } from './contract.ts'
import { clipped } from './put.ts'
import { orders as sql } from './sql.ts'

/** In place of one that stands; it counts from 0. */
export function setOrder({ db, at }: Change, o: NewReleaseOrder): void {
  const key = keyOfDomain(o.domain)
  db.run(sql.forgetNoes, key)
  db.run(sql.set, key, o.whenAccepted ? 1 : 0, Math.max(1, Math.round(o.perMinute)), o.by, at)
}

export function endOrder({ db }: Change, domain: string): boolean {
  const key = keyOfDomain(domain)
  db.run(sql.forgetNoes, key)
  return db.run(sql.end, key) > 0
}

export function listOrders(db: Db): readonly ReleaseOrder[] {
  return db.all(sql.all).map((row) => ({
    domain: String(row.domain),
    whenAccepted: row.when_accepted === 1,
    perMinute: Number(row.per_minute),
    by: String(row.who),
    at: Number(row.at),
    released: Number(row.released),
    asked: Number(row.asked),
    notAccepted: Number(row.not_accepted),
    progressAt: Number(row.progress_at),
    noes: listNoes(db, String(row.domain)),
  }))
}

const kinds: readonly ProbeNo['kind'][] = ['refused', 'later', 'unreached']

function listNoes(db: Db, domain: string): ReleaseOrder['noes'] {
  return db.all(sql.noes, domain).flatMap((row) => {
    const kind = kinds.find((one) => one === row.kind)
    return kind === undefined ? [] : [{ kind, count: Number(row.count), words: String(row.words) }]
  })
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
