/**
 * CSV as people have it (RFC 4180 and what programs make of it): UTF-8 or UTF-16 with or without BOM, comma, semicolon or tab, any
 * line end, broken rows in between.
 *
 * Promises: records come one by one, so that a million of them are never held at once; each tells the line that it begins on.
 * On failure: what is broken is told with its line, and reading goes on behind it.
 */
import { isUtf8 } from 'node:buffer'
import { CsvError, parse } from 'csv-parse/sync'

/** `line`: where the record begins, from 1. */
export type SheetRecord = { readonly line: number; readonly fields: readonly string[] }

/** Where the file stops being CSV. */
export type Broken = { readonly line: number; readonly why: string }

/** Called in the order of the lines. */
export type Reading = { record(record: SheetRecord): void; broken(broken: Broken): void }

/**
 * False: the file is neither UTF-8 nor UTF-16 text. `fallback`: what bytes are that are not UTF-8, such as `windows-1252` for
 * programs older than that.
 */
export function readSheet(bytes: Buffer, reading: Reading, fallback?: string): boolean {
  const text = decode(bytes, fallback)?.replace(/\r\n?/g, '\n')
  if (text !== undefined) readRecords(text, reading)
  return text !== undefined
}

function decode(bytes: Buffer, fallback: string | undefined): string | undefined {
  // Excel's "Unicode text" has a BOM; a second byte of zero is UTF-16 from something that writes none.
  const little = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes.length > 1 && bytes[0] !== 0 && bytes[1] === 0)
  if (little) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  if (isUtf8(bytes)) return new TextDecoder('utf-8').decode(bytes)
  return fallback === undefined ? undefined : new TextDecoder(fallback).decode(bytes)
}

/** The one of the three that the first line has most of, outside quotes. */
function delimiterOf(text: string): string {
  const line = text.slice(0, (text.indexOf('\n') + 1 || text.length + 1) - 1).replace(/"[^"]*"/g, '')
  const counted = [',', ';', '\t'].map((mark) => ({ mark, count: line.split(mark).length }))
  return counted.sort((a, b) => b.count - a.count)[0]?.mark ?? ','
}

/** A stray quote ends what can be read; reading goes on at the next line. More often than this it is no CSV file. */
const maxRestarts = 100

function readRecords(text: string, reading: Reading): void {
  const delimiter = delimiterOf(text)
  let start = { offset: 0, line: 1 }
  for (let restarts = 0; restarts <= maxRestarts; restarts += 1) {
    const failed = readFrom(text.slice(start.offset), start.line, delimiter, reading)
    if (failed === undefined) return
    reading.broken(failed)
    const next = offsetAfter(text, start, failed.line)
    if (next === undefined) return
    start = { offset: next, line: failed.line + 1 }
  }
}

function readFrom(text: string, firstLine: number, delimiter: string, reading: Reading): Broken | undefined {
  let last = firstLine - 1
  const onRecord = (fields: string[], { lines }: { readonly lines: number }): null => {
    last = firstLine + lines - 1
    reading.record({ line: last - lineEnds(fields), fields })
    return null
  }
  try {
    parse(text, { delimiter, relax_column_count: true, skip_empty_lines: true, on_record: onRecord })
    return undefined
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    if (error.code === 'CSV_QUOTE_NOT_CLOSED')
      return { line: last + 1, why: 'a quote is opened in or after this row and never closed' }
    return { line: firstLine + Number(error['lines']) - 1, why: 'a quote stands where none can stand' }
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
  let { offset } = start
  for (let at = start.line; at <= line; at += 1) {
    const end = text.indexOf('\n', offset)
    if (end < 0) return undefined
    offset = end + 1
  }
  return offset < text.length ? offset : undefined
}

/** Two names of a column with the same one mean the same: without case, accents, punctuation and blanks. */
export const columnKey = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/[^\p{L}\p{N}]/gu, '')
