/**
 * Who has moved away from a next hop in trouble must not wait for it, nor grow old there while the domain is on hold. An attempt would find out, but a lane that is down gives out
 * one message for each pause; so after a change of the project, or of its directory, what waits there is looked through once.
 */
import type { Project } from '../../project/project.ts'
import type { Listed, Work } from '../../queue/queue.ts'
import { readEnvelope } from '../keep/keep.ts'
import { elsewhere, held, type Place, placeNow, unchanged } from './where.ts'
import { type WorkerParts, writeDown } from './worker.ts'

export type Movers = {
  /** Looks where it has not looked since the last change. How many pieces of work went elsewhere. */
  tick(): Promise<number>
  /** An operator asks for it: each lane in trouble is looked through again. */
  again(): void
}

const atOnce = 100
/** As many times as it took: a directory that changes all day long must not take more of the day than a fifth. */
const restFactor = 4
const mostRemembered = 10_000

type Progress = { readonly seen: Map<string, Project>; isRunning: boolean; restUntil: number }

export function makeMovers(parts: WorkerParts, isStopped: () => boolean): Movers {
  const at: Progress = { seen: new Map(), isRunning: false, restUntil: 0 }
  return {
    async tick() {
      if (at.isRunning || performance.now() < at.restUntil || parts.queue.figures.waiting === 0) return 0
      at.isRunning = true
      const begin = performance.now()
      try {
        return await lookThrough(parts, at.seen, isStopped)
      } finally {
        at.isRunning = false
        at.restUntil = performance.now() + restFactor * (performance.now() - begin)
      }
    },
    again: () => at.seen.clear(),
  }
}

async function lookThrough(parts: WorkerParts, seen: Map<string, Project>, isStopped: () => boolean): Promise<number> {
  let moved = 0
  for (const { name } of parts.lanes.inTrouble()) {
    const project = parts.project()
    if (project === undefined || seen.get(name) === project || isStopped()) continue
    if (seen.size >= mostRemembered) seen.clear()
    seen.set(name, project)
    const found = await lookThroughLane(parts, project, name, isStopped)
    moved += found.moved
    // Somebody may not be taken just now: the next of a line of released mail, while the one before it is there.
    if (found.isLeft) seen.delete(name)
  }
  return moved
}

type Found = { readonly moved: number; readonly isLeft: boolean }

/** Listing changes nothing; only messages of somebody who has moved are taken out of the lane. */
async function lookThroughLane(
  parts: WorkerParts,
  project: Project,
  lane: string,
  isStopped: () => boolean,
): Promise<Found> {
  let [moved, isLeft] = [0, false]
  let after: string | undefined
  do {
    const page = { limit: atOnce, isWhole: true, ...(after === undefined ? {} : { after }) }
    const { items, next } = await parts.queue.list({ lane, state: 'waiting' }, page)
    const ids = items.filter((item) => hasMoved(project, lane, item)).map(({ message }) => message.id)
    const works = ids.length === 0 ? [] : await parts.queue.claim({ ids, lane, limit: ids.length, force: true })
    for (const work of works) await moveOn(parts, work)
    moved += works.length
    isLeft ||= works.length < ids.length
    after = next
  } while (after !== undefined && !isStopped())
  return { moved, isLeft }
}

function hasMoved(project: Project, lane: string, { message, recipients }: Listed): boolean {
  const kept = readEnvelope(message.envelope)
  if ('why' in kept) return false
  return recipients.some((one) => one.wish === undefined && leaves(placeNow(project, kept, one), lane))
}

const leaves = (place: Place | undefined, lane: string): boolean =>
  place !== undefined && (place.kind === 'held' || place.lane !== lane)

/** By the project of this moment: it may have changed again. */
async function moveOn(parts: WorkerParts, work: Work): Promise<void> {
  const project = parts.project()
  const kept = readEnvelope(work.message.envelope)
  const now = parts.queue.now()
  const direct = work.recipients.map((one) => {
    const place = project === undefined || 'why' in kept ? undefined : placeNow(project, kept, one)
    if (place === undefined || !leaves(place, work.lane)) return unchanged(one)
    return place.kind === 'held' ? held(one, place.cause, place.why) : elsewhere(one, place.lane, now)
  })
  await writeDown(parts, work, { direct, ended: [], outcomes: [] })
}
