/** The trace database: its tables, how events go in, and how old ones go out. */
import { type Db, type Migration, type Opened, openDb } from '../store/store.ts'
import type { TraceEvent } from './event.ts'

const migrations: readonly Migration[] = [
  // One row per message, so that everything known of it is found by any of its events. `party` holds each address that
  // it was from or for, as given and as rewritten, in folded case.
  `CREATE TABLE message (
     n INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     message_id TEXT,
     first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX message_by_message_id ON message (message_id) WHERE message_id IS NOT NULL;
   CREATE INDEX message_by_time ON message (last_at);
   CREATE TABLE event (
     n INTEGER PRIMARY KEY,
     message INTEGER NOT NULL,
     at INTEGER NOT NULL,
     detail TEXT NOT NULL
   ) STRICT;
   CREATE INDEX event_by_message ON event (message);
   CREATE TABLE party (
     address TEXT NOT NULL,
     role TEXT NOT NULL CHECK (role IN ('sender', 'recipient')),
     message INTEGER NOT NULL,
     PRIMARY KEY (address, role, message)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX party_by_message ON party (message);`,
]

/** A power cut may take the last events: they describe mail, they are not mail. */
export function openTraceDb(file: string, readOnly = false): Opened {
  return openDb({ file, migrations, synchronous: 'normal', readOnly })
}

/** All in one transaction. */
export function insertEvents(db: Db, events: readonly TraceEvent[]): void {
  db.transaction(() => {
    const messages = new Map<string, number>()
    const known = new Set<string>()
    for (const event of events) {
      const message = messages.get(event.id) ?? openMessage(db, event)
      messages.set(event.id, message)
      insertEvent(db, message, event)
      insertParties(db, message, event, known)
    }
    closeMessages(db, events, messages)
  })
}

function openMessage(db: Db, event: TraceEvent): number {
  const row = db.get(
    `INSERT INTO message (id, first_at, last_at) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET first_at = min(first_at, excluded.first_at) RETURNING n`,
    event.id,
    Math.trunc(event.at),
    Math.trunc(event.at),
  )
  return Number(row?.n)
}

function insertEvent(db: Db, message: number, event: TraceEvent): void {
  const detail = JSON.stringify(event, clipped)
  db.run('INSERT INTO event (message, at, detail) VALUES (?, ?, ?)', message, Math.trunc(event.at), detail)
}

/** `known`: those that this batch has written already; the events of a message name the same ones again and again. */
function insertParties(db: Db, message: number, event: TraceEvent, known: Set<string>): void {
  for (const { role, address } of partiesOf(event)) {
    const key = `${message} ${role} ${address}`
    if (known.has(key)) continue
    known.add(key)
    db.run('INSERT OR IGNORE INTO party (address, role, message) VALUES (?, ?, ?)', address, role, message)
  }
}

/** What came last and the Message-ID are written once per message and batch. */
function closeMessages(db: Db, events: readonly TraceEvent[], messages: ReadonlyMap<string, number>): void {
  const last = new Map<string, { at: number; messageId: string | null }>()
  for (const event of events) {
    const before = last.get(event.id)
    last.set(event.id, {
      at: Math.max(before?.at ?? 0, Math.trunc(event.at)),
      messageId: event.messageId ?? before?.messageId ?? null,
    })
  }
  for (const [id, { at, messageId }] of last) {
    db.run(
      'UPDATE message SET last_at = max(last_at, ?), message_id = coalesce(?, message_id) WHERE n = ?',
      at,
      messageId,
      messages.get(id) ?? null,
    )
  }
}

/** A field of 100 KB is shown as well by its first part; what went out is in the message itself. */
const longestText = 4000

function clipped(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > longestText ? `${value.slice(0, longestText)}…` : value
}

type Party = { readonly role: 'sender' | 'recipient'; readonly address: string }

function partiesOf(event: TraceEvent): readonly Party[] {
  const recipients = (event.recipients ?? []).map((text) => party('recipient', text))
  const senders = event.sender === undefined ? [] : [party('sender', event.sender)]
  return [...senders, ...recipients, ...rewrittenParties(event)]
}

/** Of a rewritten envelope both spellings lead to the message. */
function rewrittenParties(event: TraceEvent): readonly Party[] {
  if (event.kind !== 'REWRITE' || event.field === undefined) return []
  const role = envelopeRoles.get(event.field.toUpperCase())
  if (role === undefined) return []
  return [event.old, event.new].flatMap((text) => (text === undefined ? [] : [party(role, text)]))
}

const envelopeRoles: ReadonlyMap<string, Party['role']> = new Map([
  ['MAIL FROM', 'sender'],
  ['FROM', 'sender'],
  ['RCPT TO', 'recipient'],
])

function party(role: Party['role'], text: string): Party {
  return { role, address: foldedAddress(text) }
}

/** For finding, not for mail: case is ignored, angle brackets count for nothing, the null sender is ''. */
export function foldedAddress(text: string): string {
  return text.replace(/^<|>$/g, '').normalize('NFC').toLowerCase()
}

/**
 * Forgets messages of which nothing happened since `before` (ms), the oldest first, at most `limit`.
 * Returns how many they were.
 */
export function forgetMessages(db: Db, before: number, limit: number): number {
  return db.transaction(() => {
    const old = db.all('SELECT n FROM message WHERE last_at < ? ORDER BY last_at LIMIT ?', before, limit)
    for (const { n = null } of old) {
      db.run('DELETE FROM event WHERE message = ?', n)
      db.run('DELETE FROM party WHERE message = ?', n)
      db.run('DELETE FROM message WHERE n = ?', n)
    }
    return old.length
  })
}
