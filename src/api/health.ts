/** Health, readiness, and figures in the text format of Prometheus. */
import { z } from 'zod'
import type { Api, Desk, Figures } from './desk.ts'

const answer = z.object({ ok: z.boolean(), why: z.array(z.string()) })

export function healthResource(api: Api, desk: Desk): void {
  api.get(
    '/v1/health',
    { schema: { summary: 'Is the process alive?', security: [], response: { 200: answer } }, config: { isOpen: true } },
    () => ({ ok: true, why: [] }),
  )
  api.get(
    '/v1/ready',
    {
      schema: { summary: 'Does it take mail?', security: [], response: { 200: answer, 503: answer } },
      config: { isOpen: true },
    },
    async (_, reply) => {
      const why = unready(desk)
      reply.code(why.length === 0 ? 200 : 503)
      return { ok: why.length === 0, why }
    },
  )
  const figures = {
    summary: 'Figures in the text format of Prometheus',
    security: [],
    produces: ['text/plain'],
    response: { 200: z.string() },
  }
  api.get('/metrics', { schema: figures, config: { isOpen: true } }, (_, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8')
    return metrics(desk.figures(), desk)
  })
}

function unready(desk: Desk): string[] {
  const why: string[] = []
  if (!desk.figures().isListening) why.push('the SMTP listener is not open')
  if (desk.live.current() === undefined) why.push('no project is applied: causeway apply FILE')
  return why
}

type Metric = {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly (readonly [labels: string, value: number])[]
}

function metrics(figures: Figures, desk: Desk): string {
  const { counts } = figures
  const trace = desk.trace.stats()
  const counter = (name: string, help: string, samples: Metric['samples']): Metric => ({
    name,
    help,
    type: 'counter',
    samples,
  })
  const gauge = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    type: 'gauge',
    samples: [['', value]],
  })
  const perHop = (key: 'delivered' | 'deferred' | 'refused') =>
    figures.hops.map((h) => [`{hop="${label(h.name)}",outcome="${key}"}`, h[key]] as const)
  return [
    counter('causeway_messages_total', 'Messages by the answer given.', [
      ['{answer="accepted"}', counts.accepted],
      ['{answer="refused"}', counts.refused],
      ['{answer="deferred"}', counts.deferred],
    ]),
    counter('causeway_recipients_refused_total', 'Recipients refused at RCPT.', [['', counts.recipientsRefused]]),
    counter('causeway_recipients_delivered_total', 'Recipients handed to a next hop.', [['', counts.delivered]]),
    counter('causeway_addresses_rewritten_total', 'Addresses changed in messages.', [['', counts.rewritten]]),
    counter('causeway_signatures_total', 'DKIM signatures made.', [['', counts.signed]]),
    counter('causeway_protocol_errors_total', 'Connections or commands refused by the listener.', [
      ['', counts.protocolErrors],
    ]),
    counter('causeway_hop_recipients_total', 'Recipients by next hop and outcome.', [
      ...perHop('delivered'),
      ...perHop('deferred'),
      ...perHop('refused'),
    ]),
    gauge('causeway_connections', 'Open incoming connections.', figures.connections),
    gauge('causeway_directory_entries', 'Entries in the directory.', desk.live.current()?.table.size ?? 0),
    counter('causeway_trace_dropped_total', 'Trace events lost because the disk could not keep up.', [
      ['', trace.dropped],
    ]),
    gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
  ]
    .map(({ name, help, type, samples }) =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
      ].join('\n'),
    )
    .join('\n')
    .concat('\n')
}

const label = (text: string): string => text.replaceAll(/[\\"\n]/g, '_')
