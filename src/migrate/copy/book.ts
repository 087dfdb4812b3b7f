/** The ledger of one mailbox as the engine writes it: pairs of folders, and their messages in groups. */
import type { Db, Row } from '../../store/store.ts'
import type { FolderState } from '../mailbox/mailbox.ts'
import type { Skipped } from './contract.ts'
import { flagSets } from './flag-sets.ts'
import { packSending, type Sending, unpackSending } from './sending.ts'

/** A pair of folders as it was left. `id` names it in all that follows. */
export type Pair = {
  readonly id: number
  readonly source: string
  readonly sourcePath: readonly string[]
  readonly sourceValidity: number
  readonly target: string
  readonly targetPath: readonly string[]
  readonly targetValidity: number
  /** The source's state when it was last worked through to its end. */
  readonly seen?: FolderState
  /** A pass has begun in it since, and not ended. */
  readonly isBrokenOff: boolean
  readonly settings: string
  readonly sending: readonly Sending[]
  /** No message that is not known yet has a lower UID at the target. */
  readonly targetFrom: number
  readonly goneSince?: number
  readonly messages: number
}

export type NewPair = Pick<
  Pair,
  'source' | 'sourcePath' | 'sourceValidity' | 'target' | 'targetPath' | 'targetValidity'
>

/** flags: as both sides had them; absent when that is not known. */
export type Copied = Sending & { readonly targetUid?: number; readonly flags?: readonly string[] }

export type KnownState = 'copied' | 'skipped' | 'gone'
export type Known = {
  readonly uid: number
  readonly state: KnownState
  readonly size: number
  readonly date?: number
  readonly digest?: Buffer
  readonly targetUid?: number
  /** Sorted, joined by spaces. */
  readonly flags?: string
}

/** One commit of a pair. */
export type Entry = {
  readonly copied?: readonly Copied[]
  readonly skipped?: readonly Skipped[]
  /** All that is being sent, from now on. */
  readonly sending?: Iterable<Sending>
  readonly targetFrom?: number
}

export type Book = {
  pairs(): readonly Pair[]
  add(pair: NewPair): Pair
  /** Forgets all messages of the pair; its identity on both sides is what it is now. */
  restart(id: number, now: NewPair): void
  /** All that was skipped in it counts as new. */
  forgetSkipped(id: number): void
  /** All or nothing. */
  write(id: number, entry: Entry): void
  finish(id: number, seen: FolderState, settings: string): void
  /** A pass begins to work in it: until `finish` it counts as broken off. */
  begin(id: number): void
  markGone(id: number, since: number | null): void
  /** By UID, after `after`, at most `limit`. */
  known(id: number, after: number, limit: number): readonly Known[]
  /** Those of these UIDs that are known. */
  find(id: number, uids: readonly number[]): readonly Known[]
  setFlags(id: number, changes: readonly { readonly uid: number; readonly flags: readonly string[] }[]): void
  setTargetUids(id: number, found: readonly { readonly uid: number; readonly targetUid: number }[]): void
  removed(id: number, uids: readonly number[]): void
  /** Not about one pair. */
  note(skipped: Skipped): void
  unnote(folder: string, uid: number): void
  /** What was told of whole folders: each pass finds it anew, or not any more. */
  unnoteFolders(): void
}

const stateNumber: Readonly<Record<KnownState, number>> = { copied: 1, skipped: 2, gone: 3 }
const stateName: readonly (KnownState | undefined)[] = [undefined, 'copied', 'skipped', 'gone']

export function openBook(db: Db, mailbox: number): Book {
  const flags = flagSets(db)
  const put = (id: number, m: Copied, state: KnownState): void => {
    db.run(
      'INSERT OR REPLACE INTO copy_message (folder, uid, state, size, date, digest, target_uid, flags) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      m.uid,
      stateNumber[state],
      m.size,
      m.date ?? null,
      m.digest ?? null,
      m.targetUid ?? null,
      m.flags === undefined ? null : flags.idOf(m.flags.join(' ')),
    )
  }
  const note = (s: Skipped, pair: number | null): void => {
    db.run(
      'INSERT OR REPLACE INTO copy_skipped (mailbox, folder, uid, pair, date, subject, bytes, kind, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      mailbox,
      s.folder,
      s.uid,
      pair,
      s.date,
      s.subject,
      s.bytes,
      s.kind,
      s.why,
    )
  }
  const writeAll = (id: number, entry: Entry): void => {
    for (const m of entry.copied ?? []) put(id, m, 'copied')
    for (const s of entry.skipped ?? []) {
      note(s, id)
      if (s.kind !== 'repaired') put(id, { uid: s.uid, size: s.bytes }, 'skipped')
    }
    const copied = entry.copied ?? []
    const bytes = copied.reduce((sum, m) => sum + m.size, 0)
    db.run('UPDATE copy_folder SET messages = messages + ?, bytes = bytes + ? WHERE id = ?', copied.length, bytes, id)
    if (entry.sending !== undefined)
      db.run('UPDATE copy_folder SET sending = ? WHERE id = ?', packSending(entry.sending), id)
    if (entry.targetFrom !== undefined)
      db.run('UPDATE copy_folder SET target_from = ? WHERE id = ?', entry.targetFrom, id)
  }
  const read = (row: Row): Known => readKnown(row, (id) => flags.textOf(id))
  return {
    pairs: () => db.all('SELECT * FROM copy_folder WHERE mailbox = ? ORDER BY id', mailbox).map(readPair),
    add: (pair) => db.transaction(() => addPair(db, mailbox, pair)),
    restart: (id, now) => db.transaction(() => restartPair(db, id, now)),
    forgetSkipped: (id) =>
      db.transaction(() => {
        db.run('DELETE FROM copy_message WHERE folder = ? AND state = 2', id)
        db.run("DELETE FROM copy_skipped WHERE pair = ? AND kind <> 'repaired'", id)
      }),
    write: (id, entry) => {
      try {
        db.transaction(() => writeAll(id, entry))
      } catch (error) {
        // Numbers that were given in what was undone are no numbers.
        flags.forget()
        throw error
      }
    },
    finish: (id, seen, settings) => {
      db.run(
        `UPDATE copy_folder SET seen = 1, seen_next = ?, seen_messages = ?, seen_modseq = ?, settings = ?,
           sending = NULL, running = 0, gone_since = NULL WHERE id = ?`,
        seen.uidNext,
        seen.messages,
        seen.modSeq ?? null,
        settings,
        id,
      )
    },
    begin: (id) => {
      db.run('UPDATE copy_folder SET running = 1 WHERE id = ?', id)
    },
    markGone: (id, since) => {
      db.run('UPDATE copy_folder SET gone_since = ? WHERE id = ?', since, id)
    },
    known: (id, after, limit) => db.all(`${selectKnown} AND uid > ? ORDER BY uid LIMIT ?`, id, after, limit).map(read),
    find: (id, uids) =>
      uids.flatMap((uid) => {
        const row = db.get(`${selectKnown} AND uid = ?`, id, uid)
        return row === undefined ? [] : [read(row)]
      }),
    setFlags: (id, changes) =>
      db.transaction(() => {
        for (const c of changes)
          db.run(
            'UPDATE copy_message SET flags = ? WHERE folder = ? AND uid = ?',
            flags.idOf(c.flags.join(' ')),
            id,
            c.uid,
          )
      }),
    setTargetUids: (id, found) =>
      db.transaction(() => {
        for (const f of found)
          db.run('UPDATE copy_message SET target_uid = ? WHERE folder = ? AND uid = ?', f.targetUid, id, f.uid)
      }),
    removed: (id, uids) => db.transaction(() => removeMessages(db, id, uids)),
    note: (s) => note(s, null),
    unnote: (folder, uid) => {
      db.run('DELETE FROM copy_skipped WHERE mailbox = ? AND folder = ? AND uid = ?', mailbox, folder, uid)
    },
    unnoteFolders: () => {
      db.run("DELETE FROM copy_skipped WHERE mailbox = ? AND uid = 0 AND kind = 'folder'", mailbox)
    },
  }
}

const selectKnown = 'SELECT uid, state, size, date, digest, target_uid, flags FROM copy_message WHERE folder = ?'

function addPair(db: Db, mailbox: number, p: NewPair): Pair {
  const row = db.get(
    `INSERT INTO copy_folder (mailbox, source, source_path, source_validity, target, target_path, target_validity)
     VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *`,
    mailbox,
    p.source,
    JSON.stringify(p.sourcePath),
    p.sourceValidity,
    p.target,
    JSON.stringify(p.targetPath),
    p.targetValidity,
  )
  if (row === undefined) throw new Error('SQLite gave no row for what it took')
  return readPair(row)
}

function restartPair(db: Db, id: number, now: NewPair): void {
  forgetMessages(db, id)
  db.run(
    `UPDATE copy_folder SET source_validity = ?, target = ?, target_path = ?, target_validity = ?, seen = 0, seen_next = 1,
       seen_messages = 0, seen_modseq = NULL, settings = '', running = 0, sending = NULL, target_from = 1, gone_since = NULL,
       messages = 0, bytes = 0 WHERE id = ?`,
    now.sourceValidity,
    now.target,
    JSON.stringify(now.targetPath),
    now.targetValidity,
    id,
  )
}

function forgetMessages(db: Db, id: number): void {
  db.run('DELETE FROM copy_message WHERE folder = ?', id)
  db.run('DELETE FROM copy_skipped WHERE pair = ?', id)
}

function removeMessages(db: Db, id: number, uids: readonly number[]): void {
  for (const uid of uids) {
    const row = db.get('SELECT size FROM copy_message WHERE folder = ? AND uid = ? AND state = 1', id, uid)
    if (row === undefined) continue
    db.run('UPDATE copy_message SET state = 3 WHERE folder = ? AND uid = ?', id, uid)
    db.run('UPDATE copy_folder SET messages = messages - 1, bytes = bytes - ? WHERE id = ?', row.size ?? 0, id)
  }
}

function readPair(row: Row): Pair {
  const seen = {
    uidValidity: Number(row.source_validity),
    uidNext: Number(row.seen_next),
    messages: Number(row.seen_messages),
    ...(row.seen_modseq === null ? {} : { modSeq: String(row.seen_modseq) }),
  }
  return {
    id: Number(row.id),
    source: String(row.source),
    sourcePath: readPath(String(row.source_path)),
    sourceValidity: Number(row.source_validity),
    target: String(row.target),
    targetPath: readPath(String(row.target_path)),
    targetValidity: Number(row.target_validity),
    ...(row.seen === 1 ? { seen } : {}),
    isBrokenOff: row.running === 1,
    settings: String(row.settings),
    sending: unpackSending(row.sending instanceof Uint8Array ? row.sending : null),
    targetFrom: Number(row.target_from),
    ...(row.gone_since === null ? {} : { goneSince: Number(row.gone_since) }),
    messages: Number(row.messages),
  }
}

function readPath(text: string): readonly string[] {
  const path: unknown = JSON.parse(text)
  return Array.isArray(path) ? path.map(String) : []
}

function readKnown(row: Row, textOf: (id: number) => string): Known {
  return {
    uid: Number(row.uid),
    state: stateName[Number(row.state)] ?? 'skipped',
    size: Number(row.size),
    ...(row.date === null ? {} : { date: Number(row.date) }),
    ...(row.digest instanceof Uint8Array ? { digest: Buffer.from(row.digest) } : {}),
    ...(row.target_uid === null ? {} : { targetUid: Number(row.target_uid) }),
    ...(row.flags === null ? {} : { flags: textOf(Number(row.flags)) }),
  }
}
