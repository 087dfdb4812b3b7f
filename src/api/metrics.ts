/** Figures in the text format of Prometheus. */
import { imbalance } from '../relay/record/record.ts'
import type { Desk, Figures } from './desk.ts'
import { seconds } from './queue-item.ts'
import type { Standing } from './standing.ts'

type Sample = readonly [labels: string, value: number]
type Metric = {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly Sample[]
}

export function metricsText(desk: Desk, standing: Standing): string {
  const figures = desk.figures()
  const all = [
    ...mail(figures),
    ...queue(desk),
    ...account(figures),
    ...disk(desk),
    ...attention(standing),
    ...gateway(desk, figures),
  ]
  return `${all.map(metricText).join('\n')}\n`
}

function metricText({ name, help, type, samples }: Metric): string {
  const lines = samples.map(([labelled, value]) => `${name}${labelled} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
}

const counter = (name: string, help: string, samples: number | readonly Sample[]): Metric => ({
  name,
  help,
  type: 'counter',
  samples: typeof samples === 'number' ? [['', samples]] : samples,
})
const gauge = (name: string, help: string, samples: number | readonly Sample[]): Metric => ({
  ...counter(name, help, samples),
  type: 'gauge',
})

/** `{a="x",b="y"}`, whatever stands in them. */
function labels(values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, '_')}"`)
  return `{${pairs.join(',')}}`
}

function mail({ counts, hops }: Figures): readonly Metric[] {
  const perHop = hops.flatMap((hop) =>
    (['delivered', 'deferred', 'refused'] as const).map(
      (outcome) => [labels({ hop: hop.name, outcome }), hop[outcome]] as const,
    ),
  )
  const answers = (['accepted', 'refused', 'deferred'] as const).map(
    (answer) => [labels({ answer }), counts[answer]] as const,
  )
  return [
    counter('causeway_messages_total', 'Messages by the answer given.', answers),
    counter('causeway_dmarc_failed_total', 'Messages from the internet that fail DMARC.', counts.dmarcFailed),
    counter(
      'causeway_dmarc_unknown_total',
      'Messages from the internet for which DNS left DMARC open.',
      counts.dmarcUnknown,
    ),
    counter(
      'causeway_tenant_unproven_total',
      "Messages refused because they came as a tenant's do and lacked its secret header or organisation.",
      counts.unproven,
    ),
    counter('causeway_recipients_refused_total', 'Recipients refused at RCPT.', counts.recipientsRefused),
    counter('causeway_recipients_delivered_total', 'Recipients handed to a next hop.', counts.delivered),
    counter('causeway_addresses_rewritten_total', 'Addresses changed in messages.', counts.rewritten),
    counter('causeway_signatures_total', 'DKIM signatures made.', counts.signed),
    counter(
      'causeway_protocol_errors_total',
      'Connections or commands refused by the listener.',
      counts.protocolErrors,
    ),
    counter('causeway_hop_recipients_total', 'Recipients by next hop and outcome.', perHop),
  ]
}

function queue({ queue: kept }: Desk): readonly Metric[] {
  const f = kept.figures
  const states = (['waiting', 'running', 'held'] as const).map((state) => [labels({ state }), f[state]] as const)
  const ends = (['delivered', 'returned', 'dropped'] as const).map((end) => [labels({ end }), f[end]] as const)
  const oldest = f.oldestWaitingAt === undefined ? 0 : seconds(kept.now() - f.oldestWaitingAt)
  return [
    gauge('causeway_queue_recipients', 'Recipients in the queue.', states),
    gauge('causeway_queue_messages', 'Messages in the queue.', f.messages),
    gauge('causeway_queue_bytes', 'Content of the messages in the queue.', f.bytes),
    gauge('causeway_queue_oldest_seconds', 'Age of the oldest message with a waiting recipient.', oldest),
    counter('causeway_queue_taken_total', 'Recipients taken into the queue since it was made.', f.taken),
    counter('causeway_queue_ended_total', 'Recipients that left the queue since it was made, by their end.', ends),
  ]
}

function account(figures: Figures): readonly Metric[] {
  const parts = Object.entries(figures.account).map(([part, value]) => [labels({ part }), value] as const)
  return [
    gauge(
      'causeway_account_recipients',
      'Recipients since the start: accepted = delivered + refused + queued + held + returned + dropped.',
      parts,
    ),
    gauge('causeway_account_imbalance', 'By how many the account is wrong: 0.', imbalance(figures.account)),
  ]
}

function disk({ disk: { freeBytes, isLow }, live }: Desk): readonly Metric[] {
  const reserve = live.current()?.gateway.diskReserveBytes
  return [
    gauge('causeway_disk_free_bytes', 'Free space of the data folder.', freeBytes),
    gauge(
      'causeway_disk_reserve_bytes',
      'Space that stays free, where the project says how much.',
      reserve === undefined ? [] : reserve,
    ),
    gauge('causeway_disk_low', 'New mail is answered 452 (1) or not (0).', isLow ? 1 : 0),
  ]
}

function attention({ lanes, attempts, warnings }: Standing): readonly Metric[] {
  const troubles = (['temporary', 'throttled', 'operator'] as const).map(
    (trouble) => [labels({ trouble }), lanes.filter((lane) => lane.trouble === trouble).length] as const,
  )
  const pairs = attempts.flatMap(({ domain, summary }) => [
    [labels({ domain, status: 'came back' }), summary.cameBack] as const,
    [labels({ domain, status: 'waiting' }), summary.waiting] as const,
    [labels({ domain, status: 'possibly lost' }), summary.possiblyLost] as const,
  ])
  const oldest = attempts.map(({ domain, summary }) => [labels({ domain }), summary.oldest?.ageSeconds ?? 0] as const)
  return [
    gauge('causeway_lanes_in_trouble', 'Next hops whose last attempt failed.', troubles),
    gauge('causeway_retry_later_pairs', 'Senders and recipients that were asked to come back.', pairs),
    gauge('causeway_retry_later_oldest_seconds', 'Age of the oldest attempt that has not come back.', oldest),
    gauge('causeway_warnings', 'What an operator should look at; /v1/health says what.', warnings.length),
  ]
}

function gateway(desk: Desk, figures: Figures): readonly Metric[] {
  const { dropped } = desk.trace.stats()
  return [
    gauge('causeway_connections', 'Open incoming connections.', figures.connections),
    counter(
      'causeway_limit_total',
      'How often each limit of the listener was met.',
      Object.entries(figures.limits).map(([limit, count]) => [labels({ limit }), count] as const),
    ),
    gauge('causeway_directory_entries', 'Entries in the directory.', desk.live.current()?.table.size ?? 0),
    counter('causeway_trace_dropped_total', 'Trace events lost because the disk could not keep up.', dropped),
    gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
  ]
}
