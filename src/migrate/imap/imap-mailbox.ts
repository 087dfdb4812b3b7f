import {
  type Appended,
  type Folder,
  type FolderState,
  type Mailbox,
  MailboxTrouble,
  type NewMessage,
  type OpenFolder,
  type SpecialUse,
  type Traits,
} from '../mailbox/mailbox.ts'
import { Appender } from './append.ts'
import { astring } from './command.ts'
import type { Connection } from './connection.ts'
import { createFolder } from './create-folder.ts'
import { FolderWork } from './folder-work.ts'
import { idle } from './idle.ts'
import { imapFolder } from './imap-folder.ts'
import { listFolders } from './list-folders.ts'
import { type ListOptions, listMessages } from './list-messages.ts'
import { askNameSpace, type NameSpace } from './name-space.ts'
import { follow, select, unselected } from './selected.ts'
import { SizeBook } from './size-book.ts'
import { askStates, stateItems } from './states.ts'

/** States that came with the list of folders are as good as new for this long, if we do nothing meanwhile. */
const freshMs = 5000
const goodbyeMs = 2000
/** Messages whose list may be asked for on suspicion. */
const shortList = 5000

/**
 * More than `mailbox/` asks for, to save round trips. `list`: the listing is sent right behind the opening, for the first `list` with
 * the same options. `isNext`: what was begun in the folder before goes on to its end, and this is sent behind it; whoever opens so must
 * go on taking there.
 */
export type OpenOptions = { readonly readOnly: boolean; readonly list?: ListOptions; readonly isNext?: boolean }

export type ImapMailboxOptions = { readonly userRoot: string | undefined; readonly restMs: number }

/** What `mailbox/` calls a mailbox, over a connection that is logged in. */
export function imapMailbox(connection: Connection, traits: Traits, o: ImapMailboxOptions): Mailbox {
  const mailbox = new ImapMailbox(connection, traits, o.userRoot)
  return {
    traits,
    folders: () => mailbox.folders(),
    states: (folders) => mailbox.states(folders),
    open: (folder, how) => mailbox.open(folder, how),
    create: (path, how) => mailbox.create(path, how),
    subscribe: (folder) => mailbox.subscribe(folder),
    append: (folder, message) => mailbox.append(folder, message),
    ...(traits.capabilities.has('IDLE')
      ? { idle: (folder: Folder, signal: AbortSignal) => mailbox.idle(folder, signal, o.restMs) }
      : {}),
    close: () => mailbox.close(),
  }
}

class ImapMailbox {
  readonly #connection: Connection
  readonly #traits: Traits
  readonly #userRoot: string | undefined
  readonly #appender: Appender
  #space: Promise<NameSpace> | undefined
  #work: FolderWork | undefined
  /** How many messages a folder had when its state was last told. */
  readonly #messages = new Map<string, number>()
  #listsAll = false
  #fresh: { readonly states: ReadonlyMap<string, FolderState>; readonly at: number } | undefined

  constructor(connection: Connection, traits: Traits, userRoot: string | undefined) {
    this.#connection = connection
    this.#traits = traits
    this.#userRoot = userRoot
    this.#appender = new Appender(connection, traits.hasMultiAppend && connection.outbox.literals === 'plus')
    connection.unasked = (what) => {
      if (this.#work !== undefined) follow(this.#work.selected, what, connection)
    }
  }

  readonly #has = (capability: string): boolean => this.#traits.capabilities.has(capability)

  /** Asked once; it does not change while we are logged in. */
  #nameSpace(): Promise<NameSpace> {
    this.#space ??= askNameSpace(this.#connection, {
      has: this.#has,
      userRoot: this.#userRoot,
      isUtf8: !this.#has('IMAP4REV1') && this.#has('IMAP4REV2'),
    })
    return this.#space
  }

  async folders(): Promise<readonly Folder[]> {
    const { folders, states } = await listFolders(this.#connection, this.#has, {
      space: this.#nameSpace(),
      isWhole: this.#userRoot === undefined,
    })
    this.#remember(states)
    this.#fresh = states.size === 0 ? undefined : { states, at: performance.now() }
    return folders
  }

  async states(folders: readonly Folder[]): Promise<ReadonlyMap<string, FolderState>> {
    const fresh =
      this.#fresh !== undefined && performance.now() - this.#fresh.at < freshMs ? this.#fresh.states : undefined
    this.#fresh = undefined
    const known = folders.flatMap(({ id }) => {
      const state = fresh?.get(id)
      return state === undefined ? [] : [[id, state] as const]
    })
    const rest = folders.filter(({ id }) => fresh?.has(id) !== true)
    const asked = await askStates(this.#connection, rest, stateItems(this.#has))
    this.#remember(asked)
    return new Map([...known, ...asked])
  }

  #remember(states: ReadonlyMap<string, FolderState>): void {
    for (const [id, { messages }] of states) this.#messages.set(id, messages)
  }

  async open(folder: Folder, o: OpenOptions): Promise<OpenFolder> {
    this.#fresh = undefined
    if (o.isNext === true) await this.#work?.allAsked()
    if (this.#work !== undefined)
      this.#work.selected.over ??= new MailboxTrouble('stopped', 'another folder was opened')
    const selected = unselected(folder, o.readOnly)
    const work = new FolderWork(this.#connection, selected, new SizeBook())
    this.#work = undefined
    const { hasCondstore, kind } = this.#traits
    const selecting = select(this.#connection, selected, { hasCondstore, isNext: o.isNext === true })
    const list = o.list ?? this.#expected(folder, o)
    // Sent right behind. Not where a listing of nothing is an error, for Exchange counts errors.
    const begun =
      list === undefined || kind === 'exchange' ? undefined : { of: list, listing: listMessages(work, list) }
    await selecting
    this.#work = work
    const onFirst = (isListOfAll: boolean): void => {
      if (o.readOnly) this.#listsAll = isListOfAll
    }
    return imapFolder(work, { has: this.#has, begun, onFirst })
  }

  /** Who listed all of the last folder first of all will do the same with this one: a round trip is saved, or a short list wasted. */
  #expected({ id }: Folder, { readOnly }: OpenOptions): ListOptions | undefined {
    const messages = this.#messages.get(id) ?? 0
    return this.#listsAll && readOnly && messages > 0 && messages <= shortList ? {} : undefined
  }

  async create(
    path: readonly string[],
    o: { readonly use?: SpecialUse | undefined; readonly subscribe: boolean },
  ): Promise<Folder> {
    const space = await this.#nameSpace()
    return createFolder(this.#connection, { space, path, ...o, hasUse: this.#has('CREATE-SPECIAL-USE') })
  }

  async subscribe({ id }: Folder): Promise<void> {
    await this.#connection.run({
      what: 'to subscribe to a folder',
      about: 'folder',
      pieces: ['SUBSCRIBE ', ...astring(id)],
    })
  }

  append(folder: Folder, message: NewMessage): Promise<Appended> {
    this.#fresh = undefined
    return this.#appender.append(folder, message)
  }

  async idle(folder: Folder, signal: AbortSignal, restMs: number): Promise<void> {
    const selected = this.#work?.selected
    if (selected?.folder.id !== folder.id || selected.over !== undefined) await this.open(folder, { readOnly: true })
    await idle(this.#connection, signal, restMs)
  }

  close(): Promise<void> {
    return this.#connection.goodbye(goodbyeMs)
  }
}
