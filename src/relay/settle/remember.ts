/** After 4xx: who has the message, and who may still get it, so that the sender's next try makes no second copy. */
import type { Outcome } from '../deliver/deliver.ts'
import type { Matter, Settler } from './settle.ts'
import type { Settled } from './table.ts'
import { tellRelayed } from './tell-relayed.ts'

export function remember(settler: Settler, matter: Matter, settled: readonly Settled[]): void {
  const { memory } = settler
  for (const { recipient, outcome } of settled)
    if (outcome.kind === 'delivered') memory.note(matter.incoming, recipient.rewritten, 'delivered')
  for (const one of settled) if (one.outcome.later !== undefined) watch(settler, matter, one)
}

/** An attempt still running at the deadline goes on; if it succeeds, the sender's next try skips that recipient. */
function watch(settler: Settler, matter: Matter, settled: Settled): void {
  const { memory } = settler
  const { incoming, record, lateAtOnce } = matter
  const { delivery, recipient, outcome } = settled
  memory.note(incoming, recipient.rewritten, 'under way')
  const learn = (late: Outcome): void => {
    record.carried({ ...delivery, recipients: [recipient] }, [late])
    if (late.kind === 'delivered') memory.note(incoming, recipient.rewritten, 'delivered')
    else memory.forget(incoming, recipient.rewritten)
    if (late.kind === 'delivered') lateAtOnce(recipient.recipient)
    void tellRelayed(settler, matter, [{ ...settled, outcome: late }])
  }
  void outcome.later?.then(learn)
}
