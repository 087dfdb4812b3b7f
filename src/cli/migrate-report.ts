/** `causeway migrate report`: what is sent by mail, as text, as files, as a page to print. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { orderedSchema, reportSchema } from '../api/api.ts'
import { connect } from './client.ts'
import { type CliParts, type Run, Stop, shared } from './io.ts'
import { pathOf } from './migrate-check.ts'

type Options = { readonly out?: string; readonly send?: boolean }

export function addReport(group: Command, { io }: CliParts, run: Run): void {
  const command = group
    .command('report')
    .description('how a batch stands; with --out the files that are sent by mail, and a page to print')
    .argument('<name>')
    .option('--out <dir>', 'write MigrationStatistics.csv, MigrationErrors.csv, SkippedItems.csv and report.html there')
    .option('--send', 'send it now to those whom the batch names')
  command.action((name: string, { out, send }: Options) =>
    run(async () => {
      const { at, json } = shared(command)
      const client = connect(at)
      if (send === true) {
        const answer = await client.send('POST', `${pathOf(name)}/report`, {}, orderedSchema)
        io.out(json ? `${JSON.stringify(answer)}\n` : `${answer.text}\n`)
        return 0
      }
      const report = await client.get(`${pathOf(name)}/report`, reportSchema)
      if (out === undefined) {
        io.out(json ? `${JSON.stringify(report, undefined, 2)}\n` : report.text)
        return 0
      }
      const files = {
        'MigrationStatistics.csv': report.statistics,
        'MigrationErrors.csv': report.errors,
        'SkippedItems.csv': report.skipped,
        'report.html': report.html,
        'report.txt': report.text,
      }
      writeAll(out, files)
      const names = Object.keys(files).map((file) => join(out, file))
      io.out(json ? `${JSON.stringify({ files: names })}\n` : names.map((file) => `${file}\n`).join(''))
      return 0
    })(),
  )
}

/** Addresses and subjects are in them: for their owner only. */
function writeAll(dir: string, files: Readonly<Record<string, string>>): void {
  try {
    mkdirSync(dir, { recursive: true })
    // Excel takes a CSV file for UTF-8 only where it begins with a BOM.
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(dir, name), name.endsWith('.csv') ? `\uFEFF${text}` : text, { mode: 0o600 })
  } catch (error) {
    throw new Stop(2, `cannot write to ${dir}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
