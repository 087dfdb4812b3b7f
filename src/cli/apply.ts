/** `causeway apply`: shows what a project file would change, then makes it so. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { problemText } from '../project/project.ts'
import { escapeText } from '../trace/trace.ts'
import { connect } from './client.ts'
import { type CliParts, type Io, jsonText, type Run, Stop, shared } from './io.ts'

const problem = z.object({ file: z.string(), line: z.number(), text: z.string(), remedy: z.string() })
const comparison = z.object({
  differences: z.array(z.object({ path: z.string(), old: z.string().optional(), new: z.string().optional() })),
  warnings: z.array(problem),
})
type Comparison = z.infer<typeof comparison>

export function applyCommand(program: Command, { io }: CliParts, run: Run): void {
  const command = program
    .command('apply')
    .description('show what a project file would change, then make it so')
    .argument('<file>', 'project file')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only show the difference')

  command.action((file: string, options: { yes?: boolean; dryRun?: boolean }) =>
    run(async () => {
      const { at, json } = shared(command)
      const client = connect(at)
      const body = { file: resolve(file) }
      const compared = await client.send('POST', '/v1/project/differences', body, comparison)
      io.out(json ? jsonText(compared) : comparisonText(compared))
      if (options.dryRun === true) return 0
      // Nothing to be asked, but to be remembered: that the next start with this file finds it applied.
      const isNews = compared.differences.length > 0
      if (isNews && options.yes !== true && !(await agrees(io))) return 1
      await client.send('PUT', '/v1/project', body, comparison)
      if (isNews && !json) io.out('applied\n')
      return 0
    })(),
  )
}

async function agrees(io: Io): Promise<boolean> {
  if (!io.isTerminal) throw new Stop(2, 'nothing was applied: say --yes where nobody can be asked')
  return /^y(es)?$/i.test((await io.ask('Apply this? [y/N] ')).trim())
}

export function comparisonText({ differences, warnings }: Comparison): string {
  const lines = differences.flatMap(({ path, old, new: next }) => [
    path,
    ...(old === undefined ? [] : [`  - ${old}`]),
    ...(next === undefined ? [] : [`  + ${next}`]),
  ])
  const shown = lines.length === 0 ? ['nothing differs'] : lines
  const remarks = warnings.flatMap((w) => `warning: ${problemText(w)}`.split('\n'))
  return `${[...shown, ...remarks].map(escapeText).join('\n')}\n`
}
