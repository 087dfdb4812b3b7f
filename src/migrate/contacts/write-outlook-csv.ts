/** Contacts as the CSV file that Outlook and Outlook on the web import: its column names, in its order. */
import { stringify } from 'csv-stringify/sync'
import { guardCell } from '../../trace/trace.ts'
import type { Contact, Kind, PhoneKind, PostalAddress } from './contact.ts'

/** A row for each; with a BOM, so that Excel and Outlook take it for UTF-8. Cells that would be formulas are guarded. */
export function outlookCsv(contacts: readonly Contact[]): string {
  const header = columns.map(([name]) => name)
  const rows = contacts.map((contact) => columns.map(([, cell]) => guardCellLines(cell(contact))))
  return `\ufeff${stringify([header, ...rows], { record_delimiter: '\r\n' })}`
}

/** Streets and notes keep their lines: what is escaped in one-line reports is part of the text here. */
const guardCellLines = (text: string): string => {
  const [first = '', ...rest] = text.split('\n')
  return [isPhone(first) ? first : guardCell(first), ...rest].join('\r\n')
}

/** `+49 30 1234` begins like a formula and is none: no letter that could be a function. */
const isPhone = (text: string): boolean => /^\+[\d ()/.-]+$/.test(text)

const nth = (c: Contact, n: number): string => c.emails[n]?.value ?? ''
const shown = (c: Contact, n: number): string => (nth(c, n) === '' ? '' : c.displayName)
const typed = (c: Contact, n: number): string => (nth(c, n) === '' ? '' : 'SMTP')
const phone =
  (kind: PhoneKind, n = 0) =>
  (c: Contact): string =>
    c.phones.filter((one) => one.kind === kind)[n]?.value ?? ''
const address =
  (kind: Kind, part: Exclude<keyof PostalAddress, 'kind'>) =>
  (c: Contact): string =>
    c.addresses.find((one) => one.kind === kind)?.[part] ?? ''

function addressColumns(name: string, kind: Kind): readonly Column[] {
  return [
    [`${name} Street`, address(kind, 'street')],
    [`${name} City`, address(kind, 'city')],
    [`${name} State`, address(kind, 'region')],
    [`${name} Postal Code`, address(kind, 'postalCode')],
    [`${name} Country/Region`, address(kind, 'country')],
  ]
}

/** Outlook reads month first where it reads a day of a CSV file. */
function usDay(day: string): string {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day) ?? []
  return year === undefined ? '' : `${Number(month)}/${Number(date)}/${year}`
}

/** What has no column of its own goes where it is still seen. */
function notesOf(c: Contact): string {
  const more = [
    ...c.emails.slice(3).map(({ value }) => value),
    ...c.urls.slice(1),
    ...(c.birthday.startsWith('--') ? [`Birthday: ${c.birthday.slice(2)}`] : []),
  ]
  return [c.notes, ...more].filter((part) => part !== '').join('\n')
}

type Column = readonly [name: string, cell: (contact: Contact) => string]

const columns: readonly Column[] = [
  ['Title', (c) => c.prefix],
  ['First Name', (c) => (c.given === '' && c.family === '' && c.company === '' ? c.displayName : c.given)],
  ['Middle Name', (c) => c.middle],
  ['Last Name', (c) => c.family],
  ['Suffix', (c) => c.suffix],
  ['Company', (c) => c.company],
  ['Department', (c) => c.department],
  ['Job Title', (c) => c.title],
  ...addressColumns('Business', 'work'),
  ...addressColumns('Home', 'home'),
  ...addressColumns('Other', 'other'),
  ['Business Fax', phone('fax')],
  ['Business Phone', phone('work')],
  ['Business Phone 2', phone('work', 1)],
  ['Company Main Phone', phone('main')],
  ['Home Fax', phone('homeFax')],
  ['Home Phone', phone('home')],
  ['Home Phone 2', phone('home', 1)],
  ['Mobile Phone', phone('mobile')],
  ['Other Phone', phone('other')],
  ['Pager', phone('pager')],
  ['Anniversary', (c) => usDay(c.anniversary)],
  ['Birthday', (c) => usDay(c.birthday)],
  ['Categories', (c) => c.categories.join(';')],
  ['E-mail Address', (c) => nth(c, 0)],
  ['E-mail Type', (c) => typed(c, 0)],
  ['E-mail Display Name', (c) => shown(c, 0)],
  ['E-mail 2 Address', (c) => nth(c, 1)],
  ['E-mail 2 Type', (c) => typed(c, 1)],
  ['E-mail 2 Display Name', (c) => shown(c, 1)],
  ['E-mail 3 Address', (c) => nth(c, 2)],
  ['E-mail 3 Type', (c) => typed(c, 2)],
  ['E-mail 3 Display Name', (c) => shown(c, 2)],
  ['Nickname', (c) => c.nickname],
  ['Notes', notesOf],
  ['Web Page', (c) => c.urls[0] ?? ''],
]
