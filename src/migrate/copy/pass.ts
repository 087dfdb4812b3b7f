/** A pass: attempts, until one goes through or nothing helps. */
import { MailboxTrouble, mayPass } from '../mailbox/mailbox.ts'
import { runAttempt } from './attempt.ts'
import type { Attempt } from './attempt-state.ts'
import { Blame } from './blame.ts'
import type { CopyJob, CopyOptions, PassOutcome, Tuning } from './contract.ts'
import { Tally } from './tally.ts'

const usual: Tuning = {
  maxInFlight: 64,
  maxBytesInFlight: 8_000_000,
  messagesPerLane: 200,
  maxTroubles: 8,
  settleMs: 3000,
}

/** One pass: everything new (and, by choice, changed) since the ledger's last word. Crash-safe at any moment, idempotent. */
export async function copyPass(job: CopyJob): Promise<PassOutcome> {
  const tally = new Tally(job.onProgress)
  const blame = new Blame()
  for (let troubles = 0; ; ) {
    const before = tally.done.copied
    const trouble = await attempt(job, tally, blame)
    tally.tell(true)
    if (trouble === undefined) return { kind: 'done', ...tally.done }
    if (job.signal.aborted || trouble.kind === 'stopped') return { kind: 'stopped' }
    troubles = tally.done.copied > before ? 1 : troubles + 1
    if (!mayPass(trouble.kind)) return { kind: 'failed', trouble, mayPass: false }
    if (troubles >= (job.tuning?.maxTroubles ?? usual.maxTroubles)) return { kind: 'failed', trouble, mayPass: true }
    job.pace.told(trouble)
    const until = trouble.waitMs === undefined ? undefined : Date.now() + trouble.waitMs
    tally.waiting(trouble.words === '' ? trouble.message : trouble.words, until)
  }
}

/** What ended it; undefined when nothing did. */
async function attempt(job: CopyJob, tally: Tally, blame: Blame): Promise<MailboxTrouble | undefined> {
  const a: Attempt = {
    job,
    book: job.ledger.book(job.mailbox),
    tuning: { ...usual, ...job.tuning },
    tally,
    blame,
    settings: settingsOf(job.options),
    failure: undefined,
    fail(error) {
      a.failure ??= error instanceof Error ? error : new Error(String(error))
    },
  }
  const stop = (): void => a.fail(new MailboxTrouble('stopped', 'it was told to stop'))
  job.signal.addEventListener('abort', stop, { once: true })
  try {
    await job.pace.take(0, job.signal)
    tally.goesOn()
    await runAttempt(a)
    return undefined
  } catch (error) {
    return troubleOf(error)
  } finally {
    job.signal.removeEventListener('abort', stop)
  }
}

/** A disk that is full or gone: the pass cannot go on, and may when there is room again. What is neither is a mistake of ours. */
function troubleOf(error: unknown): MailboxTrouble {
  if (error instanceof MailboxTrouble) return error
  if (error instanceof Error && 'errcode' in error) {
    return new MailboxTrouble('busy', `the ledger cannot be written: ${error.message}`)
  }
  throw error
}

/** A folder that was worked through with others is listed anew. */
function settingsOf(o: CopyOptions): string {
  return JSON.stringify([
    o.since ?? 0,
    o.before ?? 0,
    o.maxBytes ?? 0,
    o.followFlags,
    o.followDeletions,
    o.removeAtMost ?? 0,
  ])
}
