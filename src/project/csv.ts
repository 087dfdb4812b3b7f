/** CSV as people have it: with or without BOM, UTF-8 or UTF-16, comma, semicolon or tab, any line end, broken rows in between. */
import { isUtf8 } from 'node:buffer'
import { CsvError, parse } from 'csv-parse/sync'
import { type Findings, type Place, problem } from './findings.ts'

/** One row: its fields by the lower-case name of their column, trimmed. */
export type Row = { readonly place: Place; field(column: string): string }

/** Given the header as written, what to do with each row; undefined when the columns are wrong and the rows say nothing. */
export type ReadRows = (header: readonly string[]) => ((row: Row) => void) | undefined

type Record = { readonly line: number; readonly fields: readonly string[] }

// A stray quote ends what can be read; reading goes on at the next line. More often than this it is no CSV file.
const maxRestarts = 100

/** Reads row by row, so that a million of them are never held at once. `findings` tells each broken row. */
export function readSheet(bytes: Buffer, file: string, findings: Findings, readRows: ReadRows): void {
  const text = decode(bytes)?.replace(/\r\n?/g, '\n')
  if (text === undefined)
    return stop(findings, file, 'The file is neither UTF-8 nor UTF-16 text.', 'Save it as "CSV UTF-8".')
  let take: ((record: Record) => void) | undefined
  const begin = ({ fields }: Record): void => {
    const read = readRows(fields.map((name) => name.trim()))
    const header = fields.map((name) => name.trim().toLowerCase())
    take = read === undefined ? () => undefined : (record) => readRow(record, header, file, findings, read)
  }
  readRecords(text, file, findings, (record) => (take ?? begin)(record))
  if (take === undefined) stop(findings, file, 'The file is empty.', 'Its first line names the columns.')
}

function stop(findings: Findings, file: string, text: string, remedy: string): void {
  findings.problems.push(problem({ file, line: 0 }, text, remedy))
}

function decode(bytes: Buffer): string | undefined {
  // Excel's "Unicode text" has a BOM; a second byte of zero is UTF-16 from something that writes none.
  const little = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes.length > 1 && bytes[0] !== 0 && bytes[1] === 0)
  if (little) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  return isUtf8(bytes) ? new TextDecoder('utf-8').decode(bytes) : undefined
}

/** The one of the three that the first line has most of, outside quotes. */
function delimiterOf(text: string): string {
  const line = text.slice(0, (text.indexOf('\n') + 1 || text.length + 1) - 1).replace(/"[^"]*"/g, '')
  const counted = [',', ';', '\t'].map((mark) => ({ mark, count: line.split(mark).length }))
  return counted.sort((a, b) => b.count - a.count)[0]?.mark ?? ','
}

function readRecords(text: string, file: string, findings: Findings, take: (record: Record) => void): void {
  const delimiter = delimiterOf(text)
  let start = { offset: 0, line: 1 }
  for (let restarts = 0; ; restarts += 1) {
    const failed = readFrom(text.slice(start.offset), start.line, delimiter, take)
    if (failed === undefined) return
    findings.problems.push(
      problem(
        { file, line: failed.line },
        failed.text,
        'Put the whole field in quotes and write a quote inside it twice.',
      ),
    )
    const next = offsetAfter(text, start, failed.line)
    if (next === undefined || restarts === maxRestarts) return
    start = { offset: next, line: failed.line + 1 }
  }
}

/** Takes what can be read; gives the line at which that ended too early. */
function readFrom(
  text: string,
  firstLine: number,
  delimiter: string,
  take: (record: Record) => void,
): { readonly line: number; readonly text: string } | undefined {
  let last = firstLine - 1
  const onRecord = (fields: string[], { lines }: { readonly lines: number }): null => {
    last = firstLine + lines - 1
    take({ line: last - lineEnds(fields), fields })
    return null
  }
  try {
    parse(text, { delimiter, relax_column_count: true, skip_empty_lines: true, on_record: onRecord })
    return undefined
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    if (error.code === 'CSV_QUOTE_NOT_CLOSED')
      return { line: last + 1, text: 'A quote is opened in or after this row and never closed.' }
    return { line: firstLine + Number(error['lines']) - 1, text: 'A quote stands where none can stand.' }
  }
}

/** A row is told by the line on which it begins. */
function lineEnds(fields: readonly string[]): number {
  let count = 0
  for (const field of fields) for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) count += 1
  return count
}

/** Where the line after `line` begins. */
function offsetAfter(
  text: string,
  start: { readonly offset: number; readonly line: number },
  line: number,
): number | undefined {
  let offset = start.offset
  for (let at = start.line; at <= line; at += 1) {
    const end = text.indexOf('\n', offset)
    if (end < 0) return undefined
    offset = end + 1
  }
  return offset < text.length ? offset : undefined
}

function readRow(
  { line, fields }: Record,
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
