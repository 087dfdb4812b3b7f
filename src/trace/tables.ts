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
  // What is written of a message at once is one row: a message has about nine events, and nobody asks for one alone. `common` is
  // what all of them say, `events` an array of what each says beside that. It halves the file, and the work of writing it.
  `CREATE TABLE story (
     n INTEGER PRIMARY KEY,
     message INTEGER NOT NULL,
     common TEXT NOT NULL,
     events TEXT NOT NULL
   ) STRICT;
   INSERT INTO story (message, common, events) SELECT message, '{}', json_group_array(json(detail))
     FROM (SELECT message, detail FROM event ORDER BY message, n) GROUP BY message;
   DROP TABLE event;
   CREATE INDEX story_by_message ON story (message);`,
]

/** A power cut may take the last events: they describe mail, they are not mail. */
export function openTraceDb(file: string, readOnly = false): Opened {
  return openDb({ file, migrations, synchronous: 'normal', readOnly })
}

/** All in one transaction. */
export function insertEvents(db: Db, events: readonly TraceEvent[]): void {
  db.transaction(() => {
    for (const story of Map.groupBy(events, (event) => event.id).values()) insertStory(db, story)
  })
}

/** `events`: what this batch has of one message, at least one. */
function insertStory(db: Db, events: readonly TraceEvent[]): void {
  const message = putMessage(db, events)
  const { common, own } = parted(events)
  db.run('INSERT INTO story (message, common, events) VALUES (?, ?, ?)', message, jsonOf(common), jsonOf(own))
  for (const { role, address } of partiesOf(events))
    db.run('INSERT OR IGNORE INTO party (address, role, message) VALUES (?, ?, ?)', address, role, message)
}

/** The number of its row, which knows from when to when something happened. */
function putMessage(db: Db, events: readonly TraceEvent[]): number {
  const times = events.map((event) => Math.trunc(event.at))
  const row = db.get(
    `INSERT INTO message (id, message_id, first_at, last_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET message_id = coalesce(excluded.message_id, message_id),
       first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
     RETURNING n`,
    events[0]?.id ?? null,
    events.findLast((event) => event.messageId !== undefined)?.messageId ?? null,
    Math.min(...times),
    Math.max(...times),
  )
  return Number(row?.n)
}

/** The relay says id, Message-ID and sender with each event of a message. */
function parted(events: readonly TraceEvent[]) {
  const { id, messageId, sender } = events[0] ?? {}
  const isAlike = events.every((event) => event.messageId === messageId && event.sender === sender)
  if (!isAlike) return { common: {}, own: events }
  return { common: { id, messageId, sender }, own: events.map(({ id: _, messageId: __, sender: ___, ...own }) => own) }
}

/** A field of 100 KB is shown as well by its first part; what went out is in the message itself. */
const longestText = 4000

function jsonOf(value: object): string {
  const whole = JSON.stringify(value)
  return whole.length > longestText ? JSON.stringify(value, clipped) : whole
}

function clipped(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > longestText ? `${value.slice(0, longestText)}…` : value
}

type Party = { readonly role: 'sender' | 'recipient'; readonly address: string }

/** The events of a message name the same ones again and again: each of them once. */
function partiesOf(events: readonly TraceEvent[]): Iterable<Party> {
  const all = events.flatMap(partiesOfOne)
  return new Map(all.map((one) => [`${one.role} ${one.address}`, one])).values()
}

function partiesOfOne(event: TraceEvent): readonly Party[] {
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
      db.run('DELETE FROM story WHERE message = ?', n)
      db.run('DELETE FROM party WHERE message = ?', n)
      db.run('DELETE FROM message WHERE n = ?', n)
    }
    return old.length
  })
}
