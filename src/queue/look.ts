/** Finding what a filter fits, span by span. */
import type { Db, Row, Value } from '../store/store.ts'
import { keyOf, keyOfDomain } from './compare.ts'
import type { Domains, Filter, HeldRecipient, Paged } from './contract.ts'
import type { LaneFigures } from './figures.ts'
import type { HoldCause, KeptMessage, KeptRecipient, Listed } from './message.ts'
import { keptMessage, keptRecipient, troubleOf } from './rows.ts'
import { look as sql } from './sql.ts'

/** The recipients between two messages that a filter fits. `next`: where to look further; absent at the end. */
export type Span = { readonly rows: readonly Row[]; readonly next?: number }

const end = Number.MAX_SAFE_INTEGER

/** `after`: a message's n. */
export function fitting(db: Db, filter: Filter, after: number, at: number): Span {
  const { from, upTo, isLast } = span(db, filter, after)
  const statement = filter.lane === undefined ? sql.fitting : sql.fittingInLane
  const rows = db.all(statement, from, upTo, ...valuesOf(filter, at))
  return isLast ? { rows } : { rows, next: upTo }
}

/** Messages: `from` is not one of them, `upTo` is. */
type Stretch = { readonly from: number; readonly upTo: number; readonly isLast: boolean }

/** Of ids one message at a time; otherwise as many messages as have about a thousand recipients. */
function span(db: Db, filter: Filter, after: number): Stretch {
  if (filter.ids !== undefined) {
    const [first, second] = db.all(sql.nextOfIds, after, JSON.stringify(filter.ids)).map((row) => Number(row.n))
    if (first === undefined) return { from: after, upTo: after, isLast: true }
    return { from: first - 1, upTo: first, isLast: second === undefined }
  }
  const row = filter.lane === undefined ? db.get(sql.spanEnd, after) : db.get(sql.spanEndInLane, after, filter.lane)
  return { from: after, upTo: row === undefined ? end : Number(row.message), isLast: row === undefined }
}

function valuesOf(f: Filter, at: number): readonly Value[] {
  return [
    f.domain === undefined ? null : keyOfDomain(f.domain),
    f.recipient === undefined ? null : keyOf(f.recipient),
    f.sender === undefined ? null : keyOf(f.sender),
    f.lane ?? null,
    f.state ?? null,
    f.cause ?? null,
    f.trouble ?? null,
    f.olderThanMs === undefined ? null : at - f.olderThanMs,
    f.peer ?? null,
  ]
}

/** A message with 5,000 recipients is shown whole by `show`. */
const recipientsListed = 100

type ListAsk = {
  readonly filter: Filter
  readonly limit: number
  readonly after: number
  readonly at: number
  readonly isWhole: boolean
}

export function listMessages(db: Db, ask: ListAsk): Paged<Listed> {
  const { rows, next } = fitting(db, ask.filter, ask.after, ask.at)
  const byMessage = Map.groupBy(rows, (row) => Number(row.message))
  const page = [...byMessage].slice(0, ask.limit)
  const items = page.flatMap(([n, recipients]) => {
    const message = db.get(sql.message, n)
    return message === undefined
      ? []
      : [listed(message, recipients, ask.isWhole ? recipients.length : recipientsListed)]
  })
  const goOnAfter = byMessage.size > page.length ? page.at(-1)?.[0] : next
  return { items, ...(goOnAfter !== undefined && { next: String(goOnAfter) }) }
}

export function showMessage(db: Db, id: string): Listed | undefined {
  const row = db.get(sql.messageById, id)
  return row === undefined ? undefined : listed(row, db.all(sql.recipients, Number(row.n)))
}

function listed(message: Row, recipients: readonly Row[], most = recipients.length): Listed {
  const more = recipients.length - most
  const shown = recipients.slice(0, most).map(keptRecipient)
  return { message: keptMessage(message), recipients: shown, ...(more > 0 && { more }) }
}

export function listLanes(db: Db): readonly LaneFigures[] {
  return db.all(sql.lanes).map((row) => {
    const trouble = troubleOf(row.trouble)
    const since = [row.punctual, row.late].filter((at) => typeof at === 'number')
    return {
      lane: String(row.name),
      waiting: Number(row.waiting),
      running: Number(row.running),
      held: Number(row.held),
      oldestAt: since.length === 0 ? Number(row.oldest_at) : Math.min(...since),
      ...(trouble !== undefined && { trouble }),
      reply: String(row.reply),
      why: String(row.why),
    }
  })
}

/** The message that has waited longest. */
export function oldestWaiting(db: Db): Row | undefined {
  const [late, punctual] = [db.get(sql.oldest, 1), db.get(sql.oldest, 0)]
  if (late === undefined || punctual === undefined) return late ?? punctual
  return Number(late.since) <= Number(punctual.since) ? late : punctual
}

export function oldestMessage(db: Db): KeptMessage | undefined {
  const found = oldestWaiting(db)
  const row = found === undefined ? undefined : db.get(sql.message, Number(found.message))
  return row === undefined ? undefined : keptMessage(row)
}

export function listDomains(db: Db): Domains {
  const held = domainsBy(db, sql.nextHeldDomain).filter((domain) => db.get(sql.anyHeld, domain) !== undefined)
  return { held, attempted: domainsBy(db, sql.nextAttemptDomain) }
}

/** A project serves hundreds; refused mail may be for more. */
const mostDomains = 10_000

function domainsBy(db: Db, next: string): readonly string[] {
  const found: string[] = []
  for (
    let row = db.get(next, '');
    row !== undefined && found.length < mostDomains;
    row = db.get(next, String(row.domain))
  )
    found.push(String(row.domain))
  return found
}

export function countHeld(db: Db, { cause, most }: { readonly cause: HoldCause; readonly most: number }): number {
  return db.all(sql.heldFor, cause, most).length
}

type HeldAsk = { readonly domain: string; readonly limit: number; readonly after: string | undefined }

export function nextHeld(db: Db, { domain, limit, after = '0.0' }: HeldAsk): Paged<HeldRecipient> {
  const [message = 0, n = 0] = after.split('.').map(Number)
  const rows = db.all(sql.nextHeld, keyOfDomain(domain), message, n, limit)
  const items = rows.flatMap((row) => {
    const found = db.get(sql.message, Number(row.message))
    const recipient: KeptRecipient = keptRecipient(row)
    return found === undefined ? [] : [{ message: keptMessage(found), recipient }]
  })
  const last = rows.length < limit ? undefined : rows.at(-1)
  return { items, ...(last !== undefined && { next: `${Number(last.message)}.${Number(last.n)}` }) }
}

export type ContentSlice = { readonly size: number; readonly parts: readonly Uint8Array[] }

/** Up to four parts, from this one on; undefined when there is no such message. */
export function contentSlice(db: Db, id: string, from: number): ContentSlice | undefined {
  const row = db.get(sql.messageById, id)
  if (row === undefined) return undefined
  const parts = db.all(sql.parts, id, from).flatMap(({ bytes }) => (bytes instanceof Uint8Array ? [bytes] : []))
  return { size: Number(row.size), parts }
}
