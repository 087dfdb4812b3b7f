/** After 4xx: who has the message, and who may still get it, so that the sender's next try makes no second copy. */
import type { Outcome } from '../deliver/deliver.ts'
import type { Memory } from './memory.ts'
import type { Matter } from './settle.ts'
import type { Settled } from './table.ts'

export function remember(memory: Memory, matter: Matter, settled: readonly Settled[]): void {
  for (const { recipient, outcome } of settled)
    if (outcome.kind === 'delivered') memory.note(matter.incoming, recipient.rewritten, 'delivered')
  for (const one of settled) if (one.outcome.later !== undefined) watch(memory, matter, one)
}

/** An attempt still running at the deadline goes on; if it succeeds, the sender's next try skips that recipient. */
function watch(
  memory: Memory,
  { incoming, record, lateAtOnce }: Matter,
  { delivery, recipient, outcome }: Settled,
): void {
  memory.note(incoming, recipient.rewritten, 'under way')
  const learn = (late: Outcome): void => {
    record.carried({ ...delivery, recipients: [recipient] }, [late])
    if (late.kind === 'delivered') memory.note(incoming, recipient.rewritten, 'delivered')
    else memory.forget(incoming, recipient.rewritten)
    if (late.kind === 'delivered') lateAtOnce()
  }
  void outcome.later?.then(learn)
}
