/** The mailbox list of a provider, a CSV file of any shape: columns are recognised by their names, or told by hand. */
import { domainKey, parseAddress } from '../../mail/address/address.ts'
import { columnKey, readSheet } from '../../mail/sheet/sheet.ts'
import type { Account, AccountColumn, AccountMatch, BadAccount, ReadAccounts } from './account.ts'

export const accountColumns: readonly AccountColumn[] = [
  'address',
  'displayName',
  'given',
  'family',
  'department',
  'jobTitle',
  'mobilePhone',
  'aliases',
]

/** Names as `columnKey` writes them. */
const names: Readonly<Record<AccountColumn, string>> = {
  address:
    'email emailaddress mail mailbox mailboxname address primaryaddress primaryemail primaryemailaddress primarysmtpaddress username user userprincipalname upn login loginname account accountname emailkonto emailadresse postfach benutzer benutzername',
  displayName: 'displayname name fullname anzeigename realname vollstandigername',
  given: 'firstname givenname vorname forename',
  family: 'lastname surname familyname nachname',
  department: 'department abteilung',
  jobTitle: 'jobtitle title position funktion',
  mobilePhone: 'mobile mobilephone mobilenumber handy mobiltelefon',
  aliases: 'alias aliases emailaliases otheraddresses weitereadressen proxyaddresses emailaddresses',
}
const known: ReadonlyMap<string, AccountColumn> = new Map(
  accountColumns.flatMap((column) => names[column].split(' ').map((name) => [name, column] as const)),
)

export type ReadAccountsOptions = {
  /** For lists that have only what stands before the @. */
  readonly domain?: string
  /** By header as written; '' leaves the column out. */
  readonly columns?: Readonly<Record<string, AccountColumn | ''>>
}

type Column = { readonly header: string; readonly field: AccountColumn | undefined; sample: string }

export function readAccounts(bytes: Buffer, o: ReadAccountsOptions): ReadAccounts {
  const accounts: Account[] = []
  const bad: BadAccount[] = []
  const seen = new Map<string, number>()
  let columns: readonly Column[] | undefined
  const row = (line: number, fields: readonly string[]): void => {
    for (const [i, column] of (columns ?? []).entries()) column.sample ||= fields[i]?.trim() ?? ''
    const read = accountOf(line, fields, columns ?? [], o.domain)
    if ('why' in read) return void bad.push(read)
    const key = read.userPrincipalName.toLowerCase()
    const before = seen.get(key)
    if (before !== undefined)
      return void bad.push({
        line,
        why: `${read.userPrincipalName} stands in line ${before} already`,
        remedy: 'remove one',
      })
    seen.set(key, line)
    accounts.push(read)
  }
  const isText = readSheet(
    bytes,
    {
      record({ line, fields }) {
        if (columns === undefined) columns = fields.map((name) => columnOf(name.trim(), o.columns ?? {}))
        else if (fields.some((field) => field.trim() !== '')) row(line, fields)
      },
      broken: ({ line, why }) =>
        void bad.push({ line, why, remedy: 'put the whole field in quotes and write a quote inside it twice' }),
    },
    'windows-1252',
  )
  if (!isText || columns === undefined)
    return {
      accounts: [],
      bad: [{ line: 0, why: 'the file is empty', remedy: 'its first line names the columns' }],
      columns: [],
    }
  const matches: readonly AccountMatch[] = columns
  if (!matches.some(({ field }) => field === 'address')) return withoutAddress(matches)
  return { accounts, bad, columns: matches }
}

const withoutAddress = (columns: readonly AccountMatch[]): ReadAccounts => ({
  accounts: [],
  bad: [
    {
      line: 1,
      why: `no column has the address of the mailbox; there are: ${columns.map(({ header }) => header).join(', ')}`,
      remedy: 'say which one it is: --column "Header=address"',
    },
  ],
  columns,
})

function columnOf(header: string, told: Readonly<Record<string, AccountColumn | ''>>): Column {
  const field = told[header] ?? known.get(columnKey(header))
  return { header, field: field === '' ? undefined : field, sample: '' }
}

// Entra: letters, digits and these, 64 before the @ and 113 in all ("userPrincipalName", Microsoft Entra ID documentation).
const upnLocal = /^[A-Za-z0-9](?:[A-Za-z0-9._'!#^~-]*[A-Za-z0-9_'!#^~-])?$/
const unseen = /[\0-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

function accountOf(
  line: number,
  fields: readonly string[],
  columns: readonly Column[],
  domain: string | undefined,
): Account | BadAccount {
  if (fields.length > columns.length)
    return {
      line,
      why: `the row has ${fields.length} fields, the header ${columns.length} columns`,
      remedy: 'put a field that holds a separator in quotes',
    }
  const of = (wanted: AccountColumn): string => fields[columns.findIndex(({ field }) => field === wanted)]?.trim() ?? ''
  const odd = columns.find((column, i) => column.field !== undefined && unseen.test(fields[i]?.trim() ?? ''))
  if (odd !== undefined) return { line, why: `${odd.header} has control characters`, remedy: 'remove them' }
  const name = nameOf(of('address'), domain)
  if (typeof name !== 'string') return { line, ...name }
  const [given, family] = [of('given'), of('family')]
  const full = [given, family].filter(Boolean).join(' ')
  return {
    line,
    userPrincipalName: name,
    displayName: (of('displayName') || full || name.slice(0, name.indexOf('@'))).slice(0, 256),
    given: given.slice(0, 64),
    family: family.slice(0, 64),
    department: of('department').slice(0, 64),
    jobTitle: of('jobTitle').slice(0, 128),
    mobilePhone: of('mobilePhone').slice(0, 64),
    aliases: of('aliases')
      .split(/[;,\s]+/)
      .map((alias) => alias.replace(/^smtp:/i, ''))
      .filter((alias) => alias !== name && parseAddress(alias) !== undefined),
  }
}

function nameOf(value: string, domain: string | undefined): string | Omit<BadAccount, 'line'> {
  if (value === '') return { why: 'there is no address', remedy: 'fill it in, or remove the row' }
  const whole = value.includes('@') ? value : `${value}@${domain ?? ''}`
  if (whole.endsWith('@'))
    return { why: `${JSON.stringify(value)} has no domain`, remedy: 'say which one is meant with --domain' }
  const address = parseAddress(whole)
  if (address === undefined || domainKey(address.domain) === '')
    return { why: `${JSON.stringify(value)} is not an address`, remedy: 'correct it' }
  const local = whole.slice(0, whole.lastIndexOf('@'))
  if (!upnLocal.test(local) || local.length > 64 || whole.length > 113 || local.includes('..'))
    return {
      why: `${JSON.stringify(value)} cannot be a name in Entra: letters, digits and . - _ ' ! # ^ ~ before the @, 64 at most`,
      remedy: 'give the account another name; its old address can be an alias',
    }
  return whole
}
