/** `causeway queue`: what we have promised and not yet handed on. */
import type { Command } from 'commander'
import type { z } from 'zod'
import { lanesSchema, queueItemSchema, queuePageSchema, queueTotalsSchema } from '../api/api.ts'
import { connect } from './client.ts'
import { type CliParts, type GatewayPlace, jsonText, type Run, shared } from './io.ts'
import { addChanges } from './queue-change.ts'
import { type FilterOptions, filterOf, queryOf, withFilter } from './queue-filter.ts'
import { itemText, lanesText, listText, totalsText } from './queue-text.ts'

type QueuePage = z.infer<typeof queuePageSchema>
type ListOptions = FilterOptions & { readonly limit: string; readonly after?: string }

export function queueCommand(program: Command, parts: CliParts, run: Run): void {
  const { io } = parts
  const queue = program.command('queue').description('what we have promised and not yet handed on: in a few numbers')
  queue.action(() =>
    run(async () => {
      const { at, json } = shared(queue)
      const client = connect(at)
      const totals = await client.get('/v1/queue/totals', queueTotalsSchema)
      const { lanes } = await client.get('/v1/lanes', lanesSchema)
      io.out(json ? jsonText({ ...totals, lanes }) : `${totalsText(totals)}${lanesText(lanes)}`)
      return totals.addsUp ? 0 : 1
    })(),
  )

  const list = withFilter(queue.command('list').description('messages, the oldest first'))
    .option('--limit <n>', 'messages', '100')
    .option('--after <next>', 'go on where the last list ended')
  list.action((options: ListOptions) =>
    run(async () => {
      const { at, json } = shared(list)
      const page = await pageOf(at, options)
      io.out(json ? jsonText(page) : page.items.length === 0 ? '' : listText(page.items, Date.now()))
      if (page.items.length === 0) io.err('nothing in the queue matches\n')
      if (page.next !== undefined && !json) io.err(`there is more: --after ${page.next}\n`)
      return 0
    })(),
  )

  const show = queue.command('show').description('everything about one message').argument('<id>')
  show.action((id: string) =>
    run(async () => {
      const { at, json } = shared(show)
      const item = await connect(at).get(`/v1/queue/${encodeURIComponent(id)}`, queueItemSchema)
      io.out(json ? jsonText(item) : itemText(item, Date.now()))
      return 0
    })(),
  )

  addChanges(queue, parts, run)
}

/** The API gives no longer ones. */
const longestPage = 1000

/** The pages of the API may be short, or empty, and have a next one, where the filter fits little of much. */
async function pageOf(at: GatewayPlace, { limit, after, ...options }: ListOptions): Promise<QueuePage> {
  const client = connect(at)
  const get = (most: string, from?: string): Promise<QueuePage> => {
    const fields = { ...filterOf(options), limit: most, ...(from === undefined ? {} : { after: from }) }
    return client.get(`/v1/queue?${queryOf(fields)}`, queuePageSchema)
  }
  // What is no number is refused by the first question.
  let page = await get(Number(limit) > longestPage ? String(longestPage) : limit, after)
  while (page.next !== undefined && page.items.length < Number(limit)) {
    const more = await get(String(Math.min(longestPage, Number(limit) - page.items.length)), page.next)
    page = { ...more, items: [...page.items, ...more.items] }
  }
  return page
}
