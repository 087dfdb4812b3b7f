/**
 * Mailboxes in memory, for tests: a whole server, its connections, and faults at every step.
 *
 * A fault is asked for before and after each command: a server may fail to do what it was asked, or do it and fail to say so.
 */
import {
  type Appended,
  type Connect,
  type Content,
  canonicalFlags,
  type Fetched,
  type Folder,
  headingOf,
  internalDateOf,
  type Listed,
  type Mailbox,
  MailboxTrouble,
  type NewMessage,
  type OpenFolder,
  type SpecialUse,
  type Traits,
} from '../mailbox/mailbox.ts'

export type StoredMessage = {
  uid: number
  flags: readonly string[]
  internalDate: string
  content: Buffer
  modSeq: number
}

export type StoredFolder = {
  path: readonly string[]
  use?: SpecialUse
  holdsMessages: boolean
  isSubscribed: boolean
  uidValidity: number
  uidNext: number
  modSeq: number
  messages: StoredMessage[]
}

export type Step = { readonly command: string; readonly moment: 'before' | 'after'; readonly folder?: string }

export type MemoryOptions = {
  readonly traits?: Partial<Traits>
  /** Awaited at each step; what it rejects with is the command's. */
  readonly fault?: (step: Step) => Promise<void> | void
  /** What the target's limits would be. */
  readonly refuse?: (message: { readonly folder: string; readonly content: Buffer }) => MailboxTrouble | undefined
  /** Changes what is stored, as servers do. */
  readonly store?: (content: Buffer) => Buffer
  /** Content beyond so many bytes is given in pieces. */
  readonly largeFrom?: number
}

export class MemoryServer {
  readonly folders = new Map<string, StoredFolder>()
  readonly options: MemoryOptions
  /** Commands that were asked, for counting round trips. */
  readonly asked: string[] = []
  #nextValidity = 1000

  constructor(options: MemoryOptions = {}) {
    this.options = options
    this.make(['INBOX'], { use: 'inbox', isSubscribed: true })
  }

  make(path: readonly string[], more: Partial<StoredFolder> = {}): StoredFolder {
    const folder = {
      path,
      holdsMessages: true,
      isSubscribed: false,
      uidValidity: this.#nextValidity++,
      uidNext: 1,
      modSeq: 1,
      messages: [],
      ...more,
    }
    this.folders.set(idOf(path), folder)
    return folder
  }

  folder(...path: readonly string[]): StoredFolder {
    const found = this.folders.get(idOf(path))
    if (found === undefined) throw new Error(`no folder ${path.join('/')}`)
    return found
  }

  put(folder: StoredFolder, content: Buffer | string, more: Partial<StoredMessage> = {}): StoredMessage {
    folder.modSeq += 1
    const message = {
      uid: folder.uidNext,
      flags: canonicalFlags(more.flags ?? []),
      internalDate: more.internalDate ?? internalDateOf(1_780_000_000_000 + folder.uidNext * 1000),
      content: Buffer.from(content),
      modSeq: folder.modSeq,
    }
    folder.uidNext += 1
    folder.messages.push(message)
    return message
  }

  setFlags(folder: StoredFolder, message: StoredMessage, flags: readonly string[]): void {
    folder.modSeq += 1
    message.modSeq = folder.modSeq
    message.flags = canonicalFlags(flags)
  }

  remove(folder: StoredFolder, uids: ReadonlySet<number>): void {
    folder.messages = folder.messages.filter((message) => !uids.has(message.uid))
    folder.modSeq += 1
  }

  readonly connect: Connect = async (signal) => {
    await this.step('connect', 'before')
    if (signal.aborted) throw new MailboxTrouble('stopped', 'stopped')
    return new MemoryConnection(this)
  }

  async step(command: string, moment: Step['moment'], folder?: string): Promise<void> {
    if (moment === 'before') this.asked.push(command)
    await this.options.fault?.({ command, moment, ...(folder === undefined ? {} : { folder }) })
  }

  get traits(): Traits {
    return {
      greeting: 'memory',
      capabilities: new Set(),
      kind: 'other',
      hasUidPlus: true,
      hasCondstore: true,
      hasMultiAppend: false,
      ...this.options.traits,
    }
  }
}

/** One connection. After a trouble that breaks it every command rejects, as on a socket that is gone. */
class MemoryConnection implements Mailbox {
  readonly #server: MemoryServer
  #broken: MailboxTrouble | undefined
  #openId: string | undefined

  constructor(server: MemoryServer) {
    this.#server = server
  }

  get traits(): Traits {
    return this.#server.traits
  }

  folders(): Promise<readonly Folder[]> {
    return this.#do('folders', undefined, () => [...this.#server.folders].map(([id, folder]) => shown(id, folder)))
  }

  states(folders: readonly Folder[]): ReturnType<Mailbox['states']> {
    return this.#do('states', undefined, () => {
      const there = folders.flatMap(({ id }) => {
        const folder = this.#server.folders.get(id)
        return folder === undefined ? [] : [[id, this.#state(folder)] as const]
      })
      return new Map(there)
    })
  }

  open(folder: Folder): Promise<OpenFolder> {
    return this.#do('open', folder.id, () => {
      const stored = this.#stored(folder.id)
      this.#openId = folder.id
      return this.#opened(shown(folder.id, stored), stored)
    })
  }

  create(path: readonly string[], o: { readonly use?: SpecialUse; readonly subscribe: boolean }): Promise<Folder> {
    return this.#do('create', idOf(path), () => {
      for (let depth = 1; depth < path.length; depth += 1) {
        const parent = path.slice(0, depth)
        if (!this.#server.folders.has(idOf(parent))) this.#server.make(parent, { holdsMessages: false })
      }
      const more = { isSubscribed: o.subscribe, ...(o.use === undefined ? {} : { use: o.use }) }
      const stored = this.#server.folders.get(idOf(path)) ?? this.#server.make(path, more)
      stored.holdsMessages = true
      if (o.subscribe) stored.isSubscribed = true
      return shown(idOf(path), stored)
    })
  }

  subscribe(folder: Folder): Promise<void> {
    return this.#do('subscribe', folder.id, () => {
      this.#stored(folder.id).isSubscribed = true
    })
  }

  async append(folder: Folder, message: NewMessage): Promise<Appended> {
    const content = await wholeOf(message.content)
    return this.#do('append', folder.id, () => {
      const stored = this.#stored(folder.id)
      const refused = this.#server.options.refuse?.({ folder: folder.id, content })
      if (refused !== undefined) throw refused
      const kept = this.#server.options.store?.(content) ?? content
      const { uid } = this.#server.put(stored, kept, { flags: message.flags, internalDate: message.internalDate })
      return this.traits.hasUidPlus ? { uid, uidValidity: stored.uidValidity } : {}
    })
  }

  async close(): Promise<void> {
    this.#broken ??= new MailboxTrouble('unreachable', 'closed')
  }

  /** Every command: a fault may come before it is done, or after, when nobody hears that it was. */
  async #do<T>(command: string, folder: string | undefined, work: () => T): Promise<T> {
    if (this.#broken !== undefined) throw this.#broken
    try {
      await this.#server.step(command, 'before', folder)
      const result = work()
      await this.#server.step(command, 'after', folder)
      return result
    } catch (error) {
      if (error instanceof MailboxTrouble && breaking.has(error.kind)) this.#broken = error
      throw error
    }
  }

  #stored(id: string): StoredFolder {
    const stored = this.#server.folders.get(id)
    if (stored === undefined) throw new MailboxTrouble('changed', 'no such folder')
    return stored
  }

  #state(folder: StoredFolder): { uidValidity: number; uidNext: number; messages: number; modSeq?: string } {
    const { uidValidity, uidNext, messages, modSeq } = folder
    const state = { uidValidity, uidNext, messages: messages.length }
    return this.traits.hasCondstore ? { ...state, modSeq: String(modSeq) } : state
  }

  #opened(folder: Folder, stored: StoredFolder): OpenFolder {
    const within = <T>(command: string, work: () => T): Promise<T> =>
      this.#do(command, folder.id, () => {
        const now = this.#server.folders.get(folder.id)
        if (now !== stored || this.#openId !== folder.id) throw new MailboxTrouble('changed', 'another folder is open')
        return work()
      })
    return {
      folder,
      state: this.#state(stored),
      takesAnyKeyword: true,
      permanentFlags: ['\\*'],
      list: (o) =>
        inGroups(
          within('list', () => listed(stored, o)),
          3,
        ),
      uids: () => within('uids', () => stored.messages.map((message) => message.uid)),
      headings: (uids) =>
        inGroups(
          within('headings', () =>
            chosen(stored, uids).map(({ uid, content }) => ({ uid, fields: headingOf(content) })),
          ),
          3,
        ),
      fetch: (uids) => this.#fetch(stored, uids, within),
      setFlags: (uids, flags, how) => within('setFlags', () => this.#setFlags(stored, uids, flags, how)),
      remove: (uids) => within('remove', () => this.#server.remove(stored, new Set(uids))),
    }
  }

  async *#fetch(
    stored: StoredFolder,
    uids: readonly number[],
    within: <T>(command: string, work: () => T) => Promise<T>,
  ): AsyncIterable<Fetched> {
    const large = this.#server.options.largeFrom ?? Number.POSITIVE_INFINITY
    for (const message of await within('fetch', () => chosen(stored, uids))) {
      await within('fetchOne', () => {})
      if (!stored.messages.includes(message)) continue
      const { uid, flags, internalDate, content } = message
      const given = content.length < large ? content : inPieces(content)
      yield { uid, flags, internalDate, size: content.length, content: given }
    }
  }

  #setFlags(
    stored: StoredFolder,
    uids: readonly number[],
    flags: readonly string[],
    how: 'add' | 'remove' | 'replace',
  ): void {
    const keys = new Set(flags.map((flag) => flag.toLowerCase()))
    for (const message of chosen(stored, uids)) {
      const others = message.flags.filter((flag) => !keys.has(flag.toLowerCase()))
      const next = how === 'replace' ? flags : how === 'add' ? [...others, ...flags] : others
      this.#server.setFlags(stored, message, next)
    }
  }
}

const breaking: ReadonlySet<string> = new Set(['unreachable', 'stalled', 'throttled', 'hostile'])

/** As on a wire whose delimiter is no character of a name here. */
function idOf(path: readonly string[]): string {
  return Buffer.from(path.join('\x1f'), 'utf8').toString('latin1')
}

function shown(id: string, folder: StoredFolder): Folder {
  const { path, use, holdsMessages, isSubscribed } = folder
  return { id, path, holdsMessages, isSubscribed, ...(use === undefined ? {} : { use }) }
}

function listed(
  folder: StoredFolder,
  o: { readonly from?: number; readonly changedSince?: string } = {},
): readonly Listed[] {
  return folder.messages
    .filter(({ uid, modSeq }) => uid >= (o.from ?? 1) && modSeq > Number(o.changedSince ?? 0))
    .map(({ uid, flags, internalDate, content }) => ({ uid, flags, internalDate, size: content.length }))
}

function chosen(folder: StoredFolder, uids: readonly number[]): readonly StoredMessage[] {
  const wanted = new Set(uids)
  return folder.messages.filter(({ uid }) => wanted.has(uid))
}

async function* inGroups<T>(all: Promise<readonly T[]>, size: number): AsyncIterable<readonly T[]> {
  const rows = await all
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size)
}

function inPieces(content: Buffer): Content {
  return {
    size: content.length,
    async *read() {
      for (let at = 0; at < content.length; at += 1000) yield content.subarray(at, at + 1000)
    },
  }
}

async function wholeOf(content: Content): Promise<Buffer> {
  if (Buffer.isBuffer(content)) return content
  const pieces: Buffer[] = []
  for await (const piece of content.read()) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** A message, for people who read the test. */
export function letter(o: {
  readonly id?: string
  readonly subject?: string
  readonly body?: string
  readonly extra?: string
}): Buffer {
  const id = o.id === undefined ? '' : `Message-ID: <${o.id}@example.com>\r\n`
  const head = `From: a@example.com\r\nTo: b@example.com\r\nSubject: ${o.subject ?? 'hello'}\r\n${id}${o.extra ?? ''}`
  return Buffer.from(`${head}\r\n${o.body ?? 'text\r\n'}`, 'latin1')
}
