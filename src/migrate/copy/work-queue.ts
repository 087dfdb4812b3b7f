/** Who works where: folders in turn, and a large one by several when nothing else is left. */
import type { FolderWork } from './attempt-state.ts'

export type WorkQueue = {
  /** Folders to be worked through one after the other, or one to lend a hand in; undefined when there is nothing to do. */
  next(): readonly FolderWork[] | undefined
}

/**
 * Fewer messages than `worthJoining` are copied before another connection has opened the folder. Folders that lead to the same one at the target stay together: what one has put there the next must find in the ledger.
 */
export function queueOf(works: readonly FolderWork[], worthJoining: number): WorkQueue {
  const byTarget = new Map<string, FolderWork[]>()
  for (const work of works) byTarget.set(work.target.id, [...(byTarget.get(work.target.id) ?? []), work])
  const groups = [...byTarget.values()]
  const started: FolderWork[] = []
  return {
    next: () => {
      const group = groups.shift()
      if (group === undefined) return joinable(started, worthJoining)
      const [only] = group
      if (group.length === 1 && only !== undefined) started.push(only)
      return group
    },
  }
}

function joinable(started: readonly FolderWork[], worthJoining: number): readonly FolderWork[] | undefined {
  let largest: FolderWork | undefined
  let most = worthJoining
  for (const work of started) {
    if (work.isOver || left(work) < most) continue
    largest = work
    most = left(work)
  }
  return largest === undefined ? undefined : [largest]
}

function left(work: FolderWork): number {
  return work.state === undefined ? work.guess : work.order.length - work.at
}
