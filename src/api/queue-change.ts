/** What an operator does to mail in the queue. A running attempt is never touched. */
import { z } from 'zod'
import type { Filter, KeptMessage, Queue, Tell } from '../queue/queue.ts'
import type { EventKind } from '../trace/trace.ts'
import { audited } from './audited.ts'
import type { Api, Desk } from './desk.ts'
import { Problem } from './problem.ts'
import { viewOf } from './queue.ts'
import { countOf, recipientsText } from './queue-count.ts'
import { changeSchema, filterFields, filterOfChange, filterText } from './queue-filter.ts'
import { itemOf, queueItemSchema } from './queue-item.ts'

type State = NonNullable<Filter['state']>
type Action = {
  readonly summary: string
  /** What it applies to; others that the filter fits stay as they are. */
  readonly states: readonly State[]
  readonly run: (queue: Queue, filter: Filter, by: string, tell: Tell) => Promise<number>
  /** What the trace of each message says of it. */
  readonly event: EventKind
  readonly said: string
}

const verbs = ['hold', 'release', 'retry', 'return', 'drop'] as const
type Verb = (typeof verbs)[number]

const actions: Readonly<Record<Verb, Action>> = {
  hold: {
    summary: 'Waiting mail is held until somebody releases it',
    states: ['waiting'],
    run: (queue, filter, by, tell) => queue.hold(filter, by, tell),
    event: 'HOLD',
    said: 'held by',
  },
  release: {
    summary: 'Held mail is tried, whatever it was held for',
    states: ['held'],
    run: (queue, filter, by, tell) => queue.release(filter, by, tell),
    event: 'RELEASE',
    said: 'let go by',
  },
  retry: {
    summary: 'Waiting mail is tried now',
    states: ['waiting'],
    run: (queue, filter, by, tell) => queue.retry(filter, by, tell),
    event: 'KEEP',
    said: 'to be tried now, by the word of',
  },
  return: {
    summary: 'Mail of a tenant goes back to its sender, with a report; mail from the internet never does',
    states: ['waiting', 'held'],
    run: (queue, filter, by, tell) => queue.wishReturn(filter, by, tell),
    event: 'RETURN',
    said: 'to go back to its sender, by the word of',
  },
  drop: {
    summary: 'Mail is destroyed, and nobody is told',
    states: ['waiting', 'held'],
    run: (queue, filter, by, tell) => queue.drop(filter, by, tell),
    event: 'DROP',
    said: 'thrown away by',
  },
}

const whyNoReturn =
  'what came from the internet, and a report of our own, is never returned: its sender may be forged, and a report would reach somebody who sent nothing. Release it or drop it'

const left = {
  left: z.number().describe('Recipients that may not be returned'),
  why: z.string().optional().describe('Why they may not'),
}
/** What was done. */
export const touchedSchema = z.object({
  touched: z.number().describe('Recipients'),
  running: z.number().describe('Recipients left alone because an attempt goes on at this moment'),
  ...left,
})
/** What would be done. */
export const previewSchema = z.object({
  recipients: z.number(),
  messages: z.number(),
  isAtLeast: z.boolean().describe('Counted up to here; there are more'),
  silent: z
    .number()
    .describe(
      'Of these to be returned, those with the null sender: there is nobody to give them back to, and they are held',
    ),
  ...left,
  examples: z.array(queueItemSchema).describe('The oldest of them'),
})
const previewQuery = z.strictObject({ ...filterFields, action: z.enum(verbs), all: z.stringbool().default(false) })

export function queueChangeResource(api: Api, desk: Desk): void {
  for (const verb of verbs) {
    const schema = { summary: actions[verb].summary, body: changeSchema, response: { 200: touchedSchema } }
    api.post(`/v1/queue/${verb}`, { schema, config: { changes: `queue.${verb}` } }, async (request) => {
      const filter = filterOfChange(request.body)
      const refused = await refusedOf(desk.queue, verb, filter)
      const touched = await audited(
        desk,
        request,
        filterText(filter),
        ({ by }) => actions[verb].run(desk.queue, filter, by, tellTrace(desk, verb, by)),
        (count) => ({ after: recipientsText(count) }),
      )
      if (verb === 'retry' || verb === 'release') desk.tryLanes()
      return { touched, running: await runningOf(desk.queue, filter), ...refused }
    })
  }

  const preview = {
    summary: 'What a change would touch; it changes nothing',
    querystring: previewQuery,
    response: { 200: previewSchema },
  }
  api.get('/v1/queue/preview', { schema: preview }, ({ query: { action, ...asked } }) =>
    previewOf(desk, action, filterOfChange(asked)),
  )
}

/** Of one message: it may have thousands, and each is found by the message's first event. */
const mostNamed = 100

/** One event for each message, page by page as the queue goes on: a million of them are never in memory at once. */
function tellTrace({ trace, now }: Desk, verb: Verb, by: string): Tell {
  const { event: kind, said } = actions[verb]
  return (touched) => {
    const at = now().getTime()
    const events = touched.map(({ recipients, ...message }) => {
      const more = recipients.length - mostNamed
      const why = `${said} ${by}${more > 0 ? `, with ${more} more recipients` : ''}`
      return { at, kind, ...message, recipients: recipients.slice(0, mostNamed), why }
    })
    trace.write(events)
  }
}

type Left = { readonly left: number; readonly why?: string }

const mayReturn = ({ peer }: KeptMessage): boolean => peer !== 'internet' && peer !== 'causeway'

/** Throws when nothing at all of what is meant may be returned. */
async function refusedOf(queue: Queue, verb: Verb, filter: Filter): Promise<Left> {
  if (verb !== 'return') return { left: 0 }
  const refused = await countOf(queue, filter, { only: ({ message }) => !mayReturn(message) })
  if (refused.recipients === 0) return { left: 0 }
  const others = await countOf(queue, filter, { most: 1, only: ({ message }) => mayReturn(message) })
  if (others.recipients === 0) throw new Problem(409, 'none of it can be returned', whyNoReturn)
  return { left: refused.recipients, why: whyNoReturn }
}

async function runningOf(queue: Queue, filter: Filter): Promise<number> {
  if (queue.figures.running === 0 || (filter.state !== undefined && filter.state !== 'running')) return 0
  return (await countOf(queue, { ...filter, state: 'running' })).recipients
}

/** Of a tenant, with the null sender: it can go back to nobody, and the relay holds it instead. */
async function silentOf(queue: Queue, filter: Filter): Promise<number> {
  if (filter.sender !== undefined && filter.sender !== '') return 0
  const counted = await countOf(queue, { ...filter, sender: '' }, { only: ({ message }) => mayReturn(message) })
  return counted.recipients
}

const shownExamples = 10

async function previewOf(desk: Desk, verb: Verb, filter: Filter): Promise<z.infer<typeof previewSchema>> {
  const { queue } = desk
  const { states } = actions[verb]
  const isMeant = verb === 'return' ? mayReturn : () => true
  const counted = await countOf(queue, filter, {
    examples: shownExamples,
    only: ({ message }, recipient) => states.includes(recipient.state) && isMeant(message),
  })
  const silent = verb === 'return' ? await silentOf(queue, filter) : 0
  const refused = await refusedOf(queue, verb, filter)
  const { recipients, messages, isAtLeast, examples } = counted
  const view = await viewOf(desk)
  return { recipients, messages, isAtLeast, silent, ...refused, examples: examples.map((e) => itemOf(e, view)) }
}
