/** What happened to messages. */
import { z } from 'zod'
import { trackingLog } from '../trace/trace.ts'
import type { Api, Desk } from './desk.ts'
import { readTime } from './time.ts'

const query = z.object({
  id: z.string().optional().describe('Our id of the message, as in the 250 reply'),
  messageId: z.string().optional().describe('Message-ID, with or without angle brackets'),
  from: z.string().optional().describe('Envelope sender, given or rewritten; <> for the null sender'),
  to: z.string().optional().describe('Recipient, given or rewritten'),
  since: z.string().optional().describe('ISO 8601, or a span back from now: 30m, 2h, 7d'),
  until: z.string().optional().describe('ISO 8601, or a span back from now'),
  limit: z.coerce.number().int().min(1).max(10_000).optional().describe('Messages; the newest first'),
})
type Query = z.infer<typeof query>

const word = z.string().optional()
/** One event of the trace. */
export const eventSchema = z.object({
  at: z.number().describe('ms since 1970'),
  id: z.string(),
  kind: z.enum([
    'RECEIVE',
    'AUTH',
    'PLAN',
    'REWRITE',
    'SIGN',
    'SEND',
    'DEFER',
    'FAIL',
    'REJECT',
    'LOOP',
    'KEEP',
    'HOLD',
    'RELEASE',
    'RETURN',
    'DROP',
  ]),
  messageId: word,
  sender: word,
  recipients: z.array(z.string()).readonly().optional(),
  peer: word,
  client: word,
  server: word,
  field: word,
  old: word,
  new: word,
  entry: word,
  reply: word,
  why: word,
  subject: word,
  bytes: z.number().optional(),
  direction: z.enum(['inside', 'outside']).optional(),
  tableVersion: z.number().optional(),
})

export function traceResource(api: Api, desk: Desk): void {
  const schema = {
    summary: 'Events of the messages that match',
    querystring: query,
    response: { 200: z.object({ events: z.array(eventSchema).readonly() }) },
  }
  api.get('/v1/trace', { schema }, async (request) => ({ events: await find(desk, request.query) }))

  const csv = {
    summary: 'The same as a message tracking log of Exchange',
    querystring: query,
    produces: ['text/csv'],
    response: { 200: z.string().describe('Lines of comma-separated values below comments that name the fields') },
  }
  api.get('/v1/trace.csv', { schema: csv }, async (request, reply) =>
    reply.type('text/csv; charset=utf-8').send(trackingLog(await find(desk, request.query))),
  )
}

async function find(desk: Desk, asked: Query) {
  const now = desk.now().getTime()
  await desk.trace.flush()
  return desk.trace.find({
    ...(asked.id === undefined ? {} : { id: asked.id }),
    ...(asked.messageId === undefined ? {} : { messageId: asked.messageId }),
    ...(asked.from === undefined ? {} : { sender: asked.from }),
    ...(asked.to === undefined ? {} : { recipient: asked.to }),
    ...(asked.since === undefined ? {} : { since: readTime(asked.since, now) }),
    ...(asked.until === undefined ? {} : { until: readTime(asked.until, now) }),
    ...(asked.limit === undefined ? {} : { limit: asked.limit }),
  })
}
