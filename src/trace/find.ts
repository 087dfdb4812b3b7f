/** Finding messages again. */
import type { Db, Row, Value } from '../store/store.ts'
import type { TraceEvent } from './event.ts'
import { foldedAddress } from './tables.ts'

/** All that are given must hold. Addresses in any case; Message-ID with or without its angle brackets. */
export type TraceQuery = {
  readonly id?: string
  readonly messageId?: string
  /** As given or as rewritten; '' or '<>' is the null sender. */
  readonly sender?: string
  /** As given or as rewritten. */
  readonly recipient?: string
  /** ms since 1970: something happened to the message at this time or later. */
  readonly since?: number
  /** ms since 1970: the message was seen at this time or earlier. */
  readonly until?: number
  /** Messages, the newest; 100 when absent. */
  readonly limit?: number
}

const usualLimit = 100
/** Against a flood of memory; 10,000 messages with a hundred events each are no answer for a person. */
const mostMessages = 10_000
const mostEvents = 100_000

/** Whole stories: every event of the messages that match, in order of time. */
export function findEvents(db: Db, query: TraceQuery): readonly TraceEvent[] {
  const { where, values } = conditions(query)
  const limit = Math.min(Math.max(0, Math.trunc(query.limit ?? usualLimit)), mostMessages)
  const rows = db.all(
    `SELECT story.common, one.value AS own FROM story
       JOIN (SELECT n FROM message ${where} ORDER BY last_at DESC, n DESC LIMIT ?) AS wanted ON story.message = wanted.n,
       json_each(story.events) AS one
       ORDER BY json_extract(one.value, '$.at') DESC, story.n DESC, one.key DESC LIMIT ?`,
    ...values,
    limit,
    mostEvents,
  )
  return rows.map(eventOf).toReversed()
}

/** What `insertEvents` wrote. */
function eventOf(row: Row): TraceEvent {
  const event: TraceEvent = { ...JSON.parse(String(row.common)), ...JSON.parse(String(row.own)) }
  return event
}

function conditions(query: TraceQuery): { readonly where: string; readonly values: readonly Value[] } {
  const parts: { readonly sql: string; readonly values: readonly Value[] }[] = []
  const add = (sql: string, ...values: readonly Value[]): void => void parts.push({ sql, values })
  if (query.id !== undefined) add('id = ?', query.id)
  if (query.messageId !== undefined) add('message_id IN (?, ?)', query.messageId, `<${query.messageId}>`)
  if (query.sender !== undefined) add(isParty, foldedAddress(query.sender), 'sender')
  if (query.recipient !== undefined) add(isParty, foldedAddress(query.recipient), 'recipient')
  if (query.since !== undefined) add('last_at >= ?', query.since)
  if (query.until !== undefined) add('first_at <= ?', query.until)
  const where = parts.length === 0 ? '' : `WHERE ${parts.map((part) => part.sql).join(' AND ')}`
  return { where, values: parts.flatMap((part) => part.values) }
}

const isParty = 'n IN (SELECT message FROM party WHERE address = ? AND role = ?)'
