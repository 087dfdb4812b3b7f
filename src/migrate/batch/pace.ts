/**
 * How fast one mailbox of a server is written to. Rates are not known beforehand: nothing is held back until the server says that
 * it is too much, then a little less than what it bore is kept to, and a little more tried again after a while. What was learned
 * holds for all mailboxes of the server; a pause holds for the one that was told to wait.
 */
import type { Pace } from '../copy/copy.ts'
import { MailboxTrouble } from '../mailbox/mailbox.ts'

/** Of one server, kept over restarts. */
export type Learned = {
  /** Messages a second that one mailbox may get; absent: no limit was met. */
  rate?: number
  /** ms since 1970: when it was last told to slow down, and when the rate was last raised. */
  throttledAt?: number
  raisedAt?: number
}

export type PaceParts = {
  readonly learned: Learned
  readonly now: () => number
  /** Something was learned. */
  readonly onLearned: () => void
  readonly random?: () => number
}

/** What it waits for at this moment. */
export type Waiting = { readonly why: string; readonly until: number }
export type MailboxPace = Pace & {
  waiting(): Waiting | undefined
  /** How long until a new try makes sense; 0 at once. */
  waitMs(): number
}

const isAboutOneMessage: ReadonlySet<string> = new Set(['stopped', 'tooLarge', 'refused', 'lineTooLong', 'unsupported'])
const slowest = 0.2
const calmMs = 10 * 60_000
const forgetMs = 24 * 60 * 60_000
const measuredMs = 60_000
const longestPauseMs = 60 * 60_000

export function makePace({ learned, now, onLearned, random = Math.random }: PaceParts): MailboxPace {
  const sent: number[] = []
  let next = 0
  let pausedUntil = 0
  let why = ''
  let troubles = 0

  const pause = (ms: number, reason: string): void => {
    // Jitter, so that many mailboxes that were told the same do not come back in the same moment.
    const until = now() + ms + Math.floor(random() * Math.min(ms / 10, 10_000))
    if (until <= pausedUntil) return
    pausedUntil = until
    why = reason
  }
  const measured = (): number => {
    const from = now() - measuredMs
    while (sent[0] !== undefined && sent[0] < from) sent.shift()
    const first = sent[0]
    return first === undefined ? 0 : sent.length / Math.max((now() - first) / 1000, 1)
  }
  const slowDown = (): void => {
    const bore = measured()
    const base = bore > 0 ? Math.min(bore, learned.rate ?? bore) : (learned.rate ?? 4)
    learned.rate = Math.max(slowest, base * 0.7)
    learned.throttledAt = now()
    onLearned()
  }
  const speedUp = (): void => {
    const since = Math.max(learned.throttledAt ?? 0, learned.raisedAt ?? 0)
    if (learned.rate === undefined || now() - since < calmMs) return
    if (now() - (learned.throttledAt ?? 0) > forgetMs) delete learned.rate
    else learned.rate *= 1.25
    learned.raisedAt = now()
    onLearned()
  }
  const dueAt = (): number => Math.max(pausedUntil, learned.rate === undefined ? 0 : next)

  return {
    async take(bytes, signal) {
      for (let due = dueAt(); due > now(); due = dueAt()) await sleep(due - now(), signal)
      if (signal.aborted) throw new MailboxTrouble('stopped', 'it was told to stop')
      if (bytes > 0 && learned.rate !== undefined) next = Math.max(next, now()) + 1000 / learned.rate
    },
    told(trouble) {
      if (isAboutOneMessage.has(trouble.kind)) return
      troubles += 1
      if (trouble.kind === 'throttled') slowDown()
      pause(trouble.waitMs ?? pauseAfter(trouble, troubles), reasonOf(trouble))
    },
    went() {
      troubles = 0
      sent.push(now())
      if (sent.length > 6000) sent.splice(0, 3000)
      speedUp()
    },
    waiting: () => (pausedUntil > now() ? { why, until: pausedUntil } : undefined),
    waitMs: () => Math.max(0, pausedUntil - now()),
  }
}

/** Exchange names a time; whoever does not is left in peace longer each time. */
function pauseAfter({ kind }: MailboxTrouble, troubles: number): number {
  const base = kind === 'throttled' ? 60_000 : kind === 'busy' ? 10_000 : 1000
  return Math.min(base * 2 ** Math.min(troubles - 1, 12), kind === 'throttled' ? longestPauseMs : 5 * 60_000)
}

function reasonOf({ kind, words, message }: MailboxTrouble): string {
  const said = words === '' ? message : words
  if (kind === 'throttled') return `the server asked us to wait: ${said}`
  if (kind === 'busy') return `the server has no room now: ${said}`
  return said
}

/** Longer than a timer can be is waited for in pieces. */
const longestTimer = 2 ** 31 - 1

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(new MailboxTrouble('stopped', 'it was told to stop'))
    }
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', stop)
        resolve()
      },
      Math.min(Math.max(ms, 1), longestTimer),
    )
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
