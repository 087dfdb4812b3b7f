/** One pass over one mailbox, from the state that it begins with to the one that it leaves. */
import type { PassOutcome, Progress } from '../copy/copy.ts'
import { batchById } from './batches.ts'
import { type Conclusion, concludeDone, concludeFailed, concludeStopped, type Ended } from './conclude.ts'
import { type Ends, type Errand, endsOf, noPasswords, runPass } from './errand.ts'
import type { Live } from './ground.ts'
import { beginPass, endPass, mailboxById, setState, setSynced, setTally } from './mailboxes.ts'
import { proofOf } from './proof.ts'
import type { Meter } from './rates.ts'
import type { Side } from './settings.ts'
import { standBatch } from './stand.ts'
import type { Batch, MailboxRow } from './tables.ts'

export type PassWork = {
  readonly errand: Omit<Errand, 'onProgress'>
  readonly live: Live
  readonly meter: Meter
  /** The process ends: what is broken off goes on at the next start. */
  readonly isClosing: () => boolean
  /** A server said that it is too much; '' where it is not known which. */
  readonly onBusy: (side: Side | '') => void
}

/** The ends of a mailbox that is followed by the next pass; undefined otherwise. */
export async function passWork(w: PassWork): Promise<Ends | undefined> {
  const { ground, batch, mailbox } = w.errand
  const { db, now, ledger } = ground
  const beganAt = now()
  const counting = countingOf(w)
  const errand = { ...w.errand, onProgress: (p: Progress) => counting.tell(p) }
  const ends = endsOf(errand)
  if (ends === undefined) {
    const trouble = noPasswords(batch.name)
    setState(db, mailbox.id, { status: 'Failed', why: trouble.what, at: beganAt, nextAt: null, trouble })
    standBatch(ground, batch.id)
    return undefined
  }
  beginPass(db, mailbox.id, beganAt)
  setState(db, mailbox.id, { status: beginning(batch, mailbox), why: 'a pass goes on', at: beganAt })
  standBatch(ground, batch.id)
  const outcome = await runPass({ ...errand, pace: hearing(w, ends) }, ends)
  counting.end(outcome)
  // As it is on disk now: somebody may have stopped the batch meanwhile.
  const [batchNow, mailboxNow] = [batchById(db, batch.id), mailboxById(db, mailbox.id)]
  if (batchNow === undefined || mailboxNow === undefined) return undefined
  if (outcome.kind === 'stopped' && w.isClosing()) return undefined
  const ended = { batch: batchNow, mailbox: mailboxNow, beganAt, now: now(), waitMs: errand.pace.waitMs() }
  const conclusion = await concluded(errand, ends, ended, outcome, ledger.counts(mailbox.id).skipped)
  endPass(db, mailbox.id, { failures: conclusion.failures, ms: now() - beganAt })
  if (conclusion.isSynced) setSynced(db, mailbox.id, now())
  setState(db, mailbox.id, conclusion)
  standBatch(ground, batch.id)
  return conclusion.isSynced && conclusion.nextAt !== null ? ends : undefined
}

function beginning({ wish }: Batch, { firstSyncedAt }: MailboxRow) {
  if (wish === 'completing') return 'Completing'
  return firstSyncedAt === undefined ? 'Starting' : 'IncrementalSyncing'
}

/** A server that has no room is heard at once, not when the pass has given up. */
function hearing({ errand: { pace }, onBusy }: PassWork, ends: Ends): Errand['pace'] {
  return {
    ...pace,
    told(trouble) {
      if (trouble.kind === 'busy') onBusy(ends.sideOf(trouble))
      pace.told(trouble)
    },
  }
}

async function concluded(
  errand: Errand,
  ends: Ends,
  ended: Ended,
  outcome: PassOutcome,
  skipped: number,
): Promise<Conclusion> {
  switch (outcome.kind) {
    case 'stopped':
      return concludeStopped(ended)
    case 'done': {
      const first = concludeDone(ended, outcome, skipped, undefined)
      if (first.status !== 'Completed' && first.status !== 'CompletedWithWarnings') return first
      return concludeDone(ended, outcome, skipped, await proofOf(errand, ends))
    }
    case 'failed': {
      const { trouble, text } = ends.explain(outcome.trouble)
      return concludeFailed(ended, trouble, text, outcome.mayPass)
    }
  }
}

const keepEveryMs = 5000

/** What the engine tells: into the meter, for those who watch, and now and then into the file. */
function countingOf({ errand, live, meter }: PassWork) {
  const { ground, batch, mailbox } = errand
  const { db, ledger, now } = ground
  const before = ledger.counts(mailbox.id)
  let last = { messages: 0, bytes: 0 }
  let keptAt = now()
  let isSyncing = mailbox.firstSyncedAt !== undefined || batch.wish !== 'running'

  const count = (messages: number, bytes: number): void => {
    meter.add(Math.max(0, messages - last.messages), Math.max(0, bytes - last.bytes))
    last = { messages, bytes }
  }
  const keep = (all: { readonly messages: number; readonly bytes: number }): void => {
    const { score: _early, ...counts } = ledger.counts(mailbox.id)
    setTally(db, mailbox.id, { ...counts, score: '', allMessages: all.messages, allBytes: all.bytes })
  }
  return {
    tell(p: Progress): void {
      count(p.messagesDone, p.bytesDone)
      live.progress = p
      if (!isSyncing && p.folders > 0) {
        isSyncing = true
        setState(db, mailbox.id, { status: 'Syncing', why: 'the first pass goes on', at: now() })
        standBatch(ground, batch.id)
      }
      if (now() - keptAt < keepEveryMs) return
      keptAt = now()
      keep({ messages: before.messages + p.messages, bytes: before.bytes + p.bytes })
    },
    end(outcome: PassOutcome): void {
      if (outcome.kind === 'done') {
        count(outcome.copied, outcome.bytes)
        const counts = ledger.counts(mailbox.id)
        return setTally(db, mailbox.id, { ...counts, allMessages: counts.messages, allBytes: counts.bytes })
      }
      const p = live.progress
      // Nothing was seen of it: how large it is, nobody knows yet.
      if (p !== undefined && p.folders > 0)
        keep({ messages: before.messages + p.messages, bytes: before.bytes + p.bytes })
    },
  }
}
