/** `causeway dkim`: the keys that we sign with, as the records to publish. */
import type { Command } from 'commander'
import { z } from 'zod'
import { connect } from './client.ts'
import { type CliParts, jsonText, type Run, shared } from './io.ts'

const answer = z.object({
  records: z.array(
    z.object({
      domain: z.string(),
      selector: z.string(),
      name: z.string(),
      text: z.string(),
      zone: z.string(),
      isNew: z.boolean(),
    }),
  ),
  notes: z.array(z.string()),
})

export function dkimCommand(program: Command, { io }: CliParts, run: Run): void {
  const dkim = program.command('dkim').description('the keys that we sign with')
  const show = (found: z.infer<typeof answer>, json: boolean): void => {
    if (json) return io.out(jsonText(found))
    for (const record of found.records)
      io.out(`; ${record.domain}${record.isNew ? ', made just now' : ''}\n${record.zone}\n`)
    for (const note of found.notes) io.err(`note: ${note}\n`)
  }

  const create = dkim
    .command('create')
    .description('make the keys of a domain where they are missing')
    .argument('<domain>')
  create.action((domain: string) =>
    run(async () => {
      const { at, json } = shared(create)
      show(await connect(at).send('POST', `/v1/dkim/${encodeURIComponent(domain)}`, {}, answer), json)
      return 0
    })(),
  )

  const rotate = dkim
    .command('rotate')
    .description('make the next keys, of both kinds; say it again once their records are published')
    .argument('<domain>')
  rotate.action((domain: string) =>
    run(async () => {
      const { at, json } = shared(rotate)
      show(await connect(at).send('POST', `/v1/dkim/${encodeURIComponent(domain)}/rotate`, {}, answer), json)
      return 0
    })(),
  )

  const print = dkim.command('show').description('the records to publish').argument('[domain]')
  print.action((domain: string | undefined) =>
    run(async () => {
      const { at, json } = shared(print)
      const found = await connect(at).get('/v1/dkim', answer)
      const records = found.records.filter((record) => domain === undefined || record.domain === domain.toLowerCase())
      show({ ...found, records }, json)
      if (records.length === 0) io.err('no key exists yet: causeway dkim create DOMAIN\n')
      return records.length === 0 ? 1 : 0
    })(),
  )
}
