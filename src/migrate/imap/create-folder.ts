import { type Folder, MailboxTrouble, type SpecialUse } from '../mailbox/mailbox.ts'
import { astring } from './command.ts'
import type { Connection } from './connection.ts'
import { isThere } from './list-folders.ts'
import type { NameSpace } from './name-space.ts'

export type Creation = {
  readonly space: NameSpace
  readonly path: readonly string[]
  readonly use?: SpecialUse | undefined
  readonly subscribe: boolean
  /** CREATE-SPECIAL-USE (RFC 6154 section 3). */
  readonly hasUse: boolean
}

/** CREATE and SUBSCRIBE under way together. A folder that is there already is as good as a new one. */
export async function createFolder(connection: Connection, o: Creation): Promise<Folder> {
  const id = o.space.idOf(o.path)
  const isInbox = o.path.length === 1 && o.path[0]?.toUpperCase() === 'INBOX'
  const creating = isInbox ? Promise.resolve() : create(connection, id, o)
  const subscribing = o.subscribe ? subscribe(connection, id) : Promise.resolve()
  // Both have ended before the first failure is told: a promise that nobody waits for must not reject.
  const [created, subscribed] = await Promise.allSettled([creating, subscribing])
  if (created.status === 'rejected') throw created.reason
  if (subscribed.status === 'rejected' && !isRefusal(subscribed.reason)) throw subscribed.reason
  return {
    id,
    path: o.path,
    ...(o.use === undefined ? {} : { use: o.use }),
    holdsMessages: true,
    isSubscribed: o.subscribe,
  }
}

async function create(connection: Connection, id: string, { use, hasUse }: Creation): Promise<void> {
  const attribute =
    use === undefined || use === 'inbox' || !hasUse ? undefined : `\\${use[0]?.toUpperCase()}${use.slice(1)}`
  try {
    await send(connection, id, attribute)
  } catch (error) {
    if (!isRefusal(error)) throw error
    // Servers have no one word for "it is there already" (RFC 5530 came late): it is looked for.
    if (await isThere(connection, id)) return
    if (attribute === undefined) throw error
    // RFC 6154 section 3: a use may be taken, or be refused by itself.
    await send(connection, id, undefined)
  }
}

async function send(connection: Connection, id: string, attribute: string | undefined): Promise<void> {
  const use = attribute === undefined ? '' : ` (USE (${attribute}))`
  await connection.run({ what: 'to create a folder', about: 'folder', pieces: ['CREATE ', ...astring(id), use] })
}

async function subscribe(connection: Connection, id: string): Promise<void> {
  await connection.run({ what: 'to subscribe to a folder', about: 'folder', pieces: ['SUBSCRIBE ', ...astring(id)] })
}

function isRefusal(error: unknown): boolean {
  return error instanceof MailboxTrouble && (error.kind === 'refused' || error.kind === 'changed')
}
