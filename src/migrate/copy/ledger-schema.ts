/** The engine's tables in migrate.db. Rows of messages are the many ones: about 45 bytes each. */
import type { Migration } from '../../store/store.ts'

export const ledgerMigrations: readonly Migration[] = [
  // A pair of folders. source, target: the servers' own names (latin1). seen_*: the source's state when it was last worked
  // through, if it was (seen). running: a pass has begun in it and not ended. sending: what was sent and not heard of (sending.ts).
  // target_from: no message that is not known yet has a lower UID at the target. settings: the choices that it was worked through with.
  // gone_since: the source's folder was first found gone or emptied.
  `CREATE TABLE copy_folder (
     id INTEGER PRIMARY KEY,
     mailbox INTEGER NOT NULL,
     source TEXT NOT NULL,
     source_path TEXT NOT NULL,
     source_validity INTEGER NOT NULL,
     target TEXT NOT NULL,
     target_path TEXT NOT NULL,
     target_validity INTEGER NOT NULL,
     seen INTEGER NOT NULL DEFAULT 0,
     seen_next INTEGER NOT NULL DEFAULT 1,
     seen_messages INTEGER NOT NULL DEFAULT 0,
     seen_modseq TEXT,
     settings TEXT NOT NULL DEFAULT '',
     running INTEGER NOT NULL DEFAULT 0,
     sending BLOB,
     target_from INTEGER NOT NULL DEFAULT 1,
     gone_since INTEGER,
     messages INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0,
     UNIQUE (mailbox, source)
   ) STRICT;` +
    // Sets of flags are few, messages are many.
    `CREATE TABLE copy_flags (id INTEGER PRIMARY KEY, flags TEXT NOT NULL UNIQUE) STRICT;` +
    // date: of the source, seconds since 1970. digest: the first 16 bytes. target_uid is null where the target does not tell,
    // flags where they are not known to be the same on both sides. state: 1 copied, 2 skipped, 3 gone from the source.
    `CREATE TABLE copy_message (
     folder INTEGER NOT NULL REFERENCES copy_folder (id) ON DELETE CASCADE,
     uid INTEGER NOT NULL,
     state INTEGER NOT NULL,
     size INTEGER NOT NULL,
     date INTEGER,
     digest BLOB,
     target_uid INTEGER,
     flags INTEGER,
     PRIMARY KEY (folder, uid)
   ) STRICT, WITHOUT ROWID;` +
    `CREATE TABLE copy_skipped (
     mailbox INTEGER NOT NULL,
     folder TEXT NOT NULL,
     uid INTEGER NOT NULL,
     pair INTEGER,
     date TEXT NOT NULL,
     subject TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     kind TEXT NOT NULL,
     why TEXT NOT NULL,
     PRIMARY KEY (mailbox, folder, uid)
   ) STRICT, WITHOUT ROWID;`,
]
