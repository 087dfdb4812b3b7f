/**
 * Every statement of the queue, with its argument. Parameters are numbered; each statement reads or changes a bounded number of
 * rows by an index of schema.ts, save those of the last group, which say so.
 */
import { claimable, outstanding } from './schema.ts'

/** Claiming. */
export const claim = {
  /**
   * Lanes in the order of what is due first in them. There are as many rows here as there are next hops, so that excluded lanes
   * cost a row each, however many recipients wait in them.
   */
  lanes: `SELECT name, first_at FROM lane WHERE first_at <= ?1 ORDER BY first_at`,
  firstInLane: `SELECT message, next_at FROM recipient WHERE lane = ?1 AND ${claimable} ORDER BY next_at, message LIMIT 1`,
  correctLane: `UPDATE lane SET first_at = ?2 WHERE name = ?1`,
  wished: `SELECT message, lane FROM recipient WHERE state = 'waiting' AND wish IS NOT NULL AND next_at <= ?1
    ORDER BY next_at, message LIMIT 1`,
  /** In two halves, those whose sender knows that they are late and those whose sender does not: each is in order in its index. */
  oldest: `SELECT message, since FROM recipient WHERE warned = ?1 AND ${claimable}
      AND since < ?2 AND (since > ?3 OR since = ?3 AND message > ?4)
    ORDER BY since, message LIMIT ?5`,
  oldestInLane: `SELECT message, since FROM recipient WHERE lane = ?6 AND warned = ?1 AND ${claimable}
      AND since < ?2 AND (since > ?3 OR since = ?3 AND message > ?4)
    ORDER BY since, message LIMIT ?5`,
  lanesOfMessage: `SELECT DISTINCT lane FROM recipient WHERE message = ?1 AND ${claimable} AND next_at <= ?2 AND since < ?3`,
  newLease: `INSERT INTO lease (message, until) VALUES (?1, ?2) RETURNING n`,
  /** By the message: joined to nothing, the lane would look like a better way to SQLite, which would walk through all of it. */
  take: `UPDATE recipient SET state = 'running', lease = ?3
    WHERE message = ?1 AND lane || '' = ?2 AND ${claimable} AND next_at <= ?4 AND since < ?5 RETURNING *`,
  /** Of all lanes: one report tells of all that a person has returned. */
  takeWished: `UPDATE recipient SET state = 'running', lease = ?2
    WHERE message = ?1 AND state = 'waiting' AND wish IS NOT NULL AND next_at <= ?3 RETURNING *`,
  extend: `UPDATE lease SET until = ?2 WHERE n = ?1`,
} as const

/** Widening a lease by what else of its message is given up by age, or due for the warning. By the message, as work is taken. */
export const join = {
  lanes: `SELECT DISTINCT lane || '' AS lane FROM recipient WHERE message = ?1 AND ${claimable}
    AND (since < ?2 OR warned = 0 AND since < ?3) LIMIT ?4`,
  take: `UPDATE recipient SET state = 'running', lease = ?2
    WHERE message = ?1 AND lane || '' IN (SELECT value FROM json_each(?5)) AND ${claimable}
      AND (since < ?3 OR warned = 0 AND since < ?4) RETURNING *`,
} as const

/** Putting. */
export const put = {
  message: `INSERT INTO message (id, received_at, sender, sender_key, peer, message_id, subject, envelope, size)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING n`,
  recipient: `INSERT INTO recipient (message, n, address, key, domain, facts, lane, state, cause, trouble, attempts, reply, why,
      next_at, last_at, since, lease)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)`,
  part: `INSERT INTO content (id, part, bytes) VALUES (?1, ?2, ?3)`,
  arriving: `INSERT INTO loose (id, is_arriving) VALUES (?1, 1)`,
  abandoned: `UPDATE loose SET is_arriving = 0 WHERE id = ?1`,
  arrived: `DELETE FROM loose WHERE id = ?1 AND is_arriving = 1`,
  isThere: `SELECT n FROM message WHERE id = ?1`,
} as const

/** Finishing: only the holder of the lease, so each statement on a recipient names it. */
export const finish = {
  lease: `SELECT message FROM lease WHERE n = ?1`,
  recipient: `SELECT * FROM recipient WHERE message = ?1 AND n = ?2 AND lease = ?3`,
  restOfLease: `SELECT n FROM recipient WHERE message = ?1 AND lease = ?2 LIMIT 1`,
  endLease: `DELETE FROM lease WHERE n = ?1`,
  done: `DELETE FROM recipient WHERE message = ?1 AND n = ?2`,
  waiting: `UPDATE recipient SET state = 'waiting', lease = NULL, lane = ?3, trouble = ?4, attempts = attempts + ?9,
      reply = ?5, why = ?6, next_at = ?7, last_at = CASE WHEN ?9 > 0 THEN ?8 ELSE last_at END
    WHERE message = ?1 AND n = ?2`,
  held: `UPDATE recipient SET state = 'held', lease = NULL, cause = ?3, reply = ?4, why = ?5, next_at = ?6,
      last_at = CASE WHEN ?7 > 0 THEN ?6 ELSE last_at END, attempts = attempts + ?7, wish = NULL, line = NULL, behind = 0, released_at = NULL
    WHERE message = ?1 AND n = ?2`,
  unchanged: `UPDATE recipient SET state = 'waiting', lease = NULL WHERE message = ?1 AND n = ?2`,
  warned: `UPDATE message SET warned_at = ?2 WHERE n = ?1 AND warned_at IS NULL`,
  warnedRecipient: `UPDATE recipient SET warned = 1 WHERE message = ?1 AND n = ?2`,
  anyRecipient: `SELECT n FROM recipient WHERE message = ?1 LIMIT 1`,
  message: `SELECT id, size FROM message WHERE n = ?1`,
  leasesOf: `DELETE FROM lease WHERE message = ?1`,
  /** A large one would take long: the sweep takes it away in steps. */
  loosen: `INSERT INTO loose (id, is_arriving) VALUES (?1, 0)`,
  content: `DELETE FROM content WHERE id = ?1`,
  forget: `DELETE FROM message WHERE n = ?1`,
} as const

/** The counts, by what one operation changed. */
export const tally = {
  totals: `UPDATE totals SET taken = taken + ?1, delivered = delivered + ?2, returned = returned + ?3, dropped = dropped + ?4,
      waiting = waiting + ?5, running = running + ?6, held = held + ?7, messages = messages + ?8, bytes = bytes + ?9`,
  newLane: `INSERT INTO lane (name) VALUES (?1) ON CONFLICT (name) DO NOTHING`,
  lane: `UPDATE lane SET waiting = waiting + ?2, running = running + ?3, held = held + ?4,
      first_at = CASE WHEN ?5 IS NULL OR first_at < ?5 THEN first_at ELSE ?5 END
    WHERE name = ?1`,
  laneTrouble: `UPDATE lane SET trouble = ?2, reply = ?3, why = ?4 WHERE name = ?1`,
  emptyLane: `DELETE FROM lane WHERE name = ?1 AND waiting = 0 AND running = 0 AND held = 0`,
} as const

/**
 * Lines: released recipients with the same sender and address. All that wait are behind, except one: the first that waits, or
 * the one that runs. So claim never meets those behind, be they a million.
 */
export const line = {
  head: `SELECT message, n, state FROM recipient WHERE line = ?1 AND behind = 0 LIMIT 1`,
  first: `SELECT message, n, lane, next_at FROM recipient WHERE line = ?1 AND behind = 1 ORDER BY message, n LIMIT 1`,
  setBehind: `UPDATE recipient SET behind = ?3 WHERE message = ?1 AND n = ?2`,
} as const

/** What a filter fits, between two messages: from ?1 (not itself) to ?2. */
const fits = `r.message > ?1 AND r.message <= ?2 AND (?3 IS NULL OR r.domain = ?3) AND (?4 IS NULL OR r.key = ?4)
  AND (?5 IS NULL OR m.sender_key = ?5) AND (?7 IS NULL OR r.state = ?7) AND (?8 IS NULL OR r.cause = ?8)
  AND (?9 IS NULL OR r.trouble = ?9) AND (?10 IS NULL OR m.received_at < ?10) AND (?11 IS NULL OR m.peer = ?11)`

/** Looking through the queue in spans of about a thousand recipients, so that no look holds up the mail. */
export const look = {
  nextOfIds: `SELECT n FROM message WHERE n > ?1 AND id IN (SELECT value FROM json_each(?2)) ORDER BY n LIMIT 2`,
  spanEnd: `SELECT message FROM recipient WHERE message > ?1 ORDER BY message, n LIMIT 1 OFFSET 1000`,
  spanEndInLane: `SELECT message FROM recipient WHERE lane = ?2 AND message > ?1 ORDER BY message LIMIT 1 OFFSET 1000`,
  fitting: `SELECT r.*, m.peer AS peer, m.sender_key AS sender_key FROM recipient r JOIN message m ON m.n = r.message
    WHERE ${fits} AND ?6 IS NULL ORDER BY r.message, r.n`,
  fittingInLane: `SELECT r.*, m.peer AS peer, m.sender_key AS sender_key FROM recipient r JOIN message m ON m.n = r.message
    WHERE ${fits} AND r.lane = ?6 ORDER BY r.message, r.n`,
  message: `SELECT * FROM message WHERE n = ?1`,
  messageById: `SELECT * FROM message WHERE id = ?1`,
  recipients: `SELECT * FROM recipient WHERE message = ?1 ORDER BY n`,
  parts: `SELECT part, bytes FROM content WHERE id = ?1 AND part >= ?2 ORDER BY part LIMIT 4`,
  /** The age of what waits counts from its `since`; where nothing waits, from the arrival of what is held or running. */
  lanes: `SELECT l.*,
      (SELECT since FROM recipient WHERE lane = l.name AND warned = 0 AND ${claimable} ORDER BY since LIMIT 1) AS punctual,
      (SELECT since FROM recipient WHERE lane = l.name AND warned = 1 AND ${claimable} ORDER BY since LIMIT 1) AS late,
      (SELECT m.received_at FROM recipient r JOIN message m ON m.n = r.message
      WHERE r.lane = l.name ORDER BY r.message LIMIT 1) AS oldest_at
    FROM lane l ORDER BY name`,
  totals: `SELECT * FROM totals`,
  oldest: `SELECT message, since FROM recipient WHERE warned = ?1 AND ${claimable} ORDER BY since, message LIMIT 1`,
  oldestAttempt: `SELECT first_at FROM attempt WHERE ${outstanding} ORDER BY first_at LIMIT 1`,
  /** One after the other, so that the million of one domain is passed over at once. */
  nextHeldDomain: `SELECT domain FROM recipient WHERE state = 'held' AND domain > ?1 ORDER BY domain LIMIT 1`,
  anyHeld: `SELECT n FROM recipient WHERE state = 'held' AND domain = ?1 AND cause = 'domain' LIMIT 1`,
  heldFor: `SELECT n FROM recipient WHERE state = 'held' AND cause <> 'domain' AND cause = ?1 LIMIT ?2`,
  nextAttemptDomain: `SELECT domain FROM attempt WHERE domain > ?1 ORDER BY domain LIMIT 1`,
  nextHeld: `SELECT * FROM recipient WHERE state = 'held' AND domain = ?1 AND cause = 'domain'
      AND (message > ?2 OR message = ?2 AND n > ?3)
    ORDER BY message, n LIMIT ?4`,
} as const

/** By hand. */
export const byHand = {
  hold: `UPDATE recipient SET state = 'held', cause = 'operator', who = ?3, next_at = ?4, wish = NULL, line = NULL, behind = 0,
      released_at = NULL
    WHERE message = ?1 AND n = ?2`,
  /** Behind first; the line then says who is its head. */
  release: `UPDATE recipient SET state = 'waiting', cause = NULL, who = ?3, next_at = ?4, since = ?4, released_at = ?4,
      line = ?5, behind = 1
    WHERE message = ?1 AND n = ?2`,
  retry: `UPDATE recipient SET who = ?3, next_at = ?4 WHERE message = ?1 AND n = ?2`,
  wishReturn: `UPDATE recipient SET state = 'waiting', cause = NULL, who = ?3, next_at = ?4, wish = 'return', line = NULL, behind = 0
    WHERE message = ?1 AND n = ?2`,
  ofMessage: `SELECT r.*, m.peer AS peer, m.sender_key AS sender_key FROM recipient r JOIN message m ON m.n = r.message
    WHERE m.id = ?1 AND r.n = ?2`,
  /** Of tenants that were gone; reports of ours do not say here whose they are. */
  ofTenants: `SELECT r.*, m.peer AS peer FROM recipient r JOIN message m ON m.n = r.message
    WHERE r.state = 'held' AND r.cause <> 'domain' AND r.cause = 'tenant' AND r.message > ?1 AND r.message <= ?2
      AND (m.peer = 'causeway' OR m.peer IN (SELECT value FROM json_each(?3)))
    ORDER BY r.message, r.n`,
  spanOfTenants: `SELECT message FROM recipient WHERE state = 'held' AND cause <> 'domain' AND cause = 'tenant' AND message > ?1
    ORDER BY message, n LIMIT 1 OFFSET 1000`,
  /** Nobody let it go: whoever is in a domain on hold by now is held again. */
  resume: `UPDATE recipient SET state = 'waiting', cause = NULL, who = NULL, why = ?4, next_at = ?3, since = ?3
    WHERE message = ?1 AND n = ?2`,
} as const

export const orders = {
  set: `INSERT INTO release_order (domain, when_accepted, per_minute, who, at, progress_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?5)
    ON CONFLICT (domain) DO UPDATE SET when_accepted = excluded.when_accepted, per_minute = excluded.per_minute,
      who = excluded.who, at = excluded.at, progress_at = excluded.progress_at, released = 0, asked = 0, not_accepted = 0`,
  end: `DELETE FROM release_order WHERE domain = ?1`,
  one: `SELECT * FROM release_order WHERE domain = ?1`,
  ended: `INSERT INTO release_ended SELECT *, ?2, ?3 FROM release_order WHERE domain = ?1
    ON CONFLICT (domain) DO UPDATE SET when_accepted = excluded.when_accepted, per_minute = excluded.per_minute,
      who = excluded.who, at = excluded.at, released = excluded.released, asked = excluded.asked,
      not_accepted = excluded.not_accepted, progress_at = excluded.progress_at, ended_at = excluded.ended_at,
      noes = excluded.noes`,
  last: `SELECT * FROM release_ended WHERE domain = ?1`,
  all: `SELECT * FROM release_order ORDER BY at, domain`,
  no: `INSERT INTO release_no (domain, kind, count, words) VALUES (?1, ?2, 1, ?3)
    ON CONFLICT (domain, kind) DO UPDATE SET count = count + 1, words = excluded.words`,
  noes: `SELECT * FROM release_no WHERE domain = ?1 ORDER BY kind`,
  forgetNoes: `DELETE FROM release_no WHERE domain = ?1`,
  count: `UPDATE release_order SET released = released + ?2, asked = asked + ?3, not_accepted = not_accepted + ?4,
      progress_at = CASE WHEN ?2 > 0 THEN ?5 ELSE progress_at END
    WHERE domain = ?1`,
} as const

export const ledger = {
  again: `UPDATE attempt SET last_address = ?4, helo = ?5, tls = ?6, last_at = ?7,
      first_address = CASE WHEN ${outstanding} THEN first_address ELSE ?4 END,
      first_at = CASE WHEN ${outstanding} THEN first_at ELSE ?7 END,
      count = CASE WHEN ${outstanding} THEN count + 1 ELSE 1 END,
      came_back_at = NULL, came_back_as = NULL, settled_at = NULL, settled_by = NULL
    WHERE recipient_key = ?1 AND sender_key = ?2 AND domain = ?3`,
  first: `INSERT INTO attempt (domain, sender, sender_key, recipient, recipient_key, first_address, last_address, helo, tls,
      first_at, last_at, count, family)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?9, 1, ?10)`,
  /** One that was taken for another of its family has come back itself. */
  cameBack: `UPDATE attempt SET came_back_at = ?3, came_back_as = NULL
    WHERE recipient_key = ?1 AND sender_key = ?2 AND (came_back_at IS NULL OR came_back_as IS NOT NULL)`,
  isKnown: `SELECT n FROM attempt WHERE recipient_key = ?1 AND sender_key = ?2 LIMIT 1`,
  familyCameBack: `UPDATE attempt SET came_back_at = ?3, came_back_as = ?4 WHERE n IN
    (SELECT n FROM attempt WHERE recipient_key = ?1 AND family = ?2 AND family IS NOT NULL AND ${outstanding} LIMIT ?5)`,
  settle: `UPDATE attempt SET settled_at = ?2, settled_by = ?3 WHERE n IN
    (SELECT n FROM attempt WHERE domain = ?1 AND ${outstanding} ORDER BY n LIMIT ?4)`,
  ofDomain: `SELECT * FROM attempt WHERE domain = ?1 AND n > ?2 ORDER BY n LIMIT ?3`,
  forget: `DELETE FROM attempt WHERE n IN (SELECT n FROM attempt WHERE last_at < ?1 ORDER BY last_at LIMIT ?2)`,
  pairs: `UPDATE totals SET attempt_pairs = attempt_pairs + ?1`,
  leftOut: `UPDATE totals SET attempts_left_out = attempts_left_out + 1`,
} as const

export const tidy = {
  endedLeases: `SELECT n, message FROM lease WHERE until < ?1 LIMIT 100`,
  ofLease: `SELECT n, lane, line FROM recipient WHERE message = ?1 AND lease = ?2`,
  attemptLost: `UPDATE recipient SET state = 'waiting', lease = NULL, attempts = attempts + 1, next_at = ?3, last_at = ?3, why = ?4
    WHERE message = ?1 AND n = ?2`,
  looseOne: `SELECT id FROM loose WHERE is_arriving = 0 LIMIT 1`,
  someParts: `DELETE FROM content WHERE id = ?1 AND part IN (SELECT part FROM content WHERE id = ?1 ORDER BY part LIMIT 8)`,
  noLonger: `DELETE FROM loose WHERE id = ?1`,
  /** What the process before was storing when it ended. */
  arrivingEnded: `UPDATE loose SET is_arriving = 0 WHERE is_arriving = 1`,
  laneNames: `SELECT name FROM lane WHERE waiting > 0`,
  dueTooLate: `UPDATE recipient SET next_at = ?2 WHERE lane = ?1 AND ${claimable} AND next_at > ?3`,
  wishedTooLate: `UPDATE recipient SET next_at = ?1 WHERE state = 'waiting' AND wish IS NOT NULL AND next_at > ?2`,
  behindTooLate: `UPDATE recipient SET next_at = ?1 WHERE line IS NOT NULL AND behind = 1 AND next_at > ?2`,
  lanesTooLate: `UPDATE lane SET first_at = ?1 WHERE first_at > ?1`,
  sinceTooLate: `UPDATE recipient SET since = ?1 WHERE warned = ?2 AND ${claimable} AND since > ?1`,
} as const

/** Counts every row of its table: for tests, and for an operator who asks. */
export const count = {
  states: `SELECT state, count(*) AS n FROM recipient GROUP BY state`,
  lanes: `SELECT lane, sum(state = 'waiting') AS waiting, sum(state = 'running') AS running, sum(state = 'held') AS held,
      min(CASE WHEN ${claimable} THEN next_at END) AS first_at
    FROM recipient GROUP BY lane ORDER BY lane`,
  messages: `SELECT count(*) AS n, coalesce(sum(size), 0) AS bytes FROM message`,
  pairs: `SELECT count(*) AS n FROM attempt`,
  /** Messages of which nobody is left, or with other content than was put. */
  empty: `SELECT id FROM message m WHERE NOT EXISTS (SELECT 1 FROM recipient r WHERE r.message = m.n)
    OR m.size <> (SELECT coalesce(sum(length(bytes)), 0) FROM content c WHERE c.id = m.id) LIMIT 1`,
  orphan: `SELECT id FROM content c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = c.id)
    AND NOT EXISTS (SELECT 1 FROM loose l WHERE l.id = c.id) LIMIT 1`,
  leaseless: `SELECT r.message FROM recipient r WHERE r.lease IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.n = r.lease AND l.message = r.message) LIMIT 1`,
  idleLease: `SELECT l.n FROM lease l WHERE NOT EXISTS (SELECT 1 FROM recipient r WHERE r.message = l.message AND r.lease = l.n) LIMIT 1`,
  badLine: `SELECT line FROM recipient WHERE line IS NOT NULL GROUP BY line HAVING sum(behind = 0) <> 1 LIMIT 1`,
} as const
