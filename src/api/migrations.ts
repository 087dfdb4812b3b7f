/** Batches of the mailbox move, looked at. What changes them stands in migrations-change.ts. */
import { z } from 'zod'
import { userStatuses } from '../migrate/migrate.ts'
import type { Api, Desk } from './desk.ts'
import { asked } from './migrations-asked.ts'
import {
  batchesSchema,
  batchSchema,
  shownBatch,
  shownDetail,
  shownUser,
  skippedItemSchema,
  userDetailSchema,
  usersSchema,
} from './migrations-shape.ts'
import { Problem } from './problem.ts'

const params = z.object({ name: z.string() })
const userParams = z.object({ name: z.string(), email: z.string() })
const summaries = ['Active', 'Completed', 'Failed', 'Stopped', 'Synced'] as const
const usersQuery = z.strictObject({
  status: z.enum(userStatuses).optional(),
  summary: z.enum(summaries).optional(),
  like: z.string().max(320).optional().describe('Part of the address'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.coerce.number().int().min(0).optional().describe('`next` of the page before'),
})
const skippedQuery = z.strictObject({ after: z.coerce.number().int().min(0).default(0).describe('So many before') })
export const skippedSchema = z.object({ items: z.array(skippedItemSchema) })
export const proposedSchema = z.object({ emails: z.array(z.string()) })
export const reportSchema = z.object({
  statistics: z.string().describe('MigrationStatistics.csv'),
  errors: z.string().describe('MigrationErrors.csv'),
  skipped: z.string().describe('SkippedItems.csv'),
  text: z.string(),
  html: z.string().describe('A page that prints well'),
})

export const noBatch = (name: string): Problem =>
  new Problem(404, `there is no batch ${name}`, 'causeway migrate list names those that there are')

export function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw noBatch(name)
  return value
}

export function migrationsResource(api: Api, desk: Desk): void {
  const { migrations } = desk
  const list = { summary: 'All batches of the mailbox move', response: { 200: batchesSchema } }
  api.get('/v1/migrations', { schema: list }, async () => ({
    batches: (await asked(() => migrations.list())).map(shownBatch),
  }))

  const show = { summary: 'One batch, with its settings', params, response: { 200: batchSchema } }
  api.get('/v1/migrations/:name', { schema: show }, async ({ params: { name } }) =>
    shownBatch(found(await asked(() => migrations.show(name)), name)),
  )

  const progress = {
    summary: 'One batch as it was at most a second ago; made to be asked again and again',
    params,
    response: { 200: batchSchema },
  }
  api.get('/v1/migrations/:name/progress', { schema: progress }, async ({ params: { name } }) =>
    shownBatch(found(await asked(() => migrations.progress(name)), name)),
  )

  const proposed = { summary: 'A few mailboxes for a first try', params, response: { 200: proposedSchema } }
  api.get('/v1/migrations/:name/proposed', { schema: proposed }, async ({ params: { name } }) => {
    found(await asked(() => migrations.show(name)), name)
    return { emails: [...(await asked(() => migrations.proposed(name)))] }
  })
  usersRoutes(api, desk)
  reportRoutes(api, desk)
}

function usersRoutes(api: Api, { migrations }: Desk): void {
  const users = { summary: 'Mailboxes of a batch', params, querystring: usersQuery, response: { 200: usersSchema } }
  api.get('/v1/migrations/:name/users', { schema: users }, async ({ params: { name }, query }) => {
    const { limit, status, summary, like, after } = query
    const rows = await asked(() =>
      migrations.users(name, {
        limit,
        ...(status === undefined ? {} : { status }),
        ...(summary === undefined ? {} : { summary }),
        ...(like === undefined ? {} : { like }),
        ...(after === undefined ? {} : { after }),
      }),
    )
    const page = found(rows, name).map(shownUser)
    const last = page.at(-1)
    return { users: page, ...(page.length === limit && last !== undefined ? { next: last.id } : {}) }
  })

  const user = {
    summary: 'One mailbox: its states, what was left out, what goes on',
    params: userParams,
    response: { 200: userDetailSchema },
  }
  api.get('/v1/migrations/:name/users/:email', { schema: user }, async ({ params: { name, email } }) => {
    const detail = await asked(() => migrations.user(name, email))
    if (detail === undefined) throw noMailbox(name, email)
    return shownDetail(detail)
  })

  const skipped = {
    summary: 'What was left out of a mailbox or changed on the way, a thousand at a time',
    params: userParams,
    querystring: skippedQuery,
    response: { 200: skippedSchema },
  }
  api.get('/v1/migrations/:name/users/:email/skipped', { schema: skipped }, async (request) => {
    const { name, email } = request.params
    const items = await asked(() => migrations.skipped(name, email, request.query.after))
    if (items === undefined) throw noMailbox(name, email)
    return { items: [...items] }
  })
}

const noMailbox = (name: string, email: string): Problem =>
  new Problem(404, `there is no mailbox ${email} in a batch ${name}`, `causeway migrate list ${name} names them`)

function reportRoutes(api: Api, { migrations }: Desk): void {
  const report = { summary: 'Everything that is reported of a batch', params, response: { 200: reportSchema } }
  api.get('/v1/migrations/:name/report', { schema: report }, async ({ params: { name } }) =>
    found(await asked(() => migrations.report(name)), name),
  )
  const kinds = z.strictObject({ kind: z.enum(['statistics', 'errors', 'skipped']).default('statistics') })
  const csv = {
    summary: 'One of the lists of a report, as CSV',
    params,
    querystring: kinds,
    produces: ['text/csv'],
    response: { 200: z.string().describe('A line of headings, then a line for each') },
  }
  api.get('/v1/migrations/:name/report.csv', { schema: csv }, async ({ params: { name }, query }, reply) =>
    reply.type('text/csv; charset=utf-8').send(found(await asked(() => migrations.report(name)), name)[query.kind]),
  )
}
