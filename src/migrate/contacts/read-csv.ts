/** Contacts out of a CSV file of any shape: columns are recognised by their names, or told by hand. */
import { readSheet } from '../../mail/sheet/sheet.ts'
import { type Slot, slotName, slotNamed, slotOf } from './columns.ts'
import {
  type BadRow,
  type ColumnMatch,
  type Contact,
  type Kind,
  limits,
  noContact,
  type PhoneKind,
  type PostalAddress,
  type ReadContacts,
} from './contact.ts'
import { dayOf } from './day.ts'
import { judge } from './judge.ts'

/** `columns`: by header as written, the field that it is, or '' to leave it out. */
export function readCsv(bytes: Buffer, columns: Readonly<Record<string, string>> = {}): ReadContacts {
  const found: { contact: Contact; line: number }[] = []
  const bad: BadRow[] = []
  let header: readonly { readonly name: string; readonly slot: Slot | undefined; sample: string }[] | undefined
  const isText = readSheet(
    bytes,
    {
      record({ line, fields }) {
        if (header === undefined) {
          header = fields.map((name) => ({ name: name.trim(), slot: choose(name.trim(), columns), sample: '' }))
          return
        }
        if (fields.every((field) => field.trim() === '')) return
        for (const [i, column] of header.entries()) column.sample ||= fields[i]?.trim() ?? ''
        const why = tooMuch(fields, header.length, found.length)
        if (why !== undefined) return void bad.push({ line, ...why })
        const contact = contactOf(
          fields,
          header.map((column) => column.slot),
        )
        const judged = judge(contact)
        if (judged.complaint !== undefined) bad.push({ line, ...judged.complaint })
        if (judged.contact !== undefined) found.push({ contact: judged.contact, line })
      },
      broken: ({ line, why }) =>
        void bad.push({ line, why, remedy: 'put the whole field in quotes and write a quote inside it twice' }),
    },
    'windows-1252', // what Outlook writes
  )
  if (!isText || header === undefined)
    bad.push({ line: 0, why: 'the file is empty', remedy: 'its first line names the columns' })
  return { contacts: found, bad, columns: (header ?? []).map(matchOf) }
}

function choose(name: string, columns: Readonly<Record<string, string>>): Slot | undefined {
  const told = columns[name]
  return told === undefined ? slotOf(name) : slotNamed(told)
}

const matchOf = (column: { name: string; slot: Slot | undefined; sample: string }): ColumnMatch => ({
  header: column.name,
  field: column.slot === undefined ? undefined : slotName(column.slot),
  sample: column.sample,
})

function tooMuch(fields: readonly string[], wanted: number, count: number): Omit<BadRow, 'line'> | undefined {
  if (fields.length > wanted)
    return {
      why: `the row has ${fields.length} fields, the header ${wanted} columns`,
      remedy: 'put a field that holds a separator in quotes',
    }
  if (fields.some((field) => field.length > limits.textLength))
    return { why: `a field is longer than ${limits.textLength} characters`, remedy: 'shorten it' }
  if (count >= limits.contacts)
    return { why: `there are more than ${limits.contacts} contacts`, remedy: 'split the file' }
  return undefined
}

/** What Google writes between several values in one cell. */
const parted = / ::: /
type Labelled = { label: string; value: string; address: Record<string, string> }

function contactOf(fields: readonly string[], slots: readonly (Slot | undefined)[]): Contact {
  const texts: Record<string, string> = {}
  const emails: { kind: Kind; value: string }[] = []
  const phones: { kind: PhoneKind; value: string }[] = []
  const urls: string[] = []
  const categories: string[] = []
  const addresses: Partial<Record<Kind, Record<string, string>>> = {}
  const pairs = new Map<string, Labelled>()
  for (const [i, slot] of slots.entries()) {
    const value = fields[i]?.trim() ?? ''
    if (slot === undefined || value === '') continue
    if (slot.to === 'email') emails.push({ kind: slot.kind, value })
    else if (slot.to === 'phone') phones.push({ kind: slot.kind, value })
    else if (slot.to === 'url') urls.push(value)
    else if (slot.to === 'categories') categories.push(...groupsOf(value))
    else if (slot.to === 'address') add((addresses[slot.kind] ??= {}), slot.part, value)
    else if (slot.to === 'labelled') note(pairs, slot, value)
    else texts[slot.to] ??= value
  }
  for (const [key, pair] of pairs) takePair(key, pair, { emails, phones, urls, addresses })
  return {
    ...noContact,
    ...texts,
    birthday: dayOf(texts['birthday'] ?? ''),
    anniversary: dayOf(texts['anniversary'] ?? ''),
    emails,
    phones,
    urls,
    categories,
    addresses: Object.entries(addresses).map(([kind, part]) => addressOf(kindOf(kind), part)),
  }
}

/** Street, Street 2 and Street 3 are lines of one. */
function add(parts: Record<string, string>, part: string, value: string): void {
  parts[part] = parts[part] === undefined ? value : `${parts[part]}\n${value}`
}

function note(pairs: Map<string, Labelled>, slot: Slot & { to: 'labelled' }, value: string): void {
  const key = `${slot.what} ${slot.number}`
  const pair = pairs.get(key) ?? { label: '', value: '', address: {} }
  if (slot.part === 'label' || slot.part === 'type') pair.label = value
  else if (slot.part === 'value') pair.value = value
  else pair.address[slot.part === 'postalcode' ? 'postalCode' : slot.part === 'pobox' ? 'poBox' : slot.part] = value
  pairs.set(key, pair)
}

function takePair(
  key: string,
  { label, value, address }: Labelled,
  into: {
    emails: { kind: Kind; value: string }[]
    phones: { kind: PhoneKind; value: string }[]
    urls: string[]
    addresses: Partial<Record<Kind, Record<string, string>>>
  },
): void {
  const kind = kindOf(label)
  const values = value.split(parted).map((one) => one.trim())
  if (key.startsWith('email')) into.emails.push(...values.filter(Boolean).map((one) => ({ kind, value: one })))
  if (key.startsWith('phone'))
    into.phones.push(...values.filter(Boolean).map((one) => ({ kind: phoneKindOf(label), value: one })))
  if (key.startsWith('url')) into.urls.push(...values.filter(Boolean))
  if (key.startsWith('address') && Object.keys(address).length > 0) into.addresses[kind] ??= address
}

export function kindOf(label: string): Kind {
  if (/work|business|gesch|arbeit|bureau|travail/i.test(label)) return 'work'
  return /home|priv|domicile|personal/i.test(label) ? 'home' : 'other'
}

export function phoneKindOf(label: string): PhoneKind {
  if (/fax/i.test(label)) return /home|priv/i.test(label) ? 'homeFax' : 'fax'
  if (/mobil|cell|handy|iphone/i.test(label)) return 'mobile'
  if (/pager/i.test(label)) return 'pager'
  return /main|primary/i.test(label) ? 'main' : kindOf(label)
}

function addressOf(kind: Kind, parts: Readonly<Record<string, string>>): PostalAddress {
  const { street = '', city = '', region = '', postalCode = '', country = '', poBox = '' } = parts
  return { kind, street: [street, poBox].filter(Boolean).join('\n'), city, region, postalCode, country }
}

/** Google marks its own groups with a star; they say nothing about a person. */
const groupsOf = (value: string): readonly string[] =>
  value
    .split(value.includes(' ::: ') ? parted : /[;,]/)
    .map((one) => one.trim())
    .filter((one) => one !== '' && !one.startsWith('* '))
