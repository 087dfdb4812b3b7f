/** Everything that is reported of a batch: two CSV files, what was left out, a text, a page to print. */
import type { Skipped } from '../copy/copy.ts'
import { errorsCsv, isError, skippedCsv, statisticsCsv } from './report-csv.ts'
import { type Facts, reportHtml, reportText } from './report-page.ts'
import type { Scheduler } from './scheduler.ts'
import { type Batch, type MailboxRow, mailboxOf } from './tables.ts'
import { batchView } from './views.ts'

export type ReportFiles = {
  readonly statistics: string
  readonly errors: string
  readonly skipped: string
  readonly text: string
  readonly html: string
}

/** Beyond so many the list says nothing new; each mailbox has its own. */
const mostSkipped = 100_000

export function reportFiles(s: Scheduler, batch: Batch): ReportFiles {
  const { db, now } = s.ground
  const rows = db.all('SELECT * FROM mailbox WHERE batch = ? AND is_chosen = 1 ORDER BY line', batch.id).map(mailboxOf)
  const short = rows.filter(({ skipped }) => skipped > 0).toSorted((a, b) => b.skipped - a.skipped)
  const facts: Facts = { view: batchView(s, batch), failed: rows.filter(isError), short, at: now() }
  return {
    statistics: statisticsCsv(rows),
    errors: errorsCsv(rows),
    skipped: skippedCsv(skippedOf(s, rows)),
    text: reportText(facts),
    html: reportHtml(facts),
  }
}

/** Repaired messages are in the list, too, though they are not among those that were left out. */
function skippedOf(s: Scheduler, rows: readonly MailboxRow[]): readonly (readonly [string, Skipped])[] {
  const found: (readonly [string, Skipped])[] = []
  for (const { id, email, passes, messages } of rows) {
    if (passes === 0 && messages === 0) continue
    if (found.length >= mostSkipped) break
    for (const item of s.ground.ledger.skipped(id, { limit: mostSkipped - found.length })) found.push([email, item])
  }
  return found
}
