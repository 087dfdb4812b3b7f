/** Writes down what became of recipients: results, and the reports that they cause, in one commit; and the trace of it. */
import {
  givenUpFrom,
  type KeptMessage,
  type KeptRecipient,
  type Lease,
  type NewMessage,
  type Queue,
  type Result,
} from '../../queue/queue.ts'
import { endsTrail, type Fate, type Occasion, reportFor } from '../notify/notify.ts'
import { oneLine, type Recorder } from '../record/record.ts'
import type { Finisher } from './finisher.ts'
import { type Case, type Ended, type Judged, judge, mayBeTold, staysLate, type Times } from './judge.ts'

export type ConcludeParts = {
  readonly queue: Pick<Queue, 'content' | 'now'>
  readonly finisher: Finisher
  readonly recorder: Recorder
  readonly now: () => Date
}

/** A result that needs no judging: nothing was tried. */
export type Direct = { readonly kept: KeptRecipient; readonly result: Result }

export type Conclusion = {
  readonly lease: Lease
  readonly message: KeptMessage
  readonly direct: readonly Direct[]
  /** With what it takes to judge them. */
  readonly tried?: {
    readonly of: Case
    readonly ended: readonly Ended[]
    readonly times: Times
    readonly isWish: boolean
  }
}

type Tried = NonNullable<Conclusion['tried']>
type Told = { readonly ended: Ended; readonly judged: Judged }

/** Gives what stands on disk now. */
export async function conclude(parts: ConcludeParts, c: Conclusion): Promise<readonly Result[]> {
  const { tried } = c
  const told = tried?.ended.map((ended) => ({ ended, judged: verdict(tried, ended) })) ?? []
  const failed =
    tried &&
    (await reportOn(
      parts,
      tried,
      'failed',
      told.filter(({ judged }) => judged.end !== undefined),
    ))
  const late = tried === undefined ? [] : told.filter((one) => isToldLate(tried, one))
  const delayed = tried && (await reportOn(parts, tried, 'delayed', late))
  const relayed = tried && (await reportOn(parts, tried, 'relayed', told.filter(leftTheTrail)))
  const reports = [failed, delayed, relayed].filter((report) => report !== undefined)
  const all = [...c.direct, ...told.map(({ ended, judged }) => ({ kept: ended.kept, result: judged.result }))]
  if (all.length === 0) return []
  const results = all.map(({ result }) => result)
  const isDone = await parts.finisher.finish(c.lease, results, {
    reports,
    warned: late.map(({ ended }) => ended.kept.n),
  })
  if (!isDone) return []
  parts.recorder.reported(reports)
  trace(parts.recorder, c.message, all, failed)
  return results
}

function verdict({ of, times, isWish }: Tried, ended: Ended): Judged {
  return isWish ? wished(of, ended) : judge(of, ended, times)
}

/** Only senders whose mail came through a tenant can get it back; for others it stays with the operator. */
function wished({ kept }: Case, { kept: { n, reply }, outcome }: Ended): Judged {
  if (mayBeTold(kept)) return { result: { n, reply, why: outcome.why, kind: 'returned' }, end: 'returned' }
  const why = 'it cannot be returned: its sender may not be told'
  return { result: { n, reply, why, kind: 'held', cause: 'operator' } }
}

const isToldLate = ({ of, times }: Tried, { ended, judged: { result } }: Told): boolean =>
  (result.kind === 'waiting' || result.kind === 'unchanged') && staysLate(of, ended, times.now)

const leftTheTrail = ({ ended: { recipient, outcome } }: Told): boolean => endsTrail(recipient.notify, outcome)

async function reportOn(
  { queue, now }: ConcludeParts,
  { of }: Tried,
  kind: Occasion['kind'],
  told: readonly Told[],
): Promise<NewMessage | undefined> {
  const { project, message, kept } = of
  if (told.length === 0 || !mayBeTold(kept)) return undefined
  const content = (await queue.content(message.id).catch(() => undefined)) ?? Buffer.of()
  return reportFor({
    project,
    kind,
    id: message.id,
    kept,
    content,
    recipients: told.map(({ ended, judged }) => fateOf(ended, judged, now)),
    now: now(),
    ...(kind === 'delayed' ? { giveUpAt: firstGivenUp(of, told, now().getTime() - queue.now()) } : {}),
  })
}

/** Of all whom the report names. The queue's clock and the one on the wall, which its readers have, may be `apart`. */
function firstGivenUp({ project, message }: Case, told: readonly Told[], apart: number): Date {
  const ends = told.map(({ ended }) => givenUpFrom(message, ended.kept, project.policy))
  return new Date(Math.min(...ends) + apart)
}

function fateOf(
  { recipient, rewritten, tenant, outcome, kept }: Ended,
  { end = 'expired' }: Judged,
  now: () => Date,
): Fate {
  const where = tenant === undefined ? {} : { tenant }
  const base = { recipient, rewritten, end, ...where }
  if (end === 'returned') return { ...base, reply: kept.reply, spoke: kept.reply !== '' }
  const { reply, spoke = false, remote } = outcome
  return { ...base, reply: oneLine(reply), spoke, remote, lastAttemptAt: now().getTime() }
}

function trace(recorder: Recorder, message: KeptMessage, all: readonly Direct[], failed: NewMessage | undefined): void {
  const { id, messageId, sender } = message
  const steps = recorder.again({ id, messageId, sender })
  const told = failed === undefined ? 'its sender asked not to be told' : `reported to its sender as ${failed.id}`
  for (const { kept, result } of all) {
    if (result.kind === 'held') steps.queued('HOLD', kept.address, `${result.cause}: ${result.why}`)
    if (result.kind === 'returned') steps.queued('RETURN', kept.address, told)
  }
}
