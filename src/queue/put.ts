/** A message comes into the queue. */
import type { Row } from '../store/store.ts'
import type { Change } from './change.ts'
import { keyOf } from './compare.ts'
import type { NewMessage, NewRecipient, RecipientState } from './message.ts'
import { claim as claimSql, put as sql } from './sql.ts'

/** Content of at most this size goes with its message; more than that comes before, in parts. */
export const partBytes = 256 * 1024

export type PutMessage = Omit<NewMessage, 'content'> & {
  readonly size: number
  /** Absent when its parts came before. */
  readonly content?: Uint8Array
}

/** What the next hop says can be long; a line of it is enough for everybody who reads it here. */
const longestText = 2000

/** The token of a lease when recipients are running. Throws when there is a message with this id. */
export function putMessage(c: Change, message: PutMessage): string | undefined {
  const n = insertMessage(c, message)
  placeContent(c, message)
  const isRunning = message.recipients.some((recipient) => recipient.state === 'running')
  const lease = isRunning ? newLease(c, n) : undefined
  for (const [place, recipient] of message.recipients.entries()) insertRecipient(c, { n, place, recipient, lease })
  c.tally.message(1, message.size)
  return lease?.toString()
}

/** A report belongs to nobody who could hold a lease: all of it waits. */
export function putReport(c: Change, report: PutMessage): void {
  putMessage(c, {
    ...report,
    recipients: report.recipients.map((r) => (r.state === 'running' ? { ...r, state: 'waiting' } : r)),
  })
}

export type Part = { readonly id: string; readonly part: number; readonly bytes: Uint8Array }

/** One part of a large content. The first one announces it. */
export function putPart({ db }: Change, { id, part, bytes }: Part): void {
  if (part === 0) {
    if (db.get(sql.isThere, id) !== undefined) throw new Error(`message ${id} is in the queue already`)
    db.run(sql.arriving, id)
  }
  db.run(sql.part, id, part, bytes)
}

export function abandonParts({ db }: Change, id: string): void {
  db.run(sql.abandoned, id)
}

export function newLease({ db, at, leaseMs }: Change, message: number): number {
  return numberOf(db.get(claimSql.newLease, message, at + leaseMs))
}

function insertMessage({ db, at }: Change, m: PutMessage): number {
  if (m.recipients.length === 0) throw new Error(`message ${m.id} has no recipients`)
  const senderKey = keyOf(m.sender)
  return numberOf(
    db.get(sql.message, m.id, at, m.sender, senderKey, m.peer, m.messageId, m.subject, m.envelope, m.size),
  )
}

function placeContent({ db }: Change, { id, size, content }: PutMessage): void {
  if (content !== undefined) {
    if (size > 0) db.run(sql.part, id, 0, content)
  } else if (db.run(sql.arrived, id) !== 1) throw new Error(`the content of message ${id} did not come`)
}

type Placed = {
  readonly n: number
  readonly place: number
  readonly recipient: NewRecipient
  readonly lease: number | undefined
}

function insertRecipient({ db, at, tally }: Change, { n, place, recipient: r, lease }: Placed): void {
  db.run(
    sql.recipient,
    n,
    place,
    r.address,
    keyOf(r.address),
    r.domain,
    r.facts,
    r.lane,
    r.state,
    r.state === 'held' ? (r.cause ?? 'domain') : null,
    r.trouble ?? null,
    r.attempts,
    clipped(r.reply),
    clipped(r.why),
    at,
    r.attempts > 0 ? at : null,
    at,
    leaseFor(r.state, lease),
  )
  tally.take(r.lane, r.state)
  if (r.state !== 'waiting') return
  tally.due(r.lane, at)
  if (r.trouble !== undefined) tally.trouble(r.lane, r.trouble, clipped(r.reply), clipped(r.why))
}

function leaseFor(state: RecipientState, lease: number | undefined): number | null {
  return state === 'running' ? (lease ?? null) : null
}

export function clipped(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

function numberOf(row: Row | undefined): number {
  return Number(row?.n)
}
