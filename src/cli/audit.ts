/** `causeway audit`: who changed what. */
import type { Command } from 'commander'
import type { z } from 'zod'
import { auditPageSchema, verdictSchema } from '../api/api.ts'
import { connect } from './client.ts'
import { cell, localTime, some } from './figures.ts'
import { type CliParts, jsonText, type Run, shared, table } from './io.ts'
import { queryOf } from './queue-filter.ts'

type Options = { readonly since?: string; readonly limit: string; readonly verify?: boolean }

export function auditCommand(program: Command, { io }: CliParts, run: Run): void {
  const command = program
    .command('audit')
    .description('who changed what, the newest first')
    .option('--since <time>', 'ISO 8601, or a span back from now: 30m, 2h, 7d')
    .option('--limit <n>', 'records; the newest, 1000 at most', '100')
    .option('--verify', 'is every record there, as it was written?')

  command.action((options: Options) =>
    run(async () => {
      const { at, json } = shared(command)
      const client = connect(at)
      if (options.verify === true) {
        const verdict = await client.get('/v1/audit/verify', verdictSchema)
        io.out(json ? jsonText(verdict, 0) : verdictText(verdict))
        return verdict.ok ? 0 : 1
      }
      const { since, limit } = options
      const query = queryOf({ limit, ...(since === undefined ? {} : { since }) })
      const page = await client.get(`/v1/audit?${query}`, auditPageSchema)
      io.out(json ? jsonText(page) : recordsText(page.records))
      if (page.next !== undefined && !json) io.err('there are older ones: --limit shows more of them\n')
      return 0
    })(),
  )
}

function verdictText({ ok, count = 0, head = '', why = '' }: z.infer<typeof verdictSchema>): string {
  if (!ok) return `THE AUDIT WAS CHANGED: ${why}\n`
  const anchor = count === 0 ? '' : `; the hash of the newest is ${head}, and stands in the log as well`
  return `${some(count, 'record')}, each as it was written${anchor}\n`
}

function recordsText(records: z.infer<typeof auditPageSchema>['records']): string {
  const rows = records.map((r) => [
    String(r.id),
    localTime(r.at),
    cell(r.by, 32),
    cell(r.from),
    r.what,
    cell(r.object, 48),
    cell(r.before, 32) || '-',
    cell(r.after, 60) || '-',
  ])
  return table([['#', 'WHEN', 'WHO', 'FROM', 'WHAT', 'TO WHAT', 'BEFORE', 'AFTER'], ...rows])
}
