/** Scene 8: what happened to one message, from end to end. */
import type { TracedEvent } from '../api-client.ts'
import { longTable } from './page.ts'
import type { Conversation } from './shared-domain.ts'
import { check, open, type Stage } from './stage.ts'

const wanted = ['RECEIVE', 'REWRITE', 'SIGN', 'SEND'] as const

export async function follow(stage: Stage, { sent }: Conversation): Promise<void> {
  open(
    stage,
    "The trace of John's first message, from end to end",
    'Every step is kept with its reason: whose message, which field, which entry of the directory, which signature, which next hop, and what that said.',
  )
  const events = await stage.api.trace({ messageId: sent.messageId })
  const start = events[0]?.at ?? 0
  stage.out(`\n${longTable(events.map((event) => [`+${event.at - start} ms`, event.kind, told(event)]))}\n`)
  const kinds = new Set(events.map((event) => event.kind))
  for (const kind of wanted) check(stage, `the trace has ${kind}`, kinds.has(kind))
  const rewritten = events.filter(
    (event) => event.kind === 'REWRITE' && event.entry !== undefined && event.old !== event.new,
  )
  check(
    stage,
    'each change names the field, both addresses and the entry that asked for it',
    rewritten.length > 0 && rewritten.every((event) => event.field !== undefined),
  )
}

function told(event: TracedEvent): string {
  const parts = [
    event.peer === undefined ? '' : `from ${event.peer}`,
    event.field === undefined ? '' : `${event.field}: ${[event.old, event.new].filter(Boolean).join(' -> ')}`,
    event.entry === undefined ? '' : `(${event.entry})`,
    event.kind === 'SEND' && event.server !== undefined ? `to ${event.server}` : '',
    event.why ?? event.reply ?? '',
  ]
  return parts.filter(Boolean).join(' ')
}
