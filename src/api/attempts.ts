/** Who was asked to come back later, who did, and whose mail may be lost: the ledger of a domain in mode retry-later. */
import { stringify } from 'csv-stringify/sync'
import { z } from 'zod'
import { domainKey } from '../mail/address/address.ts'
import { servedDomain } from '../project/project.ts'
import type { AttemptRow } from '../queue/queue.ts'
import { guardCell } from '../trace/trace.ts'
import { type Actor, audited } from './audited.ts'
import type { Api, Desk } from './desk.ts'
import { Problem } from './problem.ts'
import { seconds } from './queue-item.ts'
import { classOf, warnAtMs, warnLeftMs } from './sender-class.ts'
import { maybeUtc, timeSchema, utc } from './time.ts'

const statuses = ['came back', 'waiting', 'possibly lost', 'settled'] as const

const attemptSchema = z.object({
  sender: z.string().describe('Empty is the null sender'),
  recipient: z.string(),
  status: z.enum(statuses),
  firstAttempt: timeSchema,
  lastAttempt: timeSchema,
  attempts: z.number(),
  cameBack: timeSchema.optional(),
  cameBackAs: z.string().optional().describe('It came back under this other envelope sender of the same domain'),
  settledBy: z.string().optional().describe('Who has seen to it'),
  firstAddress: z.string(),
  lastAddress: z.string(),
  helo: z.string(),
  tls: z.string().describe('Empty: not encrypted'),
  senderClass: z.enum(['exchange-online', 'exchange-server', 'service', 'others']),
  givesUp: timeSchema.describe('When the sender gives its first message back, at the earliest'),
  secondsLeft: z.number().optional().describe('Until then, of one that is waiting'),
  why: z.string().describe('How its patience is known'),
})
type Attempt = z.infer<typeof attemptSchema>

export const attemptsSummarySchema = z.object({
  pairs: z.number().describe('Of sender and recipient'),
  cameBack: z.number(),
  waiting: z.number(),
  possiblyLost: z.number(),
  settled: z.number().describe('Not come back, and a person has seen to it'),
  oldest: z
    .object({ firstAttempt: timeSchema, ageSeconds: z.number(), sender: z.string(), recipient: z.string() })
    .optional()
    .describe('The oldest attempt of those that are waiting'),
  next: z
    .object({ givesUp: timeSchema, secondsLeft: z.number(), sender: z.string(), recipient: z.string() })
    .optional()
    .describe('Who gives up next'),
  leftOut: z.number().describe('Attempts on all domains that found the ledger full'),
  warning: z.string().optional(),
})
export const attemptsPageSchema = z.object({
  domain: z.string(),
  summary: attemptsSummarySchema.optional().describe('Of the whole domain, with the first page only'),
  items: z.array(attemptSchema),
  next: z.string().optional().describe('Ask again with it as `after`'),
})

export const attemptsSettledSchema = z.object({ domain: z.string(), settled: z.number().describe('Pairs') })

const params = z.object({ name: z.string() })
const query = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().optional().describe('`next` of the page before'),
  only: z.enum(statuses).optional().describe('A page may then be empty and have a next one'),
})

export function attemptsResource(api: Api, desk: Desk): void {
  const list = {
    summary: 'Senders that were asked to come back: who did, who has time left, whose mail is possibly lost',
    params,
    querystring: query,
    response: { 200: attemptsPageSchema },
  }
  api.get(
    '/v1/domains/:name/attempts',
    { schema: list },
    async ({ params: { name }, query: { limit, after, only } }) => {
      const domain = domainOf(name)
      await mustBeKnown(desk, domain)
      const now = desk.queue.now()
      const rows = await desk.queue.attempts(domain, { limit, ...(after === undefined ? {} : { after }) })
      const last = rows.length === limit ? rows.at(-1) : undefined
      const next = last === undefined ? {} : { next: last.id }
      const items = rows.map((row) => shown(row, now)).filter((row) => only === undefined || row.status === only)
      // It reads the whole ledger: with each page a long one would be read hundreds of times.
      const summary = after === undefined ? { summary: await summaryOf(desk, domain) } : {}
      return { domain, ...summary, items, ...next }
    },
  )

  const done = {
    summary: 'All that have not come back so far are seen to: no warning speaks of them any more',
    params,
    body: z.strictObject({}).nullish().describe('Nothing'),
    response: { 200: attemptsSettledSchema },
  }
  const changes = 'domain.attempts.done'
  api.post('/v1/domains/:name/attempts/done', { schema: done, config: { changes } }, async (request) => {
    const domain = domainOf(request.params.name)
    await mustBeKnown(desk, domain)
    const settle = ({ by }: Actor) => desk.queue.settleAttempts(domain, by)
    const settled = await audited(desk, request, domain, settle, (count) => ({ after: `${count} pairs settled` }))
    return { domain, settled }
  })

  const csv = {
    summary: 'All of them as CSV, safe to open in a spreadsheet',
    params,
    produces: ['text/csv'],
    response: { 200: z.string().describe('A line of headings, then a line for each pair of sender and recipient') },
  }
  api.get('/v1/domains/:name/attempts.csv', { schema: csv }, async ({ params: { name } }, reply) => {
    await mustBeKnown(desk, domainOf(name))
    const lines: string[] = [csvText([headings])]
    for await (const page of everyRow(desk, domainOf(name)))
      lines.push(csvText(page.map((row) => cellsOf(shown(row, desk.queue.now())))))
    return reply.type('text/csv; charset=utf-8').send(lines.join(''))
  })
}

function domainOf(name: string): string {
  const key = domainKey(name)
  if (key !== '') return key
  throw new Problem(404, `"${name}" is not a domain`, 'write it like contoso.com')
}

/** A name that is misspelt would look like a domain where nobody is missing. */
async function mustBeKnown(desk: Desk, domain: string): Promise<void> {
  const project = desk.live.current()
  if (project !== undefined && servedDomain(project, domain) !== undefined) return
  if ((await desk.queue.attempts(domain, { limit: 1 })).length > 0) return
  const names = project?.domains.map(({ name }) => name).join(', ') ?? ''
  throw new Problem(
    404,
    `nobody was ever asked to come back to ${domain}`,
    `the project serves ${names || 'no domain'}`,
  )
}

const pageSize = 1000

/** A page at a time, so that a ledger of any length leaves the gateway its memory and its turns. */
async function* everyRow(desk: Desk, domain: string): AsyncGenerator<readonly AttemptRow[]> {
  let after: string | undefined
  do {
    const page: readonly AttemptRow[] = await desk.queue.attempts(domain, {
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    })
    yield page
    after = page.length < pageSize ? undefined : page.at(-1)?.id
  } while (after !== undefined)
}

type Judged = { readonly status: Attempt['status']; readonly givesUpAt: number }

/** From the first attempt on: later ones may be of other messages, and the first one is the first to be given back. */
function judge(row: AttemptRow, now: number): Judged {
  const givesUpAt = row.firstAt + classOf(row.helo).givesUpAfterMs
  if (row.cameBackAt !== undefined) return { status: 'came back', givesUpAt }
  if (row.settledAt !== undefined) return { status: 'settled', givesUpAt }
  return { status: givesUpAt > now ? 'waiting' : 'possibly lost', givesUpAt }
}

function shown(row: AttemptRow, now: number): Attempt {
  const { status, givesUpAt } = judge(row, now)
  const { kind, why } = classOf(row.helo)
  return {
    sender: row.sender,
    recipient: row.recipient,
    status,
    firstAttempt: utc(row.firstAt),
    lastAttempt: utc(row.lastAt),
    attempts: row.count,
    ...maybeUtc('cameBack', row.cameBackAt),
    ...(row.cameBackAs === undefined ? {} : { cameBackAs: row.cameBackAs }),
    ...(row.settledBy === undefined ? {} : { settledBy: row.settledBy }),
    firstAddress: row.firstAddress,
    lastAddress: row.lastAddress,
    helo: row.helo,
    tls: row.tls,
    senderClass: kind,
    givesUp: utc(givesUpAt),
    ...(status === 'waiting' ? { secondsLeft: seconds(givesUpAt - now) } : {}),
    why,
  }
}

export type AttemptsSummary = z.infer<typeof attemptsSummarySchema>

export async function summaryOf(desk: Desk, domain: string): Promise<AttemptsSummary> {
  const now = desk.queue.now()
  const counts = { 'came back': 0, waiting: 0, 'possibly lost': 0, settled: 0 }
  let oldest: AttemptRow | undefined
  let next: { readonly row: AttemptRow; readonly at: number } | undefined
  for await (const page of everyRow(desk, domain)) {
    for (const row of page) {
      const { status, givesUpAt } = judge(row, now)
      counts[status] += 1
      if (status !== 'waiting') continue
      if (row.firstAt < (oldest?.firstAt ?? Infinity)) oldest = row
      if (givesUpAt < (next?.at ?? Infinity)) next = { row, at: givesUpAt }
    }
  }
  const warning = [
    ...lostWarning(domain, counts['possibly lost']),
    ...timeWarning(domain, now, oldest?.firstAt, next && { at: next.at, ...classOf(next.row.helo) }),
  ].join('; ')
  return {
    pairs: counts['came back'] + counts.waiting + counts['possibly lost'] + counts.settled,
    cameBack: counts['came back'],
    waiting: counts.waiting,
    possiblyLost: counts['possibly lost'],
    settled: counts.settled,
    ...(oldest === undefined ? {} : { oldest: oldestOf(oldest, now) }),
    ...(next === undefined ? {} : { next: nextOf(next.row, next.at, now) }),
    leftOut: desk.queue.figures.attemptsLeftOut,
    ...(warning === '' ? {} : { warning }),
  }
}

function oldestOf({ firstAt, sender, recipient }: AttemptRow, now: number) {
  return { firstAttempt: utc(firstAt), ageSeconds: seconds(now - firstAt), sender, recipient }
}

function nextOf({ sender, recipient }: AttemptRow, at: number, now: number) {
  return { givesUp: utc(at), secondsLeft: seconds(at - now), sender, recipient }
}

function lostWarning(domain: string, lost: number): readonly string[] {
  if (lost === 0) return []
  const list = `causeway domain attempts ${domain}`
  return [
    `${lost} sender and recipient pairs of ${domain} have not come back in the time that such senders try: write to them (${list} --csv FILE), then say so (${list} --done)`,
  ]
}

type Next = { readonly at: number; readonly why: string }

/** Of those that may still come back; senders with little patience are near their end long before the oldest is 20 hours old. */
function timeWarning(domain: string, now: number, oldest = now, next?: Next): readonly string[] {
  const hours = Math.floor((now - oldest) / 3_600_000)
  const what = `open the domain, or hold its mail (causeway domain hold ${domain})`
  if (now - oldest >= warnAtMs)
    return [
      `the oldest attempt on ${domain} that has not come back is ${hours} hours old; Exchange Online gives up after 24: ${what}`,
    ]
  if (next === undefined || next.at - now >= warnLeftMs) return []
  const minutes = Math.ceil((next.at - now) / 60_000)
  return [`the next sender to ${domain} gives up in ${minutes} minutes (${next.why}): ${what}`]
}

const headings = [
  'status',
  'sender',
  'recipient',
  'first attempt',
  'last attempt',
  'attempts',
  'came back',
  'gives up',
  'sender class',
  'why',
  'first address',
  'last address',
  'name',
  'tls',
]

/** For people: whose return is only likely is marked. */
export function statusText({ status, cameBackAs }: Pick<Attempt, 'status' | 'cameBackAs'>): string {
  return cameBackAs === undefined ? status : `${status} (another envelope sender of the same domain)`
}

function cellsOf(a: Attempt): readonly string[] {
  return [
    statusText(a),
    a.sender,
    a.recipient,
    a.firstAttempt,
    a.lastAttempt,
    String(a.attempts),
    a.cameBack ?? '',
    a.givesUp,
    a.senderClass,
    a.why,
    a.firstAddress,
    a.lastAddress,
    a.helo,
    a.tls,
  ]
}

/** RFC 4180. What senders wrote must not become a formula. */
function csvText(rows: readonly (readonly string[])[]): string {
  const guarded = rows.map((cells) => cells.map(guardCell))
  return stringify(guarded, { record_delimiter: '\r\n' })
}
