/** `causeway directory`: who is where, and how the world sees them. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { problemText } from '../project/project.ts'
import { escapeText } from '../trace/trace.ts'
import { type ApiClient, connect } from './client.ts'
import { type CliParts, jsonText, type Run, readInput, shared, table } from './io.ts'

const problem = z.object({ file: z.string(), line: z.number(), text: z.string(), remedy: z.string() })
const changed = z.object({ version: z.number(), size: z.number(), warnings: z.array(problem) })
const entries = z.object({
  size: z.number(),
  entries: z.array(
    z.object({
      id: z.string(),
      internal: z.string(),
      external: z.string(),
      aliases: z.array(z.string()),
      outboundOnly: z.boolean(),
      except: z.array(z.string()),
    }),
  ),
})
const modes = ['None', 'DayOne', 'DayTwo', 'Done']

export function directoryCommand(program: Command, { io }: CliParts, run: Run): void {
  const directory = program.command('directory').description('who is where, and how the world sees them')

  const list = directory
    .command('list')
    .description('show entries')
    .option('--contains <text>', 'only those with this in an address', '')
  list.action((options: { contains: string }) =>
    run(async () => {
      const { at, json } = shared(list)
      const found = await everyPage(connect(at), options.contains)
      io.out(json ? jsonText(found) : listText(found))
      return 0
    })(),
  )

  const check = directory.command('check').description('what an operator should look at')
  check.action(() =>
    run(async () => {
      const { at, json } = shared(check)
      const { warnings } = await connect(at).get('/v1/directory/check', z.object({ warnings: z.array(problem) }))
      io.out(json ? jsonText(warnings) : `${warnings.map(problemText).join('\n') || 'nothing to remark'}\n`)
      return warnings.length === 0 ? 0 : 1
    })(),
  )

  const report = (command: Command, path: string, body: unknown, isDryRun = false) =>
    run(async () => {
      const { at, json } = shared(command)
      const done = await connect(at).send('POST', path, body, changed)
      io.out(json ? jsonText(done) : changedText(done, isDryRun))
      return 0
    })()

  const load = directory
    .command('import')
    .description('put all entries of a CSV file (people, or Exchange Edge entries): all or nothing')
    .argument('<file>')
    .option('--dry-run', 'check only')

  load.action((file: string, options: { dryRun?: boolean }) =>
    report(load, '/v1/directory/import', importOf(file, options), options.dryRun),
  )

  const set = directory
    .command('set')
    .description('set the mode of a person (None, DayOne, DayTwo, Done), or the tenant where she lives')
    .argument('<address>', 'any address of the person')
    .argument('<mode>', 'None, DayOne, DayTwo, Done, or tenant:NAME')

  set.action((address: string, mode: string) => {
    const wanted = modes.find((m) => m.toLowerCase() === mode.toLowerCase())
    if (wanted !== undefined) return report(set, '/v1/directory/mode', { address, mode: wanted })
    return report(set, '/v1/directory/move', { address, tenant: mode.replace(/^tenant:/, '') })
  })
}

/** The gateway reads the file itself; here it is only looked at whether it is there. */
function importOf(file: string, { dryRun }: { dryRun?: boolean }) {
  readInput(file)
  return { file: resolve(file), dryRun: dryRun === true }
}

function changedText({ size, version, warnings }: z.infer<typeof changed>, isDryRun: boolean): string {
  const remarks = warnings.flatMap((w) => `warning: ${problemText(w)}`.split('\n')).map(escapeText)
  const state = isDryRun
    ? `nothing was changed; it would be ${size} entries`
    : `live: ${size} entries, table version ${version}`
  return `${[...remarks, state].join('\n')}\n`
}

const pageSize = 10_000

async function everyPage(client: ApiClient, contains: string): Promise<z.infer<typeof entries>> {
  const all: z.infer<typeof entries>['entries'] = []
  for (;;) {
    const query = new URLSearchParams({ contains, offset: String(all.length), limit: String(pageSize) }).toString()
    const page = await client.get(`/v1/directory?${query}`, entries)
    all.push(...page.entries)
    if (page.entries.length === 0 || all.length >= page.size) return { size: page.size, entries: all }
  }
}

function listText(found: z.infer<typeof entries>): string {
  const rows = found.entries.map((e) => {
    const remarks = [
      ...e.aliases.map((a) => `also ${a}`),
      ...(e.outboundOnly ? ['outbound only'] : []),
      ...e.except.map((d) => `except ${d}`),
    ]
    return [e.internal, e.external, remarks.join(', ')].map(escapeText)
  })
  return table([['INTERNAL', 'EXTERNAL', 'REMARKS'], ...rows])
}
