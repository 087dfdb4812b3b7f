/**
 * The CSV file of a batch, as Exchange Online takes it: `EmailAddress,UserName,Password[,UserRoot]`, and three columns of ours for
 * a target that wants a log-in of each mailbox. Read as a whole: every row that is wrong is told, and then nothing is taken.
 *
 * Source: "CSV files for IMAP migration batches", Microsoft.
 */
import { addressKey, parseAddress } from '../../mail/address/address.ts'
import { type Broken, readSheet, type SheetRecord } from '../../mail/sheet/sheet.ts'
import type { Server, Settings } from './settings.ts'

/** `row`: the line of the file on which it begins, the header being 1; 0 is the file itself. */
export type CsvProblem = {
  readonly row: number
  readonly column: string
  readonly what: string
  readonly remedy: string
}

export type CsvRow = {
  readonly row: number
  readonly email: string
  /** Two rows that are the same mailbox have the same. */
  readonly key: string
  readonly userName: string
  readonly password: string
  readonly userRoot: string
  readonly targetUserName: string
  readonly targetPassword: string
  readonly targetRoot: string
}

export type CsvRead = {
  readonly rows: readonly CsvRow[]
  /** Empty: the file may be used. */
  readonly problems: readonly CsvProblem[]
  /** How many more problems there are than are listed. */
  readonly more: number
  readonly warnings: readonly CsvProblem[]
}

export const maxRows = 50_000
export const maxFileBytes = 10 * 1024 * 1024
const maxListed = 1000

const required = ['EmailAddress', 'UserName', 'Password'] as const
const optional = ['UserRoot', 'TargetUserName', 'TargetPassword', 'TargetRoot'] as const
type Column = (typeof required)[number] | (typeof optional)[number]
const columns: readonly Column[] = [...required, ...optional]
const longestField = 1000

type Tell = (row: number, column: string, what: string, remedy: string) => void
type Findings = {
  readonly problems: CsvProblem[]
  readonly warnings: CsvProblem[]
  readonly counted: { more: number }
  readonly problem: Tell
  readonly warning: Tell
}

function noFindings(): Findings {
  const problems: CsvProblem[] = []
  const warnings: CsvProblem[] = []
  const counted = { more: 0 }
  return {
    problems,
    warnings,
    counted,
    problem(row, column, what, remedy) {
      if (problems.length < maxListed) problems.push({ row, column, what, remedy })
      else counted.more += 1
    },
    warning(row, column, what, remedy) {
      if (warnings.length < maxListed) warnings.push({ row, column, what, remedy })
    },
  }
}

export function readBatchCsv(bytes: Buffer, settings: Pick<Settings, 'source' | 'target'>): CsvRead {
  const found = noFindings()
  const rows = readRows(bytes, settings, found)
  const { problems, counted, warnings } = found
  const inOrder = problems.toSorted((a, b) => a.row - b.row)
  return { rows: problems.length === 0 ? rows : [], problems: inOrder, more: counted.more, warnings }
}

function readRows(bytes: Buffer, settings: Pick<Settings, 'source' | 'target'>, found: Findings): readonly CsvRow[] {
  if (bytes.length > maxFileBytes) {
    found.problem(0, '', `the file has ${bytes.length} bytes, and 10 MB are the most`, 'make two batches of it')
    return []
  }
  const all: SheetRecord[] = []
  const broken: Broken[] = []
  const isText = readSheet(bytes, { record: (one) => void all.push(one), broken: (one) => void broken.push(one) })
  if (!isText) {
    found.problem(0, '', 'the file is neither UTF-8 nor UTF-16 text', 'save it as "CSV UTF-8"')
    return []
  }
  const [header, ...records] = all
  if (header === undefined) found.problem(0, '', 'the file is empty', `its first line is ${required.join(',')}`)
  const places = header === undefined ? undefined : placesOf(header, found)
  for (const { line, why } of broken)
    found.problem(line, '', why, 'put the whole field in quotes and write a quote inside it twice')
  if (places === undefined) return []
  if (records.length > maxRows)
    found.problem(0, '', `the file has ${records.length} rows, and 50,000 are the most`, 'make two batches of it')
  const rows = records.slice(0, maxRows).flatMap((record) => readRow(record, places, settings, found) ?? [])
  if (records.length === 0 && header !== undefined)
    found.problem(0, '', 'the file has a header and no rows', 'write a row for each mailbox')
  findTwins(rows, found)
  return rows
}

type Places = { readonly count: number; readonly at: ReadonlyMap<Column, number> }

/** Exchange Online refuses a header that is spelled otherwise; what it would refuse is refused here, with what to write. */
function placesOf({ fields, line }: SheetRecord, found: Findings): Places | undefined {
  const at = new Map<Column, number>()
  const before = found.problems.length
  for (const [index, field] of fields.entries()) {
    const name = field.trim()
    const column = columns.find((one) => one === name)
    if (column !== undefined && at.has(column)) found.problem(line, name, 'the column is there twice', 'remove one')
    else if (column !== undefined) at.set(column, index)
    else found.problem(line, name, `there is no column "${name}"`, nearly(name))
  }
  for (const column of required)
    if (!at.has(column))
      found.problem(line, column, `the column ${column} is missing`, `the first line is ${required.join(',')}`)
  return found.problems.length === before ? { count: fields.length, at } : undefined
}

const plain = (name: string): string => name.replaceAll(/[^a-z]/gi, '').toLowerCase()
const otherNames: Readonly<Record<string, Column>> = {
  email: 'EmailAddress',
  mail: 'EmailAddress',
  emailadress: 'EmailAddress',
  user: 'UserName',
  login: 'UserName',
  username: 'UserName',
  pass: 'Password',
}

function nearly(name: string): string {
  const meant = columns.find((one) => plain(one) === plain(name)) ?? otherNames[plain(name)]
  if (meant !== undefined) return `write it ${meant}, one word, spelled like this`
  return `the columns are ${required.join(', ')}, and, if wanted, ${optional.join(', ')}`
}

function readRow(
  { line, fields }: SheetRecord,
  places: Places,
  settings: Pick<Settings, 'source' | 'target'>,
  found: Findings,
): CsvRow | undefined {
  // Spreadsheets leave rows of nothing but separators behind.
  if (fields.every((field) => field.trim() === '')) return undefined
  if (fields.length !== places.count) {
    const what = `the row has ${fields.length} fields, and the header ${places.count} columns`
    found.problem(line, '', what, 'leave a field empty between its commas, or put one that holds a comma in quotes')
    return undefined
  }
  const raw = (column: Column): string => fields[places.at.get(column) ?? -1] ?? ''
  const text = (column: Column): string => raw(column).trim()
  const email = text('EmailAddress')
  const row: CsvRow = {
    row: line,
    email,
    key: mailboxKey(email),
    userName: text('UserName'),
    // A blank at either end may belong to it.
    password: raw('Password'),
    userRoot: text('UserRoot'),
    targetUserName: text('TargetUserName'),
    targetPassword: raw('TargetPassword'),
    targetRoot: text('TargetRoot'),
  }
  checkRow(row, settings, found)
  return row
}

/** Two spellings of one address have the same. */
export function mailboxKey(email: string): string {
  const address = parseAddress(email)
  return address === undefined ? email.toLowerCase() : addressKey(address)
}

function checkRow(row: CsvRow, { source, target }: Pick<Settings, 'source' | 'target'>, found: Findings): void {
  const need = (column: string, value: string, remedy: string): void => {
    if (value === '') found.problem(row.row, column, 'it is empty', remedy)
  }
  if (row.email !== '' && parseAddress(row.email) === undefined)
    found.problem(row.row, 'EmailAddress', 'it is no address', 'write the address of the mailbox in the target')
  need('EmailAddress', row.email, 'write the address of the mailbox in the target')
  need('UserName', row.userName, 'write the name that logs in at the source')
  if (source.login.kind === 'password')
    need('Password', row.password, 'write the password of the mailbox at the source')
  if (target.login.kind === 'password')
    need(
      'TargetPassword',
      row.targetPassword,
      'write the password at the target, or open the target by an admin or an app',
    )
  if (row.userRoot !== '') checkRoot(row.row, 'UserRoot', row.userRoot, found)
  checkShape(row, found)
  hintAt(row, source, found)
}

function checkRoot(row: number, column: string, root: string, found: Findings): void {
  if (root.split('/').some((part) => part === '..' || part === '.'))
    found.problem(row, column, 'it leads elsewhere', 'write the path of a folder, such as /users/terry.adams')
}

const control = /\p{Cc}/u

function checkShape(row: CsvRow, found: Findings): void {
  const fields: readonly (readonly [Column, string])[] = [
    ['EmailAddress', row.email],
    ['UserName', row.userName],
    ['Password', row.password],
    ['UserRoot', row.userRoot],
    ['TargetUserName', row.targetUserName],
    ['TargetPassword', row.targetPassword],
    ['TargetRoot', row.targetRoot],
  ]
  for (const [column, value] of fields) {
    if (value.length > longestField)
      found.problem(row.row, column, `it is longer than ${longestField} characters`, 'is a quote missing before?')
    else if (control.test(value))
      found.problem(row.row, column, 'it holds a control character or a line end', 'is a quote missing before?')
  }
}

function hintAt(row: CsvRow, source: Server, found: Findings): void {
  for (const [column, value] of [
    ['Password', row.password],
    ['TargetPassword', row.targetPassword],
  ] as const)
    if (value !== value.trim())
      found.warning(
        row.row,
        column,
        'it begins or ends with a blank',
        'if that is a slip, remove it: it is sent as it is',
      )
  if (source.login.kind !== 'password' && row.password !== '')
    found.warning(row.row, 'Password', 'it is not used: the source is opened by one account', 'leave the field empty')
}

/** One mailbox in two rows would be copied by two at once; one source in two rows may be meant, and seldom is. */
function findTwins(rows: readonly CsvRow[], found: Findings): void {
  const seen = new Map<string, number>()
  const sources = new Map<string, number>()
  for (const { row, key, email, userName, userRoot } of rows) {
    const first = seen.get(key)
    if (first !== undefined)
      found.problem(row, 'EmailAddress', `${email} stands in row ${first} already`, 'remove one of the two rows')
    else seen.set(key, row)
    const source = JSON.stringify([userName.toLowerCase(), userRoot])
    const other = sources.get(source)
    if (other === undefined) sources.set(source, row)
    else if (userName !== '')
      found.warning(row, 'UserName', `row ${other} copies the same mailbox`, 'make sure that two targets are meant')
  }
}
