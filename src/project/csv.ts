/** Rows of CSV files for people and projects: every broken one becomes a finding. */
import { readSheet, type SheetRecord } from '../mail/sheet/sheet.ts'
import { type Findings, type Place, problem } from './findings.ts'

/** One row: its fields by the lower-case name of their column, trimmed. */
export type Row = { readonly place: Place; field(column: string): string }

/** Given the header as written, what to do with each row; undefined when the columns are wrong and the rows say nothing. */
export type ReadRows = (header: readonly string[]) => ((row: Row) => void) | undefined

/** Reads row by row, so that a million of them are never held at once. `findings` tells each broken row. */
export function readRows(bytes: Buffer, file: string, findings: Findings, rowsOf: ReadRows): void {
  let take: ((record: SheetRecord) => void) | undefined
  const begin = ({ fields }: SheetRecord): void => {
    const read = rowsOf(fields.map((name) => name.trim()))
    const header = fields.map((name) => name.trim().toLowerCase())
    take = read === undefined ? () => undefined : (record) => readRow(record, header, file, findings, read)
  }
  const remedy = 'Put the whole field in quotes and write a quote inside it twice.'
  const isText = readSheet(bytes, {
    record: (record) => (take ?? begin)(record),
    broken: ({ line, why }) => void findings.problems.push(problem({ file, line }, sentence(why), remedy)),
  })
  if (!isText) return stop(findings, file, 'The file is neither UTF-8 nor UTF-16 text.', 'Save it as "CSV UTF-8".')
  if (take === undefined) stop(findings, file, 'The file is empty.', 'Its first line names the columns.')
}

const sentence = (why: string): string => `${why.charAt(0).toUpperCase()}${why.slice(1)}.`

function stop(findings: Findings, file: string, text: string, remedy: string): void {
  findings.problems.push(problem({ file, line: 0 }, text, remedy))
}

function readRow(
  { line, fields }: SheetRecord,
  header: readonly string[],
  file: string,
  findings: Findings,
  read: (row: Row) => void,
): void {
  // Spreadsheets leave rows of nothing but separators behind.
  if (fields.every((field) => field.trim() === '')) return
  const place = { file, line }
  if (fields.length === header.length) {
    const field = (column: string): string => fields[header.indexOf(column)]?.trim() ?? ''
    return read({ place, field })
  }
  const text = `The row has ${fields.length} fields; the header has ${header.length} columns.`
  findings.problems.push(
    problem(place, text, 'Leave a field empty between its separators, or put one that holds a separator in quotes.'),
  )
}
