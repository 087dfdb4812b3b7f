/** A folder made at the target, under the first name that it takes. */
import { type Folder, type Mailbox, MailboxTrouble } from '../mailbox/mailbox.ts'
import type { Mapped } from './folder-map.ts'
import { nameFor } from './folder-names.ts'

/** The last try: the top may be a name of the server's own (Cyrus keeps `Other Users` and `Shared Folders` for itself). */
const lastLevel = 4

/** `taken`: names that other folders of this mailbox have got; ours is added. */
export async function createTarget(target: Mailbox, mapped: Mapped, taken: Set<string>): Promise<Folder> {
  let refusal: MailboxTrouble | undefined
  for (let level = 0; level <= lastLevel; level += 1) {
    try {
      return await createFree(target, mapped, level, taken)
    } catch (error) {
      if (!(error instanceof MailboxTrouble) || error.kind !== 'refused') throw error
      refusal ??= error
    }
  }
  throw refusal ?? new MailboxTrouble('refused', 'no name was taken')
}

/** The mailbox may have to write two names as one: the second gets a number. */
async function createFree(target: Mailbox, mapped: Mapped, level: number, taken: Set<string>): Promise<Folder> {
  const { kind } = target.traits
  const named = level === 0 ? mapped.path : mapped.path.map((name) => nameFor(name, kind, level))
  const path = level === lastLevel ? [`${named[0] ?? ''} (mail)`, ...named.slice(1)] : named
  const more = { subscribe: mapped.source.isSubscribed, ...(mapped.use === undefined ? {} : { use: mapped.use }) }
  for (let n = 1; ; n += 1) {
    const numbered = n === 1 ? path : [...path.slice(0, -1), `${path.at(-1) ?? ''} (${n})`]
    const folder = await target.create(numbered, more)
    if (!taken.has(folder.id) || mapped.mayShare) {
      taken.add(folder.id)
      return folder
    }
  }
}
