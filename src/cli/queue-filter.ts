/** The options that say which mail in the queue is meant, the same for every command of it. */
import type { Command } from 'commander'

export type FilterOptions = {
  readonly id?: readonly string[]
  readonly domain?: string
  readonly recipient?: string
  readonly sender?: string
  readonly lane?: string
  readonly state?: string
  readonly cause?: string
  readonly trouble?: string
  readonly olderThan?: string
  readonly peer?: string
}

export function withFilter(command: Command): Command {
  return command
    .option('--id <id...>', 'messages, by our id as in the 250 reply')
    .option('--domain <name>', 'domain of the recipient, as the sender wrote it')
    .option('--recipient <address>', 'recipient, as the sender wrote it')
    .option('--sender <address>', 'envelope sender; <> is the null sender')
    .option('--lane <name>', 'next hop: tenant:NAME, smarthost:HOST:PORT, mx:DOMAIN')
    .option('--state <state>', 'waiting, held or running')
    .option('--cause <cause>', 'of held mail: domain, tenant, refused, expired or operator')
    .option('--trouble <trouble>', 'of the last attempt: temporary, throttled or operator')
    .option('--older-than <span>', 'received longer ago than 90m, 4h, 2d; time that it was held counts, too')
    .option('--peer <name>', 'where it came from: a tenant, internet or causeway')
}

/** As the API wants it. */
export function filterOf({ id, ...rest }: FilterOptions): Record<string, string | readonly string[]> {
  const { domain, recipient, sender, lane, state, cause, trouble, olderThan, peer } = rest
  const given = Object.entries({ ids: id, domain, recipient, sender, lane, state, cause, trouble, olderThan, peer })
  return Object.fromEntries(given.flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])))
}

/** The same as the query of an address. */
export function queryOf(fields: Readonly<Record<string, string | readonly string[]>>): string {
  const query = new URLSearchParams()
  for (const [field, value] of Object.entries(fields)) for (const one of [value].flat()) query.append(field, one)
  return query.toString()
}
