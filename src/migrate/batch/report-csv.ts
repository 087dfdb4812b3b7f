/** The two files that Exchange sends with its reports, and the list of what was left out. Exchange does not publish its columns. */
import { stringify } from 'csv-stringify/sync'
import { guardCell } from '../../trace/trace.ts'
import type { Skipped } from '../copy/copy.ts'
import { type StatusSummary, summaryOf } from './status.ts'
import type { MailboxRow } from './tables.ts'

const columns = [
  'RowIndex',
  'EmailAddress',
  'UserName',
  'Status',
  'ItemsSynced',
  'ItemsSkipped',
  'BytesSynced',
  'LastSuccessfulSync',
  'ErrorCode',
  'ErrorMessage',
  'SuggestedFix',
] as const

const failed: ReadonlySet<StatusSummary> = new Set(['Failed'])

export const isError = ({ status, trouble }: MailboxRow): boolean =>
  failed.has(summaryOf(status)) || (trouble !== undefined && status === 'Queued')

/** MigrationStatistics.csv. */
export const statisticsCsv = (rows: readonly MailboxRow[]): string =>
  sheet(columns, rows.filter((row) => !isError(row)).map(cellsOf))

/** MigrationErrors.csv. */
export const errorsCsv = (rows: readonly MailboxRow[]): string => sheet(columns, rows.filter(isError).map(cellsOf))

function cellsOf(m: MailboxRow): readonly string[] {
  const { trouble } = m
  return [
    String(m.row),
    m.email,
    m.userName,
    m.status,
    String(m.messages),
    String(m.skipped),
    String(m.bytes),
    m.lastSyncedAt === undefined ? '' : new Date(m.lastSyncedAt).toISOString(),
    trouble?.kind ?? '',
    trouble === undefined ? '' : m.statusWhy,
    trouble?.remedy ?? '',
  ]
}

const skippedColumns = ['EmailAddress', 'FolderName', 'Date', 'Subject', 'Size', 'Kind', 'Reason'] as const

/** In the columns of Exchange's "Skipped item details", and what the reason was. */
export function skippedCsv(items: readonly (readonly [email: string, item: Skipped])[]): string {
  const rows = items.map(([email, { folder, date, subject, bytes, kind, why }]) => [
    email,
    folder,
    date,
    subject,
    String(bytes),
    kind,
    why,
  ])
  return sheet(skippedColumns, rows)
}

function sheet(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const options = { record_delimiter: 'windows', escape_formulas: true, quoted_match: /[;\\]/ } as const
  return stringify([[...header], ...rows.map((row) => row.map(guardCell))], options)
}
