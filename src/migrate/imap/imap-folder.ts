import { type Listed, MailboxTrouble, type OpenFolder } from '../mailbox/mailbox.ts'
import { isFlag } from './fetch-data.ts'
import { fetchMessages } from './fetch-messages.ts'
import { folderUids } from './folder-uids.ts'
import type { FolderWork } from './folder-work.ts'
import { headings } from './headings.ts'
import { type ListOptions, listMessages } from './list-messages.ts'
import { stateOf } from './selected.ts'
import { uidSets } from './uid-set.ts'

const verbs = { add: '+FLAGS.SILENT', remove: '-FLAGS.SILENT', replace: 'FLAGS.SILENT' } as const

/** A listing that was begun when the folder was opened. */
export type Begun = { readonly of: ListOptions; readonly listing: AsyncIterable<readonly Listed[]> }

export type FolderOptions = {
  readonly has: (capability: string) => boolean
  readonly begun: Begun | undefined
  /** Told once, at the first question: whether it was for a list of all messages. */
  readonly onFirst: (isListOfAll: boolean) => void
}

/** What `mailbox/` calls an open folder, over one that is selected. */
export function imapFolder(work: FolderWork, { has, begun, onFirst }: FolderOptions): OpenFolder {
  const { selected } = work
  let ready = begun
  let isFirst = true
  const begins = (isListOfAll: boolean): void => {
    if (isFirst) onFirst(isListOfAll)
    isFirst = false
  }
  const store = async (uids: readonly number[], flags: string): Promise<void> => {
    const sets = [...uidSets(ascending(uids))]
    await Promise.all(sets.map((set) => work.run({ what: 'to change flags', pieces: [`UID STORE ${set} ${flags}`] })))
  }
  return {
    folder: selected.folder,
    state: stateOf(selected),
    takesAnyKeyword: selected.permanentFlags.includes('\\*'),
    permanentFlags: selected.permanentFlags.filter((flag) => flag !== '\\*'),
    list(o = {}) {
      begins(isSame(o, {}))
      const listing = ready !== undefined && isSame(ready.of, o) ? ready.listing : listMessages(work, o)
      ready = undefined
      return listing
    },
    uids() {
      begins(false)
      return folderUids(work, has('ESEARCH') || has('IMAP4REV2'))
    },
    headings(uids) {
      begins(false)
      return headings(work, ascending(uids))
    },
    fetch(uids) {
      begins(false)
      return fetchMessages(work, uids)
    },
    async setFlags(uids, flags, how) {
      if (!flags.every((flag) => isFlag(flag))) throw new MailboxTrouble('refused', 'a flag cannot be written')
      if (flags.length > 0 || how === 'replace') await store(uids, `${verbs[how]} (${flags.join(' ')})`)
    },
    async remove(uids) {
      // Plain EXPUNGE would take what others marked.
      if (!has('UIDPLUS') && !has('IMAP4REV2'))
        throw new MailboxTrouble('unsupported', 'this server cannot remove single messages (no UIDPLUS)')
      await store(uids, '+FLAGS.SILENT (\\Deleted)')
      const sets = [...uidSets(ascending(uids))]
      await Promise.all(sets.map((set) => work.run({ what: 'to remove messages', pieces: [`UID EXPUNGE ${set}`] })))
    },
  }
}

function ascending(uids: readonly number[]): readonly number[] {
  return uids.every((uid, i) => i === 0 || uid > (uids[i - 1] ?? 0)) ? uids : [...new Set(uids)].sort((a, b) => a - b)
}

function isSame(a: ListOptions, b: ListOptions): boolean {
  return a.from === b.from && a.changedSince === b.changedSince
}
