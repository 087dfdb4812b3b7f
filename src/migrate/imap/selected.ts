import { type Folder, type FolderState, MailboxTrouble } from '../mailbox/mailbox.ts'
import { astring } from './command.ts'
import type { Connection } from './connection.ts'
import { flagsIn, readFetch } from './fetch-data.ts'
import type { Data, Words } from './response.ts'
import { modSeqOf, wholeNumber } from './states.ts'

/** The folder that is open, kept up to what the server says of it at any time. */
export type Selected = {
  readonly folder: Folder
  readonly isReadOnly: boolean
  uidValidity: number
  uidNext: number
  messages: number
  /** So many have gone since it was opened. */
  expunged: number
  modSeq: string | undefined
  permanentFlags: readonly string[]
  /** Why it is not open any more. */
  over: MailboxTrouble | undefined
}

export function unselected(folder: Folder, isReadOnly: boolean): Selected {
  return {
    folder,
    isReadOnly,
    uidValidity: 0,
    uidNext: 0,
    messages: 0,
    expunged: 0,
    modSeq: undefined,
    permanentFlags: [],
    over: undefined,
  }
}

export type HowToSelect = {
  readonly hasCondstore: boolean
  /** Sent right behind what is under way in the folder before. */
  readonly isNext: boolean
}

/** SELECT or EXAMINE (RFC 9051 section 6.3.2). */
export async function select(connection: Connection, opened: Selected, o: HowToSelect): Promise<void> {
  const verb = opened.isReadOnly ? 'EXAMINE' : 'SELECT'
  await connection.run({
    what: `to open a folder (${verb})`,
    about: 'folder',
    // RFC 7162 section 3.1.8
    pieces: [`${verb} `, ...astring(opened.folder.id), o.hasCondstore ? ' (CONDSTORE)' : ''],
    selects: true,
    ...(o.isNext ? {} : { order: 'afterAll' }),
    take: (data) => takeData(opened, data, connection),
    hear: (words) => hearWords(opened, words),
  })
  if (opened.uidValidity === 0) throw new MailboxTrouble('unsupported', 'a folder has no lasting UIDs (no UIDVALIDITY)')
  if (opened.uidNext === 0) opened.uidNext = (await lastUid(connection, opened)) + 1
}

/** What it says of the folder at any later time. */
export function follow(selected: Selected, what: Data | Words, connection: Connection): void {
  if ('kind' in what) takeData(selected, what, connection)
  else if (what.code?.name === 'UIDVALIDITY' && Number(what.code.args) !== selected.uidValidity) {
    selected.over ??= new MailboxTrouble('changed', 'the UIDVALIDITY of the folder changed while it was open')
  }
}

export function stateOf({ uidValidity, uidNext, messages, modSeq }: Selected): FolderState {
  return { uidValidity, uidNext, messages, ...(modSeq === undefined ? {} : { modSeq }) }
}

function takeData(opened: Selected, { name, number, frame, at }: Data, connection: Connection): boolean {
  if (name === 'EXISTS' && number !== undefined) {
    opened.messages = number
    if (number > connection.limits.maxMessages) connection.hostile(`it says that a folder holds ${number} messages`)
  } else if (name === 'EXPUNGE') {
    opened.messages = Math.max(0, opened.messages - 1)
    opened.expunged += 1
  } else if (name === 'FLAGS' && opened.permanentFlags.length === 0)
    opened.permanentFlags = flagList(frame[0].slice(at))
  else return name === 'RECENT' || name === 'FLAGS'
  return true
}

function hearWords(opened: Selected, { code }: Words): void {
  if (code?.name === 'UIDVALIDITY') opened.uidValidity = wholeNumber(code.args) ?? 0
  else if (code?.name === 'UIDNEXT') opened.uidNext = wholeNumber(code.args) ?? 0
  else if (code?.name === 'HIGHESTMODSEQ') opened.modSeq = modSeqOf(code.args)
  // RFC 9051 section 7.1: without PERMANENTFLAGS all of FLAGS are permanent.
  else if (code?.name === 'PERMANENTFLAGS') opened.permanentFlags = flagList(code.args)
}

/** `(\Seen $Forwarded \*)` */
function flagList(text: string): readonly string[] {
  const inner = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
  return inner.split(' ').filter((flag) => flag === '\\*' || flagsIn(flag).length === 1)
}

/** QUIRK: servers of before RFC 3501 say no UIDNEXT; the last message says it. */
async function lastUid(connection: Connection, { messages }: Selected): Promise<number> {
  let last = 0
  if (messages === 0) return last
  const take = (data: Data): boolean => {
    if (data.name !== 'FETCH') return false
    const told = readFetch(data, connection.limits)
    if (typeof told === 'string') connection.hostile(told)
    else last = Math.max(last, told.uid ?? 0)
    return true
  }
  await connection.run({ what: 'the last UID', about: 'folder', pieces: ['FETCH * (UID)'], take })
  return last
}
