/** `causeway migrate contacts`: an address book out of any file, into what other programs take. (local) */
import type { Command } from 'commander'
import type { z } from 'zod'
import { contactSchema, contactsPutSchema, mostContacts } from '../api/api.ts'
import {
  type CardDavOutcome,
  type Contact,
  fieldNames,
  type Merged,
  mergeDuplicates,
  outlookCsv,
  putContacts,
  type ReadContacts,
  readContacts,
  vcardOf,
} from '../migrate/contacts/contacts.ts'
import { escapeText } from '../trace/trace.ts'
import { connect } from './client.ts'
import { type CliParts, type GatewayPlace, type Io, jsonText, type Run, readInput, Stop, shared, table } from './io.ts'
import { writeNew } from './new-file.ts'
import { type AccessOptions, accessOf, withAccess } from './tenant-access.ts'

type Options = {
  column?: string[]
  outlook?: string
  vcard?: string
  carddav?: string
  user?: string
  passwordFile?: string
  book?: string
  keepDuplicates?: boolean
  mailbox?: string
} & AccessOptions

export function contactsCommand(migrate: Command, { io }: CliParts, run: Run): void {
  const contacts = withAccess(migrate.command('contacts'))
    .description(
      'read contacts from CSV (Outlook, Google, GoDaddy, any) or vCard; show what was understood, or write them (local, but for --mailbox)',
    )
    .argument('<file...>', 'files of one person’s contacts')
    .option(
      '--column <header=field>',
      'what a column is, when its name does not tell; `header=` leaves it out',
      collect,
    )
    .option('--keep-duplicates', 'do not make one of contacts that are the same person')
    .option('--outlook <file>', 'write the CSV file that Outlook and Outlook on the web import')
    .option('--vcard <file>', 'write one vCard file')
    .option('--carddav <url>', 'put them into an address book of a CardDAV server')
    .option('--mailbox <user>', 'put them into this mailbox of the tenant, by Microsoft Graph')
    .option('--user <name>', 'user of the CardDAV server')
    .option('--password-file <file>', 'file with the password; one final line end is not part of it')
    .option('--book <name>', 'address book of the CardDAV server, when there are several')
    .addHelpText(
      'after',
      `\nFields: ${fieldNames.join(', ')}\nExit code 1: a row could not be taken, or a contact not be put.`,
    )
  contacts.action((files: readonly string[], o: Options) => run(() => move(files, o, io, shared(contacts)))())
}

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value]

async function move(files: readonly string[], o: Options, io: Io, given: ReturnType<typeof shared>): Promise<number> {
  const columns = readColumns(o.column ?? [])
  const read = files.map((file) => ({ file, ...readContacts(readInput(file), columns) }))
  const all = read.flatMap(({ contacts }) => contacts)
  const merged =
    o.keepDuplicates === true ? { contacts: all.map(({ contact }) => contact), merged: [] } : mergeDuplicates(all)
  const put = { ...(await write(merged.contacts, o)), ...(await putByGraph(merged.contacts, o, given.at)) }
  if (given.json)
    io.out(jsonText({ files: read.map(forJson), merged: merged.merged, contacts: merged.contacts, ...put }))
  else io.out(preview(read, merged, put))
  const isWhole = read.every(({ bad }) => bad.length === 0) && (put.carddav?.ok ?? true)
  const failed = [put.carddav?.ok === true ? put.carddav.failed : [], put.graph?.failed ?? []].flat()
  return isWhole && failed.length === 0 ? 0 : 1
}

const forJson = ({ file, columns, bad, contacts }: ReadContacts & { readonly file: string }) => ({
  file,
  contacts: contacts.length,
  columns,
  bad,
})

function readColumns(given: readonly string[]): Readonly<Record<string, string>> {
  const pairs = given.map((text) => {
    const equals = text.lastIndexOf('=')
    const [header, field] = [text.slice(0, equals), text.slice(equals + 1)]
    if (equals < 1 || (field !== '' && !fieldNames.includes(field)))
      throw new Stop(2, `--column takes HEADER=FIELD, not ${JSON.stringify(text)}; --help lists the fields`)
    return [header, field] as const
  })
  return Object.fromEntries(pairs)
}

type GraphPut = z.infer<typeof contactsPutSchema>
type Written = { readonly wrote: readonly string[]; readonly carddav?: CardDavOutcome; readonly graph?: GraphPut }

async function write(contacts: readonly Contact[], o: Options): Promise<Written> {
  const wrote: string[] = []
  const save = (file: string, text: string): void => {
    writeNew(file, text)
    wrote.push(file)
  }
  if (o.outlook !== undefined) save(o.outlook, outlookCsv(contacts))
  if (o.vcard !== undefined) save(o.vcard, contacts.map(vcardOf).join(''))
  if (o.carddav === undefined) return { wrote }
  if (o.user === undefined || o.passwordFile === undefined)
    throw new Stop(2, '--carddav needs --user and --password-file')
  const password = readInput(o.passwordFile)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  return { wrote, carddav: await putContacts({ url: o.carddav, user: o.user, password, book: o.book }, contacts) }
}

/** By the gateway, which has the secret of the app. */
export function partedBySize(contacts: readonly Contact[]): { fit: Contact[]; tooMuch: GraphPut['failed'][number][] } {
  const fit: Contact[] = []
  const tooMuch: GraphPut['failed'][number][] = []
  for (const contact of contacts) {
    const issue = contactSchema.safeParse(contact).error?.issues[0]
    if (issue === undefined) fit.push(contact)
    else tooMuch.push({ name: contact.displayName, why: `${issue.path.join('.')}: ${issue.message}` })
  }
  return { fit, tooMuch }
}

async function putByGraph(contacts: readonly Contact[], o: Options, at: GatewayPlace): Promise<{ graph?: GraphPut }> {
  if (o.mailbox === undefined) return {}
  const access = accessOf(o)
  // One that is too much for the gateway costs no others.
  const { fit, tooMuch } = partedBySize(contacts)
  const sum = { created: 0, there: 0, failed: tooMuch }
  for (let from = 0; from < fit.length; from += mostContacts) {
    const body = { access, user: o.mailbox, contacts: fit.slice(from, from + mostContacts) }
    const put = await connect(at).send('POST', '/v1/contacts', body, contactsPutSchema)
    sum.created += put.created
    sum.there += put.there
    sum.failed.push(...put.failed)
  }
  return { graph: sum }
}

function preview(
  read: readonly (ReadContacts & { readonly file: string })[],
  { contacts, merged }: Merged,
  { wrote, carddav, graph }: Written,
): string {
  const lines: string[] = []
  for (const { file, columns, bad } of read) {
    if (columns.length > 0) lines.push(`${file}: columns`, columnTable(columns), '')
    for (const { line, why, remedy } of bad) lines.push(escapeText(`${file}:${line}: ${why}; ${remedy}`))
  }
  for (const { lines: at, name, lost } of merged) {
    const more = lost.length === 0 ? '' : `; left out: ${lost.join(', ')}`
    lines.push(escapeText(`lines ${at.join(', ')} are one: ${name}${more}`))
  }
  const found = read.reduce((sum, one) => sum + one.contacts.length, 0)
  lines.push(
    `${found} read, ${contacts.length} after merging, ${read.reduce((sum, { bad }) => sum + bad.length, 0)} complaints`,
  )
  for (const file of wrote) lines.push(`wrote ${file}`)
  if (carddav !== undefined) lines.push(...carddavLines(carddav))
  if (graph !== undefined) lines.push(...putLines('the mailbox', graph))
  if (wrote.length === 0 && carddav === undefined && graph === undefined)
    lines.push('nothing was written: --outlook, --vcard, --carddav or --mailbox says where to')
  return `${lines.join('\n')}\n`
}

function columnTable(columns: ReadContacts['columns']): string {
  const cell = (text: string): string => escapeText(text.length > 40 ? `${text.slice(0, 39)}…` : text)
  const rows = columns.map(({ header, field, sample }) => [cell(header), field ?? '(left out)', cell(sample)])
  return table([['column', 'taken for', 'for example'], ...rows])
}

function carddavLines(outcome: CardDavOutcome): readonly string[] {
  if (!outcome.ok) return [escapeText(`nothing was put: ${outcome.why}; ${outcome.remedy}`)]
  return putLines(outcome.book, outcome)
}

const putLines = (where: string, { created, there, failed }: GraphPut): readonly string[] => [
  escapeText(`${where}: ${created} put, ${there} were there already, ${failed.length} refused`),
  ...failed.map(({ name, why }) => escapeText(`${name}: ${why}`)),
]
