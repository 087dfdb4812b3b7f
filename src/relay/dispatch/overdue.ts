/**
 * What waits for a next hop that is down is not attempted one by one: its lane's probe fails for all of it. So it is looked
 * through for mail whose sender is to be warned, and for mail that is given up; an attempt must have failed that late.
 */
import type { Work } from '../../queue/queue.ts'
import { readEnvelope } from '../keep/keep.ts'
import { swept } from './also-late.ts'
import type { LaneInTrouble } from './lanes.ts'
import { held } from './where.ts'
import { type WorkerParts, writeDownAlone } from './worker.ts'

const atOnce = 50
/** The rest is for the next time; attempts go before. */
const maxRounds = 20

export async function sweepOverdue(parts: WorkerParts): Promise<void> {
  const project = parts.project()
  if (project === undefined || parts.queue.figures.waiting === 0) return
  const { warnAfterMs, returnAfterMs } = project.policy
  for (const lane of parts.lanes.inTrouble()) {
    await sweep(parts, lane, { receivedBefore: lane.lastFailedAt - returnAfterMs })
    await sweep(parts, lane, { warnBefore: lane.lastFailedAt - warnAfterMs })
  }
}

type Before = { readonly receivedBefore: number } | { readonly warnBefore: number }

async function sweep(parts: WorkerParts, lane: LaneInTrouble, before: Before): Promise<void> {
  for (let round = 0; round < maxRounds && !parts.signal.aborted; round += 1) {
    const count = await parts.together.alone(async () => {
      const works = await parts.queue.claim({ ...before, lane: lane.name, limit: atOnce, force: true })
      for (const work of works) await tell(parts, lane, work)
      return works.length
    })
    if (count < atOnce) return
  }
}

/** Nothing is asked of the hop: the trouble of its lane is what happened to each of them, but for those who have moved away. */
async function tell(parts: WorkerParts, trouble: LaneInTrouble, work: Work): Promise<void> {
  const project = parts.project()
  const kept = readEnvelope(work.message.envelope)
  if (project === undefined || 'why' in kept) {
    const why = 'why' in kept ? kept.why : 'there is no project'
    return writeDownAlone(parts, work, {
      direct: work.recipients.map((one) => held(one, 'operator', why)),
      ended: [],
      outcomes: [],
    })
  }
  const by = { project, kept }
  const met = { trouble, sweptAt: trouble.lastFailedAt, now: parts.queue.now() }
  const all = work.recipients.map((one) => swept(by, one, met))
  const direct = all.filter((one) => 'result' in one)
  const ended = all.filter((one) => 'outcome' in one)
  return writeDownAlone(parts, work, { direct, ended, outcomes: [], by })
}

/** One is no longer in hand; the last of its message says what they have left: of one lane, and those of the others come along. */
export async function tellLeft(parts: WorkerParts, id: string): Promise<void> {
  const left = parts.together.end(id)
  const trouble = left.map((name) => parts.lanes.trouble(name)).find((one) => one !== undefined)
  if (trouble === undefined || parts.signal.aborted) return
  await parts.together.alone(async () => {
    const works = await parts.queue.claim({ ids: [id], lane: trouble.name, limit: 1, force: true })
    for (const work of works) await tell(parts, trouble, work)
  })
}
