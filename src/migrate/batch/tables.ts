/** The tables of batches in migrate.db, and what stands in a row of each. */
import type { Row, Value } from '../../store/store.ts'
import { type Settings, settingsSchema } from './settings.ts'
import { type BatchStatus, isBatchStatus, isUserStatus, isWish, type UserStatus, type Wish } from './status.ts'

export const batchMigrations: readonly string[] = [
  `CREATE TABLE batch (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     name TEXT NOT NULL UNIQUE COLLATE NOCASE,
     key_id TEXT NOT NULL,
     settings TEXT NOT NULL,
     wish TEXT NOT NULL,
     wish_at INTEGER NOT NULL,
     wish_by TEXT NOT NULL,
     wish_before TEXT NOT NULL DEFAULT '',
     status TEXT NOT NULL,
     status_at INTEGER NOT NULL,
     status_why TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     created_by TEXT NOT NULL,
     started_at INTEGER,
     first_done_at INTEGER,
     completed_at INTEGER,
     paused_until INTEGER,
     linger_until INTEGER,
     reported_at INTEGER,
     report_due TEXT
   ) STRICT;
   CREATE TABLE mailbox (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     batch INTEGER NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
     line INTEGER NOT NULL,
     email TEXT NOT NULL,
     email_key TEXT NOT NULL,
     user_name TEXT NOT NULL,
     user_root TEXT NOT NULL,
     target_user TEXT NOT NULL,
     target_root TEXT NOT NULL,
     secret BLOB,
     source_form TEXT NOT NULL DEFAULT '',
     target_form TEXT NOT NULL DEFAULT '',
     is_chosen INTEGER NOT NULL,
     is_to_check INTEGER NOT NULL DEFAULT 0,
     status TEXT NOT NULL,
     status_at INTEGER NOT NULL,
     status_why TEXT NOT NULL,
     trouble TEXT,
     failures INTEGER NOT NULL DEFAULT 0,
     crashes INTEGER NOT NULL DEFAULT 0,
     next_at INTEGER,
     passes INTEGER NOT NULL DEFAULT 0,
     messages INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0,
     all_messages INTEGER,
     all_bytes INTEGER,
     skipped INTEGER NOT NULL DEFAULT 0,
     score TEXT NOT NULL DEFAULT '',
     survey TEXT,
     comparison TEXT,
     pass_started_at INTEGER,
     first_synced_at INTEGER,
     last_synced_at INTEGER,
     active_ms INTEGER NOT NULL DEFAULT 0,
     UNIQUE (batch, email_key)
   ) STRICT;
   CREATE INDEX mailbox_due ON mailbox (batch, (first_synced_at IS NULL), next_at) WHERE next_at IS NOT NULL;
   CREATE INDEX mailbox_next ON mailbox (batch, next_at) WHERE next_at IS NOT NULL;
   CREATE INDEX mailbox_status ON mailbox (batch, is_chosen, status);
   CREATE INDEX mailbox_to_check ON mailbox (batch, id) WHERE is_to_check = 1;
   CREATE TABLE mailbox_change (
     mailbox INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
     at INTEGER NOT NULL,
     status TEXT NOT NULL,
     why TEXT NOT NULL
   ) STRICT;
   CREATE INDEX mailbox_change_of ON mailbox_change (mailbox);
   CREATE TABLE login_form (
     batch INTEGER NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
     side TEXT NOT NULL,
     form TEXT NOT NULL,
     worked INTEGER NOT NULL,
     PRIMARY KEY (batch, side, form)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE server_pace (
     server TEXT PRIMARY KEY,
     learned TEXT NOT NULL,
     at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID`,
]

export type Batch = {
  readonly id: number
  readonly name: string
  readonly keyId: string
  /** undefined: what stands there cannot be read; the batch is Corrupted. */
  readonly settings: Settings | undefined
  readonly wish: Wish
  readonly wishAt: number
  readonly wishBy: string
  /** What was wanted before it was paused or stopped. */
  readonly wishBefore: Wish | ''
  readonly status: BatchStatus
  readonly statusAt: number
  readonly statusWhy: string
  readonly createdAt: number
  readonly createdBy: string
  readonly startedAt?: number
  /** When the last of its mailboxes had ended its first pass. */
  readonly firstDoneAt?: number
  readonly completedAt?: number
  readonly pausedUntil?: number
  /** After the final pass it is followed until then, for what still comes to the old side. */
  readonly lingerUntil?: number
  readonly reportedAt?: number
  readonly reportDue?: string
}

/** What went wrong last, for people: where, in whose words, and what to do. */
export type Trouble = {
  readonly kind: string
  readonly side: 'source' | 'target' | ''
  readonly server: string
  readonly what: string
  readonly words: string
  readonly remedy: string
}

export type SurveyNote = {
  readonly folders: number
  readonly messages: number
  readonly bytes: number
  readonly notes: readonly string[]
}

export type MailboxRow = {
  readonly id: number
  readonly batch: number
  /** Line of the CSV file. */
  readonly row: number
  readonly email: string
  readonly key: string
  readonly userName: string
  readonly userRoot: string
  readonly targetUserName: string
  readonly targetRoot: string
  readonly secret?: Uint8Array
  /** Which log-in form works, '' where it is not known yet. */
  readonly sourceForm: string
  readonly targetForm: string
  readonly isChosen: boolean
  readonly status: UserStatus
  readonly statusAt: number
  readonly statusWhy: string
  readonly trouble?: Trouble
  /** Passes in a row that failed. */
  readonly failures: number
  /** How often the thread died while it was worked on. */
  readonly crashes: number
  readonly nextAt?: number
  readonly passes: number
  readonly messages: number
  readonly bytes: number
  /** As large as it is, as far as known. */
  readonly allMessages?: number
  readonly allBytes?: number
  readonly skipped: number
  readonly score: string
  readonly survey?: SurveyNote
  /** What the comparison of both sides said. */
  readonly comparison?: string
  readonly passStartedAt?: number
  readonly firstSyncedAt?: number
  readonly lastSyncedAt?: number
  readonly activeMs: number
}

const text = (value: Value | undefined): string => (typeof value === 'string' ? value : '')
const maybe = <K extends string>(key: K, value: Value | undefined): { readonly [P in K]?: number } => {
  if (value === null || value === undefined) return {}
  const named: { [P in K]?: number } = {}
  named[key] = Number(value)
  return named
}

export function batchOf(row: Row): Batch {
  const [wish, before, status] = [text(row['wish']), text(row['wish_before']), text(row['status'])]
  return {
    id: Number(row['id']),
    name: text(row['name']),
    keyId: text(row['key_id']),
    settings: settingsOf(text(row['settings'])),
    wish: isWish(wish) ? wish : 'stopped',
    wishAt: Number(row['wish_at']),
    wishBy: text(row['wish_by']),
    wishBefore: isWish(before) ? before : '',
    status: isBatchStatus(status) ? status : 'Corrupted',
    statusAt: Number(row['status_at']),
    statusWhy: text(row['status_why']),
    createdAt: Number(row['created_at']),
    createdBy: text(row['created_by']),
    ...maybe('startedAt', row['started_at']),
    ...maybe('firstDoneAt', row['first_done_at']),
    ...maybe('completedAt', row['completed_at']),
    ...maybe('pausedUntil', row['paused_until']),
    ...maybe('lingerUntil', row['linger_until']),
    ...maybe('reportedAt', row['reported_at']),
    ...(row['report_due'] === null ? {} : { reportDue: text(row['report_due']) }),
  }
}

function settingsOf(json: string): Settings | undefined {
  const parsed = settingsSchema.safeParse(parsedJson(json))
  return parsed.success ? parsed.data : undefined
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

export function mailboxOf(row: Row): MailboxRow {
  const status = text(row['status'])
  const { secret, trouble, survey, comparison } = row
  return {
    id: Number(row['id']),
    batch: Number(row['batch']),
    row: Number(row['line']),
    email: text(row['email']),
    key: text(row['email_key']),
    userName: text(row['user_name']),
    userRoot: text(row['user_root']),
    targetUserName: text(row['target_user']),
    targetRoot: text(row['target_root']),
    ...(secret instanceof Uint8Array ? { secret } : {}),
    sourceForm: text(row['source_form']),
    targetForm: text(row['target_form']),
    isChosen: row['is_chosen'] === 1,
    status: isUserStatus(status) ? status : 'Corrupted',
    statusAt: Number(row['status_at']),
    statusWhy: text(row['status_why']),
    ...(typeof trouble === 'string' ? { trouble: troubleFrom(trouble) } : {}),
    failures: Number(row['failures']),
    crashes: Number(row['crashes']),
    ...maybe('nextAt', row['next_at']),
    passes: Number(row['passes']),
    messages: Number(row['messages']),
    bytes: Number(row['bytes']),
    ...maybe('allMessages', row['all_messages']),
    ...maybe('allBytes', row['all_bytes']),
    skipped: Number(row['skipped']),
    score: text(row['score']),
    ...(typeof survey === 'string' ? { survey: surveyFrom(survey) } : {}),
    ...(typeof comparison === 'string' ? { comparison } : {}),
    ...maybe('passStartedAt', row['pass_started_at']),
    ...maybe('firstSyncedAt', row['first_synced_at']),
    ...maybe('lastSyncedAt', row['last_synced_at']),
    activeMs: Number(row['active_ms']),
  }
}

/** Our own writing, read back. */
function troubleFrom(json: string): Trouble {
  const read: Trouble = JSON.parse(json)
  return read
}

function surveyFrom(json: string): SurveyNote {
  const read: SurveyNote = JSON.parse(json)
  return read
}
