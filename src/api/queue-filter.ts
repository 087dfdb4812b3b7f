/** Which mail in the queue is meant: the same words in a query, in a body and on the command line. */
import { z } from 'zod'
import type { Filter } from '../queue/queue.ts'
import { Problem } from './problem.ts'
import { spanMs } from './time.ts'

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)])

/** Everything that is given must hold. Strict: a word that is misspelt must not widen what somebody drops. */
export const filterFields = {
  ids: oneOrMore.optional().describe('Our ids of messages, as in the 250 reply'),
  domain: z.string().min(1).optional().describe('Domain of the recipient, as the sender wrote it'),
  recipient: z.string().min(1).optional().describe('Recipient, as the sender wrote it'),
  sender: z.string().min(1).optional().describe('Envelope sender; <> is the null sender'),
  lane: z.string().min(1).optional().describe('Next hop by name: tenant:NAME, smarthost:HOST:PORT, mx:DOMAIN'),
  state: z.enum(['waiting', 'held', 'running']).optional(),
  cause: z
    .enum(['domain', 'tenant', 'refused', 'expired', 'operator'])
    .optional()
    .describe(
      'Of held mail: its domain was on hold; its tenant is not in the project; refused or expired and nobody may be told; a person said so',
    ),
  trouble: z
    .enum(['temporary', 'throttled', 'operator'])
    .optional()
    .describe('Of the last attempt; operator: somebody must mend the setup at this hop'),
  olderThan: z
    .string()
    .optional()
    .describe('Received longer ago than 90m, 4h, 2d; unlike ages, time that it was held counts, too'),
  peer: z
    .string()
    .min(1)
    .optional()
    .describe('Where it came from: a tenant, internet, or causeway for our own reports'),
}

export const filterSchema = z.strictObject(filterFields)
type Asked = z.infer<typeof filterSchema>

export function filterOf(asked: Asked): Filter {
  const { ids, domain, recipient, sender, lane, state, cause, trouble, olderThan, peer } = asked
  return {
    ...(ids === undefined ? {} : { ids: [ids].flat() }),
    ...(domain === undefined ? {} : { domain }),
    ...(recipient === undefined ? {} : { recipient: bare(recipient) }),
    ...(sender === undefined ? {} : { sender: bare(sender) }),
    ...(lane === undefined ? {} : { lane }),
    ...(state === undefined ? {} : { state }),
    ...(cause === undefined ? {} : { cause }),
    ...(trouble === undefined ? {} : { trouble }),
    ...(olderThan === undefined ? {} : { olderThanMs: age(olderThan) }),
    ...(peer === undefined ? {} : { peer }),
  }
}

/** As in `trace`: with angle brackets or without. */
function bare(address: string): string {
  return address.replace(/^<([^]*)>$/, '$1')
}

function age(text: string): number {
  const ms = spanMs(text)
  if (ms !== undefined) return ms
  throw new Problem(
    400,
    `"${text}" is no span of time such as 90m, 4h, 2d`,
    'look at the time that is meant',
    [],
    'olderThan',
  )
}

/** What a change is asked for. Nothing named is not everything: that has to be said. */
export const changeSchema = z.strictObject({
  ...filterFields,
  all: z.boolean().default(false).describe('Everything that is in the queue; alone, without any other word'),
})

export function filterOfChange({ all, ...asked }: z.infer<typeof changeSchema>): Filter {
  const filter = filterOf(asked)
  const isEmpty = Object.keys(filter).length === 0
  if (isEmpty && !all) throw new Problem(400, 'no filter is given', 'name what is meant, or say `all` for everything')
  if (!isEmpty && all) throw new Problem(400, '`all` stands beside a filter', 'say one of the two')
  return filter
}

/** As it is shown and written to the audit: what was meant, in one line. */
export function filterText(filter: Filter): string {
  const words = Object.entries(filter).map(
    ([field, value]) => `${field}=${value === '' ? '<>' : [value].flat().join(',')}`,
  )
  return words.length === 0 ? 'everything' : words.join(' ')
}
