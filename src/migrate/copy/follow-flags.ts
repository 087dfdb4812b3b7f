/** Flags that changed at the source, set at the target: only what changed, so that what its user did meanwhile stays. */
import { type OpenFolder, type Traits, without } from '../mailbox/mailbox.ts'
import type { Attempt, FolderWork } from './attempt-state.ts'
import type { FlagChange } from './list-folder.ts'
import { settableFlags } from './prepare.ts'

export async function followFlags(
  a: Attempt,
  work: FolderWork,
  target: OpenFolder,
  traits: Traits,
  changes: readonly FlagChange[],
): Promise<void> {
  const keys = new Set(target.permanentFlags.map((flag) => flag.toLowerCase()))
  const takes = (keyword: string): boolean => target.takesAnyKeyword || keys.has(keyword.toLowerCase())
  const wanted = new Map<string, { flags: readonly string[]; how: 'add' | 'remove'; uids: number[] }>()
  const want = (how: 'add' | 'remove', flags: readonly string[], uid: number): void => {
    const settable = settableFlags(flags, { traits, takes })
    if (settable.length === 0) return
    const key = `${how} ${settable.join(' ')}`
    const group = wanted.get(key) ?? { flags: settable, how, uids: [] }
    group.uids.push(uid)
    wanted.set(key, group)
  }
  for (const { targetUid, before, now } of changes) {
    want('add', without(now, before ?? []), targetUid)
    if (before !== undefined) want('remove', without(before, now), targetUid)
  }
  await Promise.all(
    [...wanted.values()].map(({ flags, how, uids }) =>
      target.setFlags(
        uids.toSorted((x, y) => x - y),
        flags,
        how,
      ),
    ),
  )
  a.book.setFlags(
    work.pair.id,
    changes.map(({ uid, now }) => ({ uid, flags: now })),
  )
  a.tally.done.flags += changes.filter(({ before }) => before !== undefined).length
}
