/** A trouble does not say by itself which of the two servers it came from: whoever hears it first writes that down. */
import { type Connect, type Mailbox, MailboxTrouble, type OpenFolder } from '../mailbox/mailbox.ts'
import type { Side } from './settings.ts'

export type Sides = WeakMap<MailboxTrouble, Side>

export function sided(connect: Connect, side: Side, sides: Sides): Connect {
  const mark = (error: unknown): never => {
    if (error instanceof MailboxTrouble && !sides.has(error)) sides.set(error, side)
    throw error
  }
  return async (signal) => sidedMailbox(await connect(signal).catch(mark), mark)
}

type Mark = (error: unknown) => never

function sidedMailbox(m: Mailbox, mark: Mark): Mailbox {
  const idle = m.idle?.bind(m)
  return {
    get traits() {
      return m.traits
    },
    folders: () => m.folders().catch(mark),
    states: (folders) => m.states(folders).catch(mark),
    open: async (folder, o) => sidedFolder(await m.open(folder, o).catch(mark), mark),
    create: (path, o) => m.create(path, o).catch(mark),
    subscribe: (folder) => m.subscribe(folder).catch(mark),
    append: (folder, message) => m.append(folder, message).catch(mark),
    ...(idle === undefined ? {} : { idle: (folder, signal) => idle(folder, signal).catch(mark) }),
    close: () => m.close(),
  }
}

function sidedFolder(f: OpenFolder, mark: Mark): OpenFolder {
  return {
    folder: f.folder,
    get state() {
      return f.state
    },
    get takesAnyKeyword() {
      return f.takesAnyKeyword
    },
    get permanentFlags() {
      return f.permanentFlags
    },
    list: (o) => marked(f.list(o), mark),
    uids: () => f.uids().catch(mark),
    headings: (uids) => marked(f.headings(uids), mark),
    fetch: (uids) => marked(f.fetch(uids), mark),
    setFlags: (uids, flags, how) => f.setFlags(uids, flags, how).catch(mark),
    remove: (uids) => f.remove(uids).catch(mark),
  }
}

/** As it is, but for what it rejects with. Ending it early ends the one within. */
function marked<T>(items: AsyncIterable<T>, mark: Mark): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const within = items[Symbol.asyncIterator]()
      const end = within.return?.bind(within)
      return {
        next: () => within.next().catch(mark),
        ...(end === undefined ? {} : { return: (value?: unknown) => end(value) }),
      }
    },
  }
}
