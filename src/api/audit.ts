/** Who changed what: the records, and whether they are all there as they were written. */
import { z } from 'zod'
import type { AuditRecord } from '../store/store.ts'
import type { Api, Desk } from './desk.ts'
import { readTime, timeSchema, utc } from './time.ts'

const query = z.object({
  since: z.string().optional().describe('ISO 8601, or a span back from now: 30m, 2h, 7d'),
  before: z.coerce.number().int().min(1).optional().describe('Records older than this one: `next` of the last answer'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

/** One thing that somebody did. */
export const auditRecordSchema = z.object({
  id: z.number(),
  at: timeSchema,
  by: z.string().describe('What proved itself, and in brackets who that says it is for'),
  from: z.string().describe('Address that the request came from'),
  what: z.string(),
  object: z.string(),
  before: z.string(),
  after: z.string(),
  hash: z.string().describe('SHA-256 over the record and the hash of the one before'),
})
export const auditPageSchema = z.object({ records: z.array(auditRecordSchema), next: z.number().optional() })
export const verdictSchema = z.object({
  ok: z.boolean(),
  count: z.number().optional(),
  head: z.string().optional().describe('Hash of the newest record: compare it with the log, which is kept elsewhere'),
  id: z.number().optional().describe('The first record that is wrong'),
  why: z.string().optional(),
})

export function auditResource(api: Api, desk: Desk): void {
  const list = { summary: 'Who changed what, the newest first', querystring: query, response: { 200: auditPageSchema } }
  api.get('/v1/audit', { schema: list }, ({ query: { since, before, limit } }) => {
    const found = desk.audit.find({
      limit,
      ...(since === undefined ? {} : { since: readTime(since, desk.now().getTime()) }),
      ...(before === undefined ? {} : { before }),
    })
    const last = found.at(-1)
    const next = last !== undefined && found.length === limit ? { next: last.id } : {}
    return { records: found.map(shown), ...next }
  })

  const verify = { summary: 'Is every record there, as it was written?', response: { 200: verdictSchema } }
  api.get('/v1/audit/verify', { schema: verify }, () => desk.audit.verify())
}

const shown = (record: AuditRecord) => ({ ...record, at: utc(record.at) })
