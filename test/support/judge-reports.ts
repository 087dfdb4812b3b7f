/** Readers of delivery reports that are not ours: Python's e-mail package and postal-mime. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import PostalMime from 'postal-mime'

export type Judgement = {
  readonly type: string
  readonly reportType: string
  /** What Python's parser found wrong, by its own names. */
  readonly defects: readonly string[]
  readonly parts: readonly string[]
  readonly fields: readonly string[]
  readonly subject: string
  readonly text: string
  /** Groups of fields of the status part, unfolded. */
  readonly blocks: readonly (readonly (readonly [name: string, value: string])[])[]
}

export function judgedByPython(reports: readonly Buffer[]): readonly Judgement[] {
  const input = reports.map((report) => `${report.toString('base64')}\n`).join('')
  const run = spawnSync('/usr/bin/python3', [join(import.meta.dirname, 'judge-reports.py')], { input, maxBuffer: 1e9 })
  if (run.status !== 0) throw new Error(`python3: ${run.error?.message ?? run.stderr.toString()}`)
  const lines = run.stdout.toString().trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Judgement)
}

export async function readByPostalMime(
  report: Buffer,
): Promise<{ readonly subject: string; readonly text: string; readonly attached: readonly string[] }> {
  const { subject = '', text = '', attachments } = await PostalMime.parse(report, { forceRfc822Attachments: true })
  return { subject, text, attached: attachments.map(({ mimeType }) => mimeType) }
}
