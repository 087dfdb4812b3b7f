/**
 * A mailbox as the mover sees it: the contract between the copying engine and whatever a mailbox is reached by.
 *
 * Promises: folder ids, flags, dates and bytes are passed on as the server gave them.
 * Never: knows a protocol; a folder's id made up by hand.
 * On failure: every method rejects with a MailboxTrouble, whose kind says whether it may pass.
 */
export { canonicalFlags, hasFlag, isKeyword, without } from './flags.ts'
export { headerEnd, headingOf, type Identity, identityOf } from './heading.ts'
export { instantOf, internalDateOf } from './internal-date.ts'
export { isInbox, usesOf } from './special-use.ts'
export { MailboxTrouble, mayPass, type TroubleKind } from './trouble.ts'

/** A folder. `id` is the server's own name for it, byte for byte as on the wire (latin1 string), never shown, never made up by hand. */
export type Folder = {
  readonly id: string
  /** Decoded to Unicode, split at the server's delimiter; INBOX is ['INBOX']. */
  readonly path: readonly string[]
  readonly use?: SpecialUse
  /** False: a name that only holds other folders (\Noselect, \NonExistent). */
  readonly holdsMessages: boolean
  readonly isSubscribed: boolean
}

export type SpecialUse = 'inbox' | 'sent' | 'drafts' | 'trash' | 'junk' | 'archive' | 'all' | 'flagged' | 'important'

export type FolderState = {
  readonly uidValidity: number
  readonly uidNext: number
  readonly messages: number
  /** Decimal; absent without CONDSTORE (or NOMODSEQ). */
  readonly modSeq?: string
}

/** What a folder tells of a message without its bytes. */
export type Listed = {
  readonly uid: number
  /** As the server writes them, without \Recent; keywords among them. */
  readonly flags: readonly string[]
  /** IMAP date-time text exactly as the server wrote it, such as `17-Jul-2026 02:44:25 -0700`. */
  readonly internalDate: string
  readonly size: number
}

/** Bytes as they are on the server. Large ones are read in pieces, and may be read again. */
export type Content = Buffer | LargeContent
export type LargeContent = { readonly size: number; read(): AsyncIterable<Buffer> }

export type Fetched = Listed & { readonly content: Content }

/** What is compared when no ledger tells which message is which: enough to tell almost all apart, cheap to ask for. */
export type Heading = {
  readonly uid: number
  /** The header fields that make an identity: Message-ID, Date, From, To, Subject, Received ..., raw, unfolded (latin1). */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

export type NewMessage = {
  readonly flags: readonly string[]
  readonly internalDate: string
  readonly content: Content
}

/** `uid` is known where the server has UIDPLUS. */
export type Appended = { readonly uid?: number; readonly uidValidity?: number }

/** One logged-in connection. Methods may be called without waiting for the last one: commands are pipelined where the protocol lets them. */
export type Mailbox = {
  readonly traits: Traits
  folders(): Promise<readonly Folder[]>
  /** Pipelined; LIST-STATUS where offered. A folder that vanished meanwhile is not in the answer. */
  states(folders: readonly Folder[]): Promise<ReadonlyMap<string, FolderState>>
  /** Selects it (EXAMINE when `readOnly`). One folder is open at a time; opening the next ends the last. */
  open(folder: Folder, o: { readonly readOnly: boolean }): Promise<OpenFolder>
  /** Creates the folder, with its parents, and subscribes when asked. `path` is Unicode; the mailbox knows how to write it. Existing already is success. */
  create(path: readonly string[], o: { readonly use?: SpecialUse; readonly subscribe: boolean }): Promise<Folder>
  subscribe(folder: Folder): Promise<void>
  /**
   * Needs no open folder. Many may be in flight: the caller bounds count and bytes, the mailbox pipelines (LITERAL+) or
   * gathers (MULTIAPPEND). Each answers for itself.
   */
  append(folder: Folder, message: NewMessage): Promise<Appended>
  /** Until something happens in the open folder, or `signal`. Absent without IDLE. */
  idle?(folder: Folder, signal: AbortSignal): Promise<void>
  /** Says goodbye; never rejects. */
  close(): Promise<void>
}

export type OpenFolder = {
  readonly folder: Folder
  readonly state: FolderState
  /** Keywords that may be set here: `\*` in PERMANENTFLAGS, or the very list. */
  readonly takesAnyKeyword: boolean
  readonly permanentFlags: readonly string[]
  /** Ascending UIDs, in groups as they arrive. `changedSince`: only what changed since that modSeq (CONDSTORE). */
  list(o?: { readonly from?: number; readonly changedSince?: string }): AsyncIterable<readonly Listed[]>
  /** UIDs that are there now, ascending (UID SEARCH, or ESEARCH ranges expanded within the count that EXISTS gave). */
  uids(): Promise<readonly number[]>
  headings(uids: readonly number[]): AsyncIterable<readonly Heading[]>
  /**
   * In the order given where the server keeps it (the caller must not rely on it). What has vanished is left out.
   * Back-pressure: the connection is read no faster than this is.
   */
  fetch(uids: readonly number[]): AsyncIterable<Fetched>
  setFlags(uids: readonly number[], flags: readonly string[], how: 'add' | 'remove' | 'replace'): Promise<void>
  /** For good: \Deleted and UID EXPUNGE; where UIDPLUS is missing it refuses ('unsupported') rather than expunge what others marked. */
  remove(uids: readonly number[]): Promise<void>
}

export type Traits = {
  readonly greeting: string
  readonly capabilities: ReadonlySet<string>
  readonly kind: 'exchange' | 'dovecot' | 'cyrus' | 'courier' | 'gmail' | 'other'
  readonly hasUidPlus: boolean
  readonly hasCondstore: boolean
  readonly hasMultiAppend: boolean
  /** Bytes; from APPENDLIMIT (RFC 7889) or the known limit of the kind. */
  readonly maxAppend?: number
  /** A line longer than this is refused (Exchange: 10,239 is safe). */
  readonly maxLine?: number
}

/** Rejections of all of the above are MailboxTrouble and nothing else. */
export type Connect = (signal: AbortSignal) => Promise<Mailbox>
