/** The figures that each commit refreshes. */
import type { Db } from '../store/store.ts'
import type { Figures, Totals } from './figures.ts'
import { oldestWaiting } from './look.ts'
import { look as sql } from './sql.ts'

export function takeFigures(db: Db): Figures {
  const row = db.get(sql.totals) ?? {}
  const oldest = oldestWaiting(db)
  const attempt = db.get(sql.oldestAttempt)
  const totals: Totals = {
    taken: Number(row.taken),
    delivered: Number(row.delivered),
    returned: Number(row.returned),
    dropped: Number(row.dropped),
    waiting: Number(row.waiting),
    running: Number(row.running),
    held: Number(row.held),
  }
  return {
    ...totals,
    messages: Number(row.messages),
    bytes: Number(row.bytes),
    attemptPairs: Number(row.attempt_pairs),
    attemptsLeftOut: Number(row.attempts_left_out),
    ...(oldest !== undefined && { oldestWaitingAt: Number(oldest.since) }),
    ...(attempt !== undefined && { oldestAttemptAt: Number(attempt.first_at) }),
  }
}
