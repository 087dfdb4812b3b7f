/**
 * What waits for a next hop that is down is not attempted one by one: its lane's probe fails for all of it. So it is looked
 * through for mail whose sender is to be warned, and for mail that is given up; an attempt must have failed that late.
 */
import type { KeptRecipient, Work } from '../../queue/queue.ts'
import type { Outcome } from '../deliver/deliver.ts'
import { readEnvelope, readRecipient } from '../keep/keep.ts'
import type { Direct } from './conclude.ts'
import type { Ended } from './judge.ts'
import { elsewhere, held, placeNow } from './where.ts'
import { type WorkerParts, writeDown } from './worker.ts'

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

type LaneInTrouble = ReturnType<WorkerParts['lanes']['inTrouble']>[number]
type Before = { readonly receivedBefore: number } | { readonly warnBefore: number }

async function sweep(parts: WorkerParts, lane: LaneInTrouble, before: Before): Promise<void> {
  for (let round = 0; round < maxRounds && !parts.signal.aborted; round += 1) {
    const works = await parts.queue.claim({ ...before, lane: lane.name, limit: atOnce, force: true })
    for (const work of works) await tell(parts, lane, work)
    if (works.length < atOnce) return
  }
}

/** Nothing is asked of the hop: the trouble of its lane is what happened to each of them, but for those who have moved away. */
async function tell(parts: WorkerParts, { lastFailedAt, closed }: LaneInTrouble, work: Work): Promise<void> {
  const project = parts.project()
  const kept = readEnvelope(work.message.envelope)
  const outcome: Outcome = { kind: 'deferred', ...closed, remote: '', tls: '', unreached: true }
  if (project === undefined || 'why' in kept) {
    const why = 'why' in kept ? kept.why : 'there is no project'
    return writeDown(parts, work, {
      direct: work.recipients.map((one) => held(one, 'operator', why)),
      ended: [],
      outcomes: [],
    })
  }
  const now = parts.queue.now()
  const all = work.recipients.map((one) => {
    const place = placeNow(project, kept, one)
    // What its domain holds by now never grows too old, and nobody is told that it is late.
    if (place?.kind === 'held') return held(one, place.cause, place.why)
    return place !== undefined && place.lane !== work.lane ? elsewhere(one, place.lane, now) : swept(one, outcome)
  })
  const direct = all.filter((one) => 'result' in one)
  const ended = all.filter((one) => 'outcome' in one)
  return writeDown(parts, work, { direct, ended, outcomes: [], by: { project, kept }, sweptAt: lastFailedAt })
}

function swept(kept: KeptRecipient, outcome: Outcome): Ended | Direct {
  const recipient = readRecipient(kept)
  if ('why' in recipient) return held(kept, 'operator', recipient.why)
  return { kept, recipient, lane: kept.lane, rewritten: recipient.text, outcome }
}
