/** The ledger of attempts: who was asked to come back, and who did. */
import type { Db } from '../store/store.ts'
import type { Change } from './change.ts'
import { keyOf, keyOfDomain } from './compare.ts'
import type { Attempted, AttemptRow } from './contract.ts'
import { textOf } from './rows.ts'
import { familyOf } from './sender-family.ts'
import { look, ledger as sql } from './sql.ts'

/** Strangers fill this ledger: it is bounded. Those left out are counted. */
const mostPairs = 1_000_000
const longestName = 255
const keptMs = 90 * 24 * 60 * 60 * 1000
const forgottenAtOnce = 500

export function noteAttempt({ db }: Change, a: Attempted): void {
  const [recipientKey, senderKey, domain] = [keyOf(a.recipient), keyOf(a.sender), keyOfDomain(a.domain)]
  const [helo, tls, at] = [a.helo.slice(0, longestName), a.tls.slice(0, longestName), Math.round(a.at)]
  if (db.run(sql.again, recipientKey, senderKey, domain, a.address, helo, tls, at) > 0) return
  if (Number(db.get(look.totals)?.attempt_pairs) >= mostPairs) {
    db.run(sql.leftOut)
    return
  }
  const family = familyOf(a.sender) ?? null
  db.run(sql.first, domain, a.sender, senderKey, a.recipient, recipientKey, a.address, helo, tls, at, family)
  db.run(sql.pairs, 1)
}

export type CameBack = { readonly sender: string; readonly recipient: string; readonly at: number }

/** A stranger may fill a family with rows; the next return of it goes on. */
const familyAtOnce = 1000

export function noteReturn({ db }: Change, { sender, recipient, at }: CameBack): void {
  const [recipientKey, senderKey] = [keyOf(recipient), keyOf(sender)]
  if (db.run(sql.cameBack, recipientKey, senderKey, Math.round(at)) > 0) return
  const family = familyOf(sender)
  // Who is known by himself came back before, and says nothing of others.
  if (family === undefined || db.get(sql.isKnown, recipientKey, senderKey) !== undefined) return
  db.run(sql.familyCameBack, recipientKey, family, Math.round(at), sender, familyAtOnce)
}

const settledAtOnce = 1000

export type Settled = { readonly touched: number; readonly isDone: boolean }

/** A person has seen to some of those who have not come back: in steps, so that no mail waits for it. */
export function settleAttempts({ db, at }: Change, domain: string, by: string): Settled {
  const touched = db.run(sql.settle, keyOfDomain(domain), at, by, settledAtOnce)
  return { touched, isDone: touched < settledAtOnce }
}

/** True when there may be more to forget. */
export function forgetAttempts({ db, at }: Change): boolean {
  const forgotten = db.run(sql.forget, at - keptMs, forgottenAtOnce)
  if (forgotten > 0) db.run(sql.pairs, -forgotten)
  return forgotten === forgottenAtOnce
}

export function listAttempts(db: Db, domain: string, limit: number, after: number): readonly AttemptRow[] {
  return db.all(sql.ofDomain, keyOfDomain(domain), after, limit).map((row) => {
    const [cameBackAt, settledAt] = [textOf(row.came_back_at), textOf(row.settled_at)]
    const cameBackAs = textOf(row.came_back_as)
    return {
      id: String(row.n),
      sender: String(row.sender),
      recipient: String(row.recipient),
      firstAddress: String(row.first_address),
      lastAddress: String(row.last_address),
      helo: String(row.helo),
      tls: String(row.tls),
      firstAt: Number(row.first_at),
      lastAt: Number(row.last_at),
      count: Number(row.count),
      ...(cameBackAt !== undefined && { cameBackAt: Number(cameBackAt) }),
      ...(cameBackAs !== undefined && { cameBackAs }),
      ...(settledAt !== undefined && { settledAt: Number(settledAt), settledBy: String(row.settled_by) }),
    }
  })
}
