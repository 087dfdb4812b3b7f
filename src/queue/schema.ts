/** The tables of queue.db and why each index is there. Types and syntax stay where PostgreSQL can follow. */
import { join } from 'node:path'
import { type Migration, type OpenedSealed, openSealed } from '../store/store.ts'

/**
 * A recipient that `claim` may take now or later. `behind`: released from being held, and not the first in its line.
 * A partial index serves a query that says the same words, so everybody takes them from here.
 */
export const claimable = `state = 'waiting' AND behind = 0 AND wish IS NULL`

/** Of the ledger: somebody who did not come back, and whom nobody has seen to. */
export const outstanding = `came_back_at IS NULL AND settled_at IS NULL`

const migrations: readonly Migration[] = [
  // One row. It is changed in the same transaction as the states that it counts, and no commit passes in which it is off by one.
  `CREATE TABLE totals (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     taken INTEGER NOT NULL DEFAULT 0,
     delivered INTEGER NOT NULL DEFAULT 0,
     returned INTEGER NOT NULL DEFAULT 0,
     dropped INTEGER NOT NULL DEFAULT 0,
     waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
     running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
     held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
     messages INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
     bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
     attempt_pairs INTEGER NOT NULL DEFAULT 0 CHECK (attempt_pairs >= 0),
     attempts_left_out INTEGER NOT NULL DEFAULT 0,
     seals INTEGER NOT NULL DEFAULT 0,
     CHECK (taken = delivered + returned + dropped + waiting + running + held)
   ) STRICT;
   INSERT INTO totals (one) VALUES (1);` +
    // n is the order of arrival, and never given twice (AUTOINCREMENT): pages of lists go on behind it.
    `CREATE TABLE message (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     received_at INTEGER NOT NULL,
     sender TEXT NOT NULL,
     sender_key TEXT NOT NULL,
     peer TEXT NOT NULL,
     message_id TEXT NOT NULL,
     subject TEXT NOT NULL,
     envelope TEXT NOT NULL,
     size INTEGER NOT NULL,
     warned_at INTEGER
   ) STRICT;` +
    // key: the address as the directory compares it. since: when it was received, or released from being held; its age counts
    // from there. warned: its sender was told that it is late. line: sender and address of a released one.
    `CREATE TABLE recipient (
     message INTEGER NOT NULL REFERENCES message (n),
     n INTEGER NOT NULL,
     address TEXT NOT NULL,
     key TEXT NOT NULL,
     domain TEXT NOT NULL,
     facts TEXT NOT NULL,
     lane TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'running')),
     cause TEXT,
     trouble TEXT,
     attempts INTEGER NOT NULL,
     reply TEXT NOT NULL,
     why TEXT NOT NULL,
     next_at INTEGER NOT NULL,
     last_at INTEGER,
     since INTEGER NOT NULL,
     warned INTEGER NOT NULL DEFAULT 0,
     wish TEXT,
     who TEXT,
     released_at INTEGER,
     line TEXT,
     behind INTEGER NOT NULL DEFAULT 0,
     lease INTEGER,
     CHECK ((state = 'running') = (lease IS NOT NULL)),
     CHECK ((state = 'held') = (cause IS NOT NULL)),
     PRIMARY KEY (message, n)
   ) STRICT, WITHOUT ROWID;` +
    // What is due first in a lane.
    `CREATE INDEX recipient_due ON recipient (lane, next_at, message) WHERE ${claimable};` +
    // What is old, of all and of a lane: to be warned of, to be returned.
    `CREATE INDEX recipient_by_age ON recipient (warned, since, message) WHERE ${claimable};` +
    `CREATE INDEX recipient_by_age_in_lane ON recipient (lane, warned, since, message) WHERE ${claimable};` +
    `CREATE INDEX recipient_wished ON recipient (next_at, message) WHERE state = 'waiting' AND wish IS NOT NULL;` +
    // For the operator: a lane's oldest, a lane's list.
    `CREATE INDEX recipient_in_lane ON recipient (lane, message);` +
    // For release orders, in the order of arrival.
    `CREATE INDEX recipient_held ON recipient (domain, cause, message, n) WHERE state = 'held';` +
    `CREATE INDEX recipient_in_line ON recipient (line, behind, message, n) WHERE line IS NOT NULL;` +
    // A lane that something waits in has a first_at that is never later than its first next_at, and may be earlier: claim looks at
    // the lanes in this order, and where it finds a first_at too early it puts it right. So it never reads what is not due.
    `CREATE TABLE lane (
     name TEXT PRIMARY KEY,
     waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
     running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
     held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
     first_at INTEGER,
     trouble TEXT,
     reply TEXT NOT NULL DEFAULT ''
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX lane_first ON lane (first_at) WHERE first_at IS NOT NULL;` +
    // Never given twice either: a token of an earlier process must not open a lease of this one.
    `CREATE TABLE lease (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     message INTEGER NOT NULL REFERENCES message (n),
     until INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX lease_of ON lease (message);` +
    // Content in parts of 256 KiB, by the message's id, because a large one is stored before its message.
    `CREATE TABLE content (
     id TEXT NOT NULL,
     part INTEGER NOT NULL,
     bytes BLOB NOT NULL,
     PRIMARY KEY (id, part)
   ) STRICT;` +
    // Content without a message: not yet, or no longer. The sweep takes it away in steps.
    `CREATE TABLE loose (
     id TEXT PRIMARY KEY,
     is_arriving INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;` +
    `CREATE TABLE release_order (
     domain TEXT PRIMARY KEY,
     when_accepted INTEGER NOT NULL,
     per_minute INTEGER NOT NULL,
     who TEXT NOT NULL,
     at INTEGER NOT NULL,
     released INTEGER NOT NULL DEFAULT 0,
     asked INTEGER NOT NULL DEFAULT 0,
     not_accepted INTEGER NOT NULL DEFAULT 0,
     progress_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;` +
    // What its questions were answered with that was no yes: how often, and the last words, of each kind.
    `CREATE TABLE release_no (
     domain TEXT NOT NULL,
     kind TEXT NOT NULL,
     count INTEGER NOT NULL,
     words TEXT NOT NULL,
     PRIMARY KEY (domain, kind)
   ) STRICT, WITHOUT ROWID;` +
    // The ledger: one row for each pair that was asked to come back. settled: a person has seen to those who did not. family: of an
    // envelope sender that is made anew for each try; came_back_as: it came back as this one.
    `CREATE TABLE attempt (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     domain TEXT NOT NULL,
     sender TEXT NOT NULL,
     sender_key TEXT NOT NULL,
     family TEXT,
     recipient TEXT NOT NULL,
     recipient_key TEXT NOT NULL,
     first_address TEXT NOT NULL,
     last_address TEXT NOT NULL,
     helo TEXT NOT NULL,
     tls TEXT NOT NULL,
     first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL,
     count INTEGER NOT NULL,
     came_back_at INTEGER,
     came_back_as TEXT,
     settled_at INTEGER,
     settled_by TEXT,
     UNIQUE (recipient_key, sender_key, domain)
   ) STRICT;
   CREATE INDEX attempt_of_domain ON attempt (domain, n);
   CREATE INDEX attempt_outstanding ON attempt (first_at) WHERE ${outstanding};
   CREATE INDEX attempt_to_settle ON attempt (domain, n) WHERE ${outstanding};
   CREATE INDEX attempt_of_family ON attempt (recipient_key, family) WHERE family IS NOT NULL AND ${outstanding};
   CREATE INDEX attempt_by_age ON attempt (last_at);`,
  // What happened at a next hop that said nothing.
  `ALTER TABLE lane ADD COLUMN why TEXT NOT NULL DEFAULT '';` +
    // For the day when a tenant is back in the project.
    `CREATE INDEX recipient_of_tenant ON recipient (message, n) WHERE state = 'held' AND cause = 'tenant';`,
  // What came of the last order of a domain. noes: JSON, as they are listed.
  `CREATE TABLE release_ended (
     domain TEXT PRIMARY KEY,
     when_accepted INTEGER NOT NULL,
     per_minute INTEGER NOT NULL,
     who TEXT NOT NULL,
     at INTEGER NOT NULL,
     released INTEGER NOT NULL,
     asked INTEGER NOT NULL,
     not_accepted INTEGER NOT NULL,
     progress_at INTEGER NOT NULL,
     ended_at INTEGER NOT NULL,
     noes TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  // Few, and looked for often: by who watches over the gateway, and when a tenant is back.
  `DROP INDEX recipient_of_tenant;
   CREATE INDEX recipient_held_otherwise ON recipient (cause, message, n) WHERE state = 'held' AND cause <> 'domain';`,
]

export function queueFile(dataDir: string): string {
  return join(dataDir, 'queue.db')
}

export function openQueueDb(dataDir: string): OpenedSealed {
  return openSealed(
    { file: queueFile(dataDir), migrations, synchronous: 'full', givesSpaceBack: true },
    'UPDATE totals SET seals = seals + 1',
  )
}
