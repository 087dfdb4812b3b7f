import { type Appended, type Folder, MailboxTrouble, type NewMessage } from '../mailbox/mailbox.ts'
import { type Asked, astring, type End, type Piece, type Unwell } from './command.ts'
import type { Connection } from './connection.ts'
import { isFlag } from './fetch-data.ts'
import { expandSet } from './uid-set.ts'

/** So many commands are sent as they come; more only when they are worth it: each is a transaction of the server. */
const fewUnderWay = 2
const worthCount = 8
const worthBytes = 256 * 1024
const maxUnderWay = 16
const gatherCount = 32
const gatherBytes = 2 * 1024 * 1024
/** Commands under way where nothing is gathered. */
const maxPipelined = 256

type Waiting = {
  readonly folder: Folder
  readonly message: NewMessage
  readonly resolve: (appended: Appended) => void
  readonly reject: (trouble: MailboxTrouble) => void
}

/**
 * APPEND (RFC 9051 section 6.3.12), pipelined; with MULTIAPPEND (RFC 3502) what is waiting while the server works goes into one
 * command, which it writes as one transaction. Such a command fails as a whole: then each of its messages is tried by itself.
 */
export class Appender {
  readonly #connection: Connection
  readonly #mayGather: boolean
  readonly #waiting: Waiting[] = []
  #underWay = 0
  #isPlanned = false

  constructor(connection: Connection, mayGather: boolean) {
    this.#connection = connection
    this.#mayGather = mayGather
  }

  append(folder: Folder, message: NewMessage): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const why = unwritable(message)
      if (why !== undefined) return reject(new MailboxTrouble('refused', why))
      this.#waiting.push({ folder, message, resolve, reject })
      this.#plan()
    })
  }

  /** After everything that is appended in this turn. */
  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      this.#pump()
    })
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#maySend()) this.#send(this.#waiting.splice(0, this.#groupLength()))
  }

  #maySend(): boolean {
    if (!this.#mayGather) return this.#underWay < maxPipelined
    if (this.#underWay < fewUnderWay) return true
    return this.#underWay < maxUnderWay && this.#isWorthIt()
  }

  #isWorthIt(): boolean {
    if (this.#waiting.length >= worthCount) return true
    const bytes = this.#waiting.reduce(
      (sum, { message }) => sum + (Buffer.isBuffer(message.content) ? message.content.length : 0),
      0,
    )
    return bytes >= worthBytes
  }

  /** Messages for the same folder that go together. */
  #groupLength(): number {
    if (!this.#mayGather) return 1
    const first = this.#waiting[0]
    let bytes = 0
    let length = 0
    for (const { folder, message } of this.#waiting) {
      if (folder.id !== first?.folder.id || !Buffer.isBuffer(message.content)) break
      bytes += message.content.length
      if (length > 0 && (length >= gatherCount || bytes > gatherBytes)) break
      length += 1
    }
    return Math.max(1, length)
  }

  #send(group: readonly Waiting[]): void {
    const [first] = group
    if (first === undefined) return
    this.#underWay += 1
    const asked: Asked = {
      what: 'a message',
      about: 'append',
      pieces: ['APPEND ', ...astring(first.folder.id), ...group.flatMap(({ message }) => messagePieces(message))],
      // Its content may fail us in the middle, and then the connection must go: nobody else's message shall be in doubt.
      ...(Buffer.isBuffer(first.message.content) ? {} : { order: 'afterAll' }),
    }
    this.#connection.submit({
      ...asked,
      done: (end) => {
        this.#underWay -= 1
        this.#answer(group, end, asked)
        this.#pump()
      },
    })
  }

  #answer(group: readonly Waiting[], end: End, asked: Asked): void {
    if (end.kind === 'OK') {
      const uids = appendUid(end.code, group.length)
      for (const [i, waiting] of group.entries()) waiting.resolve(uids(i))
    } else if (end.kind !== 'lost' && group.length > 1) {
      for (const waiting of group) this.#send([waiting])
    } else {
      for (const { message, reject } of group) reject(this.#trouble(end, asked, message))
    }
  }

  #trouble(end: Unwell, asked: Asked, { content }: NewMessage): MailboxTrouble {
    const trouble = this.#connection.troubleOf(end, asked)
    // QUIRK: Exchange says `BAD Command Argument Error. 11` to a message that is too large, and to one with a line that is too long.
    if (end.kind === 'lost' || !/Command Argument Error\. 11/i.test(end.text)) return trouble
    const kind = Buffer.isBuffer(content) && longestLine(content) > exchangeMaxLine ? 'lineTooLong' : 'tooLarge'
    const isLarge = kind === 'lineTooLong' || (Buffer.isBuffer(content) ? content.length : content.size) > suspectBytes
    return isLarge ? new MailboxTrouble(kind, trouble.message, { words: trouble.words }) : trouble
  }
}

/** Exchange takes lines of about 10,500 bytes; which, it does not say. */
const exchangeMaxLine = 10_239
/** Its usual limit is 35 MB for a message. */
const suspectBytes = 30_000_000

function longestLine(content: Buffer): number {
  let longest = 0
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(10, at)
    longest = Math.max(longest, (end === -1 ? content.length : end) - at)
    at = end === -1 ? content.length : end + 1
  }
  return longest
}

function messagePieces({ flags, internalDate, content }: NewMessage): readonly Piece[] {
  const list = flags.length === 0 ? '' : ` (${flags.join(' ')})`
  return [`${list}${internalDate === '' ? '' : ` "${internalDate}"`} `, content]
}

/** Flags and dates stand in the command as they are, so that nothing else may stand in them. */
function unwritable({ flags, internalDate }: NewMessage): string | undefined {
  if (!flags.every((flag) => isFlag(flag))) return 'a flag of a message cannot be written'
  return /^[\w :+-]*$/.test(internalDate) ? undefined : 'the date of a message cannot be written'
}

/** RFC 4315 section 3: `APPENDUID 38505 3955:3957`, UIDs in the order of the messages. */
function appendUid(
  code: { readonly name: string; readonly args: string } | undefined,
  count: number,
): (i: number) => Appended {
  const [validity = '', set = ''] = code?.name === 'APPENDUID' ? code.args.split(' ') : []
  const uidValidity = /^\d{1,10}$/.test(validity) ? Number(validity) : undefined
  const uids = expandSet(set, count)
  return (i) => {
    const uid = uids?.length === count ? uids[i] : undefined
    return { ...(uid === undefined ? {} : { uid }), ...(uidValidity === undefined ? {} : { uidValidity }) }
  }
}
