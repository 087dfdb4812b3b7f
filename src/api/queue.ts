/** What we have promised and not yet handed on: looked at. What changes it stands in queue-change.ts. */
import { z } from 'zod'
import type { LaneFigures } from '../queue/queue.ts'
import type { Api, Desk } from './desk.ts'
import { Problem } from './problem.ts'
import { filterFields, filterOf } from './queue-filter.ts'
import { itemOf, queueItemSchema, seconds } from './queue-item.ts'
import { timeSchema, utc } from './time.ts'

const listQuery = z.strictObject({
  ...filterFields,
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Messages'),
  after: z.string().optional().describe('`next` of the page before'),
})
/** A page of the list. */
export const queuePageSchema = z.object({
  items: z.array(queueItemSchema),
  next: z.string().optional().describe('More may follow: ask again with it as `after`, even when this page is empty'),
})

/** Recipients since the queue was made. */
export const totalsSchema = z.object({
  taken: z.number(),
  delivered: z.number(),
  returned: z.number(),
  dropped: z.number().describe('By a person'),
  waiting: z.number(),
  running: z.number(),
  held: z.number(),
})
/** The whole of it in a few numbers. */
export const queueTotalsSchema = z.object({
  totals: totalsSchema,
  addsUp: z.boolean().describe('taken = delivered + returned + dropped + waiting + running + held'),
  messages: z.number(),
  bytes: z.number(),
  oldest: z.object({ id: z.string(), received: timeSchema, since: timeSchema, ageSeconds: z.number() }).optional(),
  disk: z.object({ freeBytes: z.number(), isLow: z.boolean(), why: z.string() }),
})

/** A next hop that mail is in the queue for. */
export const laneSchema = z.object({
  lane: z.string(),
  waiting: z.number(),
  running: z.number(),
  held: z.number(),
  oldest: timeSchema,
  ageSeconds: z.number(),
  trouble: z.enum(['temporary', 'throttled', 'operator']).optional(),
  reply: z.string().describe('Last words of the next hop; empty where it said nothing'),
  why: z.string().describe('What happened at the last attempt that failed; empty where none has'),
  advice: z.string(),
})
export const lanesSchema = z.object({ lanes: z.array(laneSchema) })

export function queueResource(api: Api, desk: Desk): void {
  const list = {
    summary: 'Messages in the queue, the oldest first, with those recipients that the filter fits',
    querystring: listQuery,
    response: { 200: queuePageSchema },
  }
  api.get('/v1/queue', { schema: list }, async ({ query: { limit, after, ...asked } }) => {
    const page = await desk.queue.list(filterOf(asked), { limit, ...(after === undefined ? {} : { after }) })
    const view = await viewOf(desk)
    const items = page.items.map((listed) => itemOf(listed, view))
    return { items, ...(page.next === undefined ? {} : { next: page.next }) }
  })

  const totals = { summary: 'The whole of it in a few numbers', response: { 200: queueTotalsSchema } }
  api.get('/v1/queue/totals', { schema: totals }, () => totalsOf(desk))

  const params = z.object({ id: z.string() })
  const show = {
    summary: 'One message with all its recipients that are still to be delivered',
    params,
    response: { 200: queueItemSchema },
  }
  api.get('/v1/queue/:id', { schema: show }, async ({ params: { id } }) => {
    const found = await desk.queue.show(id)
    if (found === undefined)
      throw new Problem(404, `${id} is not in the queue`, `it may have been delivered: causeway trace --id ${id}`)
    return itemOf(found, await viewOf(desk))
  })

  const lanes = { summary: 'Next hops that mail is in the queue for', response: { 200: lanesSchema } }
  api.get('/v1/lanes', { schema: lanes }, async () => {
    const now = desk.queue.now()
    return { lanes: (await desk.queue.lanes()).map((lane) => laneOf(lane, now)) }
  })
}

export async function viewOf(desk: Desk) {
  const { probeAt } = desk
  const releasing = new Set((await desk.queue.releaseOrders()).map(({ domain }) => domain))
  return { releasing, now: desk.queue.now(), policy: desk.live.current()?.policy, ...(probeAt && { probeAt }) }
}

async function totalsOf(desk: Desk): Promise<z.infer<typeof queueTotalsSchema>> {
  const [totals, oldest] = await Promise.all([desk.queue.totals(), desk.queue.oldest()])
  const { messages, bytes } = desk.queue.figures
  const { freeBytes, isLow, why } = desk.disk
  // As everywhere: since it was received, or let go from being held.
  const since = desk.queue.figures.oldestWaitingAt ?? desk.queue.now()
  const ageSeconds = seconds(desk.queue.now() - since)
  return {
    totals,
    addsUp: addsUp(totals),
    messages,
    bytes,
    ...(oldest === undefined
      ? {}
      : { oldest: { id: oldest.id, received: utc(oldest.receivedAt), since: utc(since), ageSeconds } }),
    disk: { freeBytes, isLow, why },
  }
}

export function addsUp(t: z.infer<typeof totalsSchema>): boolean {
  return t.taken === t.delivered + t.returned + t.dropped + t.waiting + t.running + t.held
}

function laneOf(figures: LaneFigures, now: number): z.infer<typeof laneSchema> {
  const { lane, waiting, running, held, oldestAt, reply, why } = figures
  // Of what is held no attempt is made: how the last one went is no trouble any more.
  const trouble = waiting + running === 0 ? undefined : figures.trouble
  return {
    lane,
    waiting,
    running,
    held,
    oldest: utc(oldestAt),
    ageSeconds: seconds(now - oldestAt),
    ...(trouble === undefined ? {} : { trouble }),
    reply,
    why,
    advice: laneAdvice(figures),
  }
}

function laneAdvice({ lane, waiting, running, held, trouble }: LaneFigures): string {
  if (waiting + running === 0 && held > 0) return `all of it is held: causeway queue list --lane ${lane} --state held`
  if (trouble === 'operator')
    return `mend the setup at this hop, then: causeway queue retry --lane ${lane}; until then its mail only waits`
  if (trouble === 'throttled') return 'it takes less than we bring; it is tried ever more rarely by itself'
  if (trouble === 'temporary') return 'it is tried again by itself'
  return 'nothing is wrong'
}
