import type { Folder, FolderState, SpecialUse } from '../mailbox/mailbox.ts'
import { astring, type Piece } from './command.ts'
import type { Connection } from './connection.ts'
import type { NameSpace } from './name-space.ts'
import type { Data } from './response.ts'
import { Scanner, type Value } from './scanner.ts'
import { readState, stateItems } from './states.ts'

/** One LIST response (RFC 9051 section 7.3.1). */
type Entry = { readonly id: string; readonly delimiter: string; readonly attributes: ReadonlySet<string> }

const uses: readonly (readonly [string, SpecialUse])[] = [
  ['\\sent', 'sent'],
  ['\\drafts', 'drafts'],
  ['\\trash', 'trash'],
  ['\\junk', 'junk'],
  ['\\archive', 'archive'],
  ['\\all', 'all'],
  ['\\flagged', 'flagged'],
  ['\\important', 'important'],
]

export type Listing = {
  readonly folders: readonly Folder[]
  /** With LIST-STATUS only. */
  readonly states: ReadonlyMap<string, FolderState>
}

/** `isWhole`: everything that the server lists; the space is not needed to ask then. */
export type Where = { readonly space: Promise<NameSpace>; readonly isWhole: boolean }

/**
 * All folders of the person: with LIST-EXTENDED (RFC 5258) in one command, subscriptions, special uses and states included; else
 * LIST and LSUB together.
 */
export async function listFolders(
  connection: Connection,
  has: (capability: string) => boolean,
  o: Where,
): Promise<Listing> {
  const isExtended = has('LIST-EXTENDED')
  const found = new Found(connection)
  const take = (data: Data): boolean => found.take(data)
  const pattern = astring(o.isWhole ? '*' : (await o.space).pattern)
  const asked = isExtended
    ? [ask(connection, ['LIST "" ', ...pattern, ` RETURN (${returned(has)})`], take)]
    : [ask(connection, ['LIST "" ', ...pattern], take), ask(connection, ['LSUB "" ', ...pattern], take)]
  const [space] = await Promise.all([o.space, ...asked])
  return found.listing(space, isExtended)
}

/** RFC 5258, RFC 6154, RFC 5819 */
function returned(has: (capability: string) => boolean): string {
  const use = has('SPECIAL-USE') ? ' SPECIAL-USE' : ''
  return `SUBSCRIBED${use}${has('LIST-STATUS') ? ` STATUS ${stateItems(has)}` : ''}`
}

/** Whether a folder of this name is there. */
export async function isThere(connection: Connection, id: string): Promise<boolean> {
  const found = new Found(connection)
  await ask(connection, ['LIST "" ', ...astring(id)], (data) => found.take(data))
  return found.has(id)
}

async function ask(connection: Connection, pieces: readonly Piece[], take: (data: Data) => boolean): Promise<void> {
  await connection.run({ what: 'the list of folders', about: 'folder', pieces, take })
}

class Found {
  readonly #connection: Connection
  readonly #entries = new Map<string, Entry>()
  readonly #subscribed = new Set<string>()
  readonly #states = new Map<string, FolderState>()
  #count = 0
  #nameBytes = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  take(data: Data): boolean {
    if (data.name !== 'STATUS' && data.name !== 'LIST' && data.name !== 'LSUB') return false
    this.#count += 1
    this.#nameBytes += data.frame[0].length
    const { maxFolders } = this.#connection.limits
    if (this.#count > 3 * maxFolders || this.#nameBytes > 500 * maxFolders)
      this.#connection.hostile('it has too many folders')
    if (data.name === 'STATUS') return this.#takeState(data)
    const entry = readEntry(data, this.#connection)
    if (entry === undefined) return true
    if (data.name === 'LIST') this.#entries.set(entry.id, entry)
    else if (!entry.attributes.has('\\noselect')) this.#subscribed.add(entry.id)
    return true
  }

  /** As a folder that can be used; a name that only holds others is none. */
  has(id: string): boolean {
    const entry = this.#entries.get(id)
    return entry !== undefined && !entry.attributes.has('\\nonexistent') && !entry.attributes.has('\\noselect')
  }

  /** Folders that are somebody else's are left out. */
  listing(space: NameSpace, isExtended: boolean): Listing {
    const folders: Folder[] = []
    for (const entry of this.#entries.values()) {
      const path = space.pathOf(entry.id, entry.delimiter)
      if (path === undefined) continue
      const isSubscribed = isExtended ? entry.attributes.has('\\subscribed') : this.#subscribed.has(entry.id)
      folders.push(folderOf(entry, path, isSubscribed))
    }
    return { folders, states: this.#states }
  }

  #takeState(data: Data): boolean {
    const told = readState(data, this.#connection.limits)
    if (typeof told === 'string') this.#connection.hostile(told)
    else if (told.state !== undefined) this.#states.set(told.id, told.state)
    return true
  }
}

function folderOf({ id, attributes }: Entry, path: readonly string[], isSubscribed: boolean): Folder {
  const isInbox = path.length === 1 && path[0] === 'INBOX'
  const use = isInbox ? 'inbox' : uses.find(([attribute]) => attributes.has(attribute))?.[1]
  return {
    id,
    path,
    ...(use === undefined ? {} : { use }),
    holdsMessages: !attributes.has('\\noselect') && !attributes.has('\\nonexistent'),
    isSubscribed,
  }
}

/** undefined: the connection has been ended because of it. */
function readEntry(data: Data, connection: Connection): Entry | undefined {
  const scanner = new Scanner(data.frame, data.at, connection.limits)
  const attributes = scanner.value()
  const delimiter = scanner.value()
  const id = scanner.astring()
  const why = scanner.fault ?? faultOf(attributes, delimiter, id)
  if (why !== undefined || id === undefined || !Array.isArray(attributes)) {
    connection.hostile(why ?? 'its list of folders makes no sense')
    return undefined
  }
  const words: readonly unknown[] = attributes
  return {
    id: id.toUpperCase() === 'INBOX' ? 'INBOX' : id,
    delimiter: typeof delimiter === 'string' ? delimiter : '',
    attributes: new Set(words.filter((word) => typeof word === 'string').map((word) => word.toLowerCase())),
  }
}

function faultOf(attributes: Value, delimiter: Value, id: string | undefined): string | undefined {
  if (!Array.isArray(attributes)) return 'its list of folders makes no sense'
  if (delimiter !== null && (typeof delimiter !== 'string' || delimiter.length > 1))
    return 'it parts names of folders by more than one character'
  if (id === undefined) return 'it lists a folder without a name'
  // RFC 9051 section 9: no string may hold NUL. Such a folder could not be asked for.
  return id.includes('\0') ? 'it lists a folder with NUL in its name' : undefined
}
