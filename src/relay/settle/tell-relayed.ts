/**
 * Who asked to hear of success (NOTIFY=SUCCESS) is told that the trail ends here, where the next hop did not offer DSN
 * (RFC 3461 section 5.2.2). The report is a message of its own in the queue, before its sender hears 250.
 */
import { endsTrail, type Fate, reportFor } from '../notify/notify.ts'
import { oneLine } from '../record/record.ts'
import { toKeptPeer } from './keep-rest.ts'
import type { Matter, Settler } from './settle.ts'
import type { Settled } from './table.ts'

type Telling = Pick<Settler, 'queue' | 'onTrouble'>
type About = Pick<Matter, 'project' | 'incoming' | 'message' | 'admission' | 'arrivedAt' | 'record'>

/** A report that cannot be kept is no reason to have the message sent again: the trace says so, and that is all. */
export async function tellRelayed(settler: Telling, matter: About, settled: readonly Settled[]): Promise<void> {
  const { project, incoming, message, admission, arrivedAt, record } = matter
  // Of what an earlier try delivered its sender was told then.
  const relayed = settled.filter(
    ({ how, recipient: { recipient }, outcome }) => how === 'tried' && endsTrail(recipient.notify, outcome),
  )
  if (relayed.length === 0) return
  const report = reportFor({
    project,
    kind: 'relayed',
    id: record.id,
    kept: { mailFrom: incoming.mailFrom, peer: toKeptPeer(admission.peer), arrivedAt: arrivedAt.getTime() },
    content: message.raw,
    recipients: relayed.map(fateOf),
    now: arrivedAt,
  })
  if (report === undefined) return
  const put = await settler.queue.put(report)
  if (put.ok) return record.reported(report)
  settler.onTrouble(`a report about message ${record.id} cannot be kept: ${put.why}`)
  for (const { recipient } of relayed) record.unreported(recipient.given, put.why)
}

function fateOf({ delivery, recipient: { recipient, rewritten }, outcome }: Settled): Fate {
  const { tenant } = delivery
  const where = tenant === undefined ? {} : { tenant: tenant.name }
  const { reply, spoke = false, remote } = outcome
  return { recipient, rewritten, end: 'expired', reply: oneLine(reply), spoke, remote, ...where }
}
