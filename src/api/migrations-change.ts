/** Batches of the mailbox move: made, checked, started, paused, completed, removed. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Ordered, settingsSchema } from '../migrate/migrate.ts'
import { type Actor, audited } from './audited.ts'
import { type Api, type Desk, nothing } from './desk.ts'
import { asked } from './migrations-asked.ts'
import { whoCannotBeTold } from './migrations-post.ts'
import { Problem } from './problem.ts'
import { spanMs } from './time.ts'

const batchName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dots, hyphens and underscores, 64 at most')
const params = z.object({ name: z.string() })
const csv = z
  .base64()
  .max(16 * 1024 * 1024)
  .describe('The CSV file, in base64')
const csvName = z.string().max(200).default('csv').describe('What the file is called in what is said of it')
const newBatch = z.strictObject({ name: batchName, csv, csvName, settings: settingsSchema })
const emails = z.array(z.string().max(320)).max(1000).optional().describe('Only these; all that failed when absent')
const span = z.string().regex(/^\d{1,6}[mhd]$/, 'like 30m, 2h, 3d')

export const orderedSchema = z.object({
  text: z.string().describe('What was done'),
  warnings: z.array(z.object({ row: z.number(), column: z.string(), what: z.string(), remedy: z.string() })),
})
type Answered = z.infer<typeof orderedSchema>
const response = { 200: orderedSchema }

export function migrationsChangeResource(api: Api, desk: Desk): void {
  makingRoutes(api, desk)
  goingRoutes(api, desk)
  endingRoutes(api, desk)
}

function makingRoutes(api: Api, desk: Desk): void {
  const { migrations } = desk
  const trial = {
    summary: 'Is this file of a batch right? Every row that is wrong is told; nothing is kept',
    body: newBatch.extend({ name: batchName.default('trial') }),
    response,
  }
  api.post('/v1/migrations/validate', { schema: trial, config: { changes: nothing } }, async ({ body }) => {
    const { name, settings } = body
    demandReaders(desk, settings.notify)
    const file = Buffer.from(body.csv, 'base64')
    const answer = await asked(() => migrations.create({ name, csv: file, settings, by: '', isTrial: true }))
    return answeredOf(answer, body.csvName)
  })

  const make = { summary: 'Make a batch of a CSV file; nothing begins yet', body: newBatch, response }
  api.post('/v1/migrations', { schema: make, config: { changes: 'migrate.create' } }, (request) => {
    const { name, settings, csvName: file } = request.body
    demandReaders(desk, settings.notify)
    const bytes = Buffer.from(request.body.csv, 'base64')
    const work = ({ by }: Actor) => migrations.create({ name, csv: bytes, settings, by })
    return ordered(desk, request, name, file, work)
  })

  const change = { summary: 'Other settings', params, body: settingsSchema, response }
  api.put('/v1/migrations/:name/settings', { schema: change, config: { changes: 'migrate.settings' } }, (request) => {
    const { name } = request.params
    demandReaders(desk, request.body.notify)
    return ordered(desk, request, name, '', () => migrations.change(name, request.body))
  })

  const remove = { summary: 'Forget a batch; what was copied stays at the target', params, response }
  api.delete('/v1/migrations/:name', { schema: remove, config: { changes: 'migrate.remove' } }, (request) => {
    const { name } = request.params
    return ordered(desk, request, name, '', ({ by }) => migrations.remove(name, by))
  })
}

function goingRoutes(api: Api, desk: Desk): void {
  const { migrations } = desk
  const checkBody = z.strictObject({ first: z.int().min(1).optional().describe('So many only') })
  const check = {
    summary: 'Try both log-ins of each mailbox and look at what is there',
    params,
    body: checkBody,
    response,
  }
  api.post('/v1/migrations/:name/check', { schema: check, config: { changes: 'migrate.check' } }, (request) => {
    const { name } = request.params
    return ordered(desk, request, name, '', () => migrations.check(name, request.body.first))
  })

  const startBody = z.strictObject({ test: z.int().min(1).max(1000).optional().describe('So many first') })
  const start = { summary: 'Start a batch, or a few mailboxes of it', params, body: startBody, response }
  api.post('/v1/migrations/:name/start', { schema: start, config: { changes: 'migrate.start' } }, (request) => {
    const { name } = request.params
    return ordered(desk, request, name, '', ({ by }) => migrations.start(name, by, request.body.test))
  })

  const pauseBody = z.strictObject({ for: span.optional().describe('Then it goes on by itself') })
  const pause = { summary: 'Break off, and go on later where it was', params, body: pauseBody, response }
  api.post('/v1/migrations/:name/pause', { schema: pause, config: { changes: 'migrate.pause' } }, (request) => {
    const { name } = request.params
    const ms = request.body.for === undefined ? undefined : spanMs(request.body.for)
    const untilAt = ms === undefined ? undefined : desk.now().getTime() + ms
    return ordered(desk, request, name, '', ({ by }) => migrations.pause(name, by, untilAt))
  })

  const empty = z.strictObject({})
  const resume = { summary: 'Go on where it was', params, body: empty, response }
  api.post('/v1/migrations/:name/resume', { schema: resume, config: { changes: 'migrate.resume' } }, (request) => {
    const { name } = request.params
    return ordered(desk, request, name, '', ({ by }) => migrations.resume(name, by))
  })

  const retryBody = z.strictObject({
    emails,
    csv: csv.optional(),
    csvName,
    skipped: z.boolean().default(false).describe('What was left out is tried again, too'),
  })
  const retry = {
    summary: 'Begin those anew that failed, with new credentials if given',
    params,
    body: retryBody,
    response,
  }
  api.post('/v1/migrations/:name/retry', { schema: retry, config: { changes: 'migrate.retry' } }, (request) => {
    const { name } = request.params
    const { body } = request
    const work = ({ by }: Actor) =>
      migrations.retry({
        name,
        by,
        skipped: body.skipped,
        ...(body.emails === undefined ? {} : { emails: body.emails }),
        ...(body.csv === undefined ? {} : { csv: Buffer.from(body.csv, 'base64') }),
      })
    return ordered(desk, request, name, body.csvName, work)
  })
}

function endingRoutes(api: Api, desk: Desk): void {
  const { migrations } = desk
  const empty = z.strictObject({})
  const stop = { summary: 'Stop: nobody is followed any more; what was copied stays', params, body: empty, response }
  api.post('/v1/migrations/:name/stop', { schema: stop, config: { changes: 'migrate.stop' } }, (request) => {
    const { name } = request.params
    return ordered(desk, request, name, '', ({ by }) => migrations.stop(name, by))
  })

  const completeBody = z.strictObject({
    follow: span.optional().describe('So long after the final pass, for what still comes to the old side'),
  })
  const complete = {
    summary: 'A final pass for each mailbox, then it is completed',
    params,
    body: completeBody,
    response,
  }
  api.post(
    '/v1/migrations/:name/complete',
    { schema: complete, config: { changes: 'migrate.complete' } },
    (request) => {
      const { name } = request.params
      const { follow } = request.body
      const ms = follow === undefined ? undefined : spanMs(follow)
      return ordered(desk, request, name, '', ({ by }) => migrations.complete(name, by, ms))
    },
  )

  const report = { summary: 'Send the report now, to those whom the batch names', params, body: empty, response }
  api.post('/v1/migrations/:name/report', { schema: report, config: { changes: 'migrate.report' } }, (request) => {
    const { name } = request.params
    return ordered(desk, request, name, '', () => migrations.sendReport(name))
  })
}

/** Better now than when the first report is due. */
function demandReaders({ live }: Desk, notify: readonly string[]): void {
  const why = whoCannotBeTold(live.current(), notify)
  if (why !== undefined) throw new Problem(409, why, 'name mailboxes in a domain of a tenant, or leave them away')
}

/** Does it, leaves its record, and answers; what is refused is no record. */
async function ordered(
  desk: Desk,
  request: FastifyRequest,
  name: string,
  file: string,
  work: (actor: Actor) => Promise<Ordered>,
): Promise<Answered> {
  const before = await asked(() => desk.migrations.show(name))
  return audited(
    desk,
    request,
    name,
    async (actor) => answeredOf(await asked(() => work(actor)), file),
    ({ text }) => ({ before: before === undefined ? '' : before.status, after: text }),
  )
}

function answeredOf(answer: Ordered, file: string): Answered {
  if (answer.ok) return { text: answer.text, warnings: [...answer.warnings] }
  if (answer.kind !== 'bad') throw new Problem(answer.kind === 'absent' ? 404 : 409, answer.why, answer.remedy)
  const { problems, more, why, remedy } = answer
  const rows = problems.map(({ row, column, what, remedy: todo }) => ({
    file,
    line: row,
    text: column === '' ? what : `${column}: ${what}`,
    remedy: todo,
  }))
  const rest = { file, line: 0, text: `and ${more} more`, remedy: 'correct these first' }
  throw new Problem(422, why, remedy, more === 0 ? rows : [...rows, rest])
}
