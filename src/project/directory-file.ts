/** Directory files: people on the move (`Source,Target,Mode`), and entries of the Exchange Edge server. */
import { dirname, isAbsolute, join } from 'node:path'
import { type Row, readRows } from './csv.ts'
import { edgeColumns, edgeReader } from './edge-entries.ts'
import type { EntryText } from './entry.ts'
import { type Findings, type Found, noFindings, problem } from './findings.ts'
import { readNamed } from './named-files.ts'
import { didYouMean, show } from './names.ts'
import { peopleColumns, peopleReader } from './people.ts'
import { readPlainFile } from './plain-file.ts'
import type { Reading } from './reading.ts'

const maxBytes = 512 * 1024 * 1024

type Columns = { readonly required: readonly string[]; readonly optional: readonly string[] }

/** Reads one file; for an import. Every bad row is told, beside the rows that can be read: those can be wrong in other ways. */
export function readDirectoryFile(file: string): { readonly entries: readonly EntryText[]; readonly found: Found } {
  const findings = noFindings()
  const read = readPlainFile(file, maxBytes)
  if ('bytes' in read) return { entries: readDirectory(read.bytes, file, findings), found: findings }
  findings.problems.push(problem({ file, line: 0 }, `The file ${read.why}.`, 'Name a CSV file.'))
  return { entries: [], found: findings }
}

/** The bytes of a directory file as entries; `file` is what the sentences call it. */
export function readDirectory(bytes: Buffer, file: string, findings: Findings): readonly EntryText[] {
  const entries: EntryText[] = []
  readRows(bytes, file, findings, (header) => {
    const form = formOf(header, file, findings)
    if (form === undefined || !checkHeader(header, form.columns, file, findings)) return undefined
    const read = form.reader(findings)
    return (row) => {
      const entry = read(row)
      if (entry !== undefined) entries.push(entry)
    }
  })
  return entries
}

type Form = { readonly columns: Columns; reader(findings: Findings): (row: Row) => EntryText | undefined }

const edge: Form = { columns: edgeColumns, reader: edgeReader }
const people: Form = { columns: peopleColumns, reader: peopleReader }

/** Which of the two forms it is meant to be, by any of the columns that only one of them has. */
function formOf(header: readonly string[], file: string, findings: Findings): Form | undefined {
  const names = header.map((name) => name.toLowerCase())
  if (names.includes('internaladdress') || names.includes('externaladdress')) return edge
  if (names.includes('source') || names.includes('target')) return people
  // What stands there is not repeated: the file may be anything on this machine, and a secret in one line.
  const text = 'The first line names no columns of people or of Exchange Edge entries.'
  const remedy =
    'Begin with the line Source,Target,Mode or Name,InternalAddress,ExternalAddress,ExceptionList,OutboundOnly.'
  findings.problems.push(problem({ file, line: 1 }, text, remedy))
  return undefined
}

/** Those that `directoryFiles` lists, in that order. */
export function readListedFiles(reading: Reading, names: readonly string[]): readonly EntryText[] {
  const lists = names.map((name, i) => {
    const bytes = readNamed(reading, ['directoryFiles', i], name, maxBytes)
    return bytes === undefined
      ? []
      : readDirectory(bytes, isAbsolute(name) ? name : join(dirname(reading.file), name), reading.findings)
  })
  return lists.length === 1 ? (lists[0] ?? []) : lists.flat()
}

/** Beyond this it is another file, and a sentence about each column would help nobody. */
const mostColumns = 100

/** A misspelt optional column would be silently empty, so every column must be known. */
function checkHeader(header: readonly string[], columns: Columns, file: string, findings: Findings): boolean {
  const known = [...columns.required, ...columns.optional]
  const before = findings.problems.length
  const wrong = (text: string, remedy: string): void =>
    void findings.problems.push(problem({ file, line: 1 }, text, remedy))
  if (header.length > mostColumns) {
    wrong(`The first line has ${header.length} columns.`, `The columns are ${known.join(', ')}.`)
    return false
  }
  const names = header.map((name) => name.toLowerCase())
  header.forEach((name, i) => {
    const meant = didYouMean(name, known)
    if (!known.some((k) => k.toLowerCase() === name.toLowerCase())) {
      wrong(
        `The column ${show(name)} does not exist.`,
        meant === undefined ? `The columns are ${known.join(', ')}; remove this one.` : `Did you mean ${meant}?`,
      )
    } else if (names.indexOf(name.toLowerCase()) < i)
      wrong(`The column ${name} stands twice.`, 'Remove one of the two.')
  })
  for (const name of columns.required)
    if (!names.includes(name.toLowerCase()))
      wrong(`The column ${name} is missing.`, `The columns are ${known.join(', ')}.`)
  return findings.problems.length === before
}
