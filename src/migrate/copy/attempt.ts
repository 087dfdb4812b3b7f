/** One attempt at a pass: from connecting to saying goodbye, or to the first trouble that ends it. */
import { afterwork } from './afterwork.ts'
import type { Attempt, FolderWork, Lane } from './attempt-state.ts'
import { commit } from './folder-work.ts'
import { runLane } from './lane.ts'
import { planFolders } from './plan-folders.ts'
import { Sender } from './sender.ts'
import { queueOf, type WorkQueue } from './work-queue.ts'

/** Throws what ended it; what was heard until then is in the ledger. */
export async function runAttempt(a: Attempt): Promise<void> {
  const lanes: Lane[] = []
  let works: readonly FolderWork[] = []
  const failed = a.fail
  // Connections are closed at once: whoever waits for an answer on one of them goes on.
  a.fail = (error) => {
    failed(error)
    for (const lane of lanes) void leave(lane)
  }
  try {
    const first = await openLane(a, lanes)
    const plan = await planFolders(a, first.source, first.target)
    works = plan.works
    const messages = works.reduce((sum, work) => sum + work.guess, 0)
    a.tally.planned(works.length, messages)
    await runLanes(a, lanes, queueOf(works, a.tuning.messagesPerLane), lanesFor(a, messages))
    await afterwork(a, first, plan)
  } catch (error) {
    a.fail(error)
  } finally {
    writeDown(a, works)
    await Promise.all(lanes.map(leave))
  }
  if (a.failure !== undefined) throw a.failure
}

/** What was heard and is not in the ledger yet. Where a folder was not begun to its end the ledger knows more of what is in doubt than we do. */
function writeDown(a: Attempt, works: readonly FolderWork[]): void {
  try {
    for (const work of works) if (!work.isOver && work.state !== undefined) commit(a, work)
  } catch (error) {
    // What is not written down is in doubt, and found again.
    a.fail(error)
  }
}

/** One more connection costs some round trips. */
function lanesFor(a: Attempt, messages: number): number {
  return Math.min(a.job.options.connections, 1 + Math.floor(messages / a.tuning.messagesPerLane))
}

async function runLanes(a: Attempt, lanes: Lane[], queue: WorkQueue, wanted: number): Promise<void> {
  const isAlone = wanted === 1
  const run = async (lane: Lane): Promise<void> => {
    try {
      await runLane(a, lane, queue, isAlone)
    } catch (error) {
      a.fail(error)
    }
  }
  const [first] = lanes
  const others = Array.from({ length: wanted - 1 }, () => openLane(a, lanes).then(run, () => {}))
  await Promise.all([...(first === undefined ? [] : [run(first)]), ...others])
  if (a.failure !== undefined) throw a.failure
}

/** Both sides at once. When one cannot be reached the other is left. */
async function openLane(a: Attempt, lanes: Lane[]): Promise<Lane> {
  const { source, target, signal } = a.job
  const [s, t] = await Promise.allSettled([source(signal), target(signal)])
  if (s.status === 'fulfilled' && t.status === 'fulfilled') {
    const lane = { source: s.value, target: t.value, sender: new Sender(a, t.value) }
    lanes.push(lane)
    if (a.failure !== undefined) void leave(lane)
    return lane
  }
  if (s.status === 'fulfilled') await s.value.close()
  if (t.status === 'fulfilled') await t.value.close()
  throw s.status === 'rejected' ? s.reason : t.status === 'rejected' ? t.reason : undefined
}

function leave(lane: Lane): Promise<unknown> {
  lane.sender.wakeAll()
  return Promise.all([lane.source.close(), lane.target.close()])
}
