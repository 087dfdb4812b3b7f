/** The same person more than once becomes one contact that has everything of all. */
import { type Contact, type ReadContacts, shownName } from './contact.ts'

export type Merged = {
  readonly contacts: readonly Contact[]
  /** Of those that were more than one: the lines that went into it, and what one of them said otherwise. */
  readonly merged: readonly {
    readonly lines: readonly number[]
    readonly name: string
    readonly lost: readonly string[]
  }[]
}

/**
 * Two are the same when they share an e-mail address and their names do not contradict each other (a shared mailbox such as
 * info@ may be of several people), or when name and a number, or name and company, are the same and no address says otherwise.
 */
export function mergeDuplicates(read: ReadContacts['contacts']): Merged {
  const groups: Group[] = []
  const byKey = new Map<string, number[]>()
  for (const { contact, line } of read) {
    const keys = keysOf(contact)
    const at = keys.flatMap((key) => byKey.get(key) ?? []).find((index) => isSame(groups[index], contact))
    const group = at === undefined ? undefined : groups[at]
    if (group === undefined) groups.push({ lines: [line], contact, lost: [] })
    else {
      group.lines.push(line)
      group.lost.push(...contradictions(group.contact, contact))
      group.contact = union(group.contact, contact)
    }
    const index = at ?? groups.length - 1
    for (const key of keys) {
      const known = byKey.get(key)
      if (known === undefined) byKey.set(key, [index])
      // A key that hundreds share (a company's number) tells nobody apart.
      else if (known.length < 50 && !known.includes(index)) known.push(index)
    }
  }
  const merged = groups.filter(({ lines }) => lines.length > 1)
  return {
    contacts: groups.map(({ contact }) => contact),
    merged: merged.map(({ lines, contact, lost }) => ({ lines, name: contact.displayName, lost: [...new Set(lost)] })),
  }
}

type Group = { readonly lines: number[]; contact: Contact; readonly lost: string[] }

/** Nobody is so many: what grows beyond is a chain of strangers, and would be looked through for each link. */
const mostLines = 100
const mostValues = 50

function isSame(group: Group | undefined, contact: Contact): boolean {
  if (group === undefined || group.lines.length >= mostLines) return false
  const { emails, phones, addresses } = group.contact
  return Math.max(emails.length, phones.length, addresses.length) < mostValues && areSame(group.contact, contact)
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
const digits = (number: string): string => number.replace(/^00/, '+').replace(/[^\d+]/g, '')

function keysOf(c: Contact): readonly string[] {
  const name = folded(c.displayName)
  return [
    ...c.emails.map(({ value }) => `email ${folded(value)}`),
    ...c.phones.map(({ value }) => `phone ${name} ${digits(value)}`),
    `company ${name} ${folded(c.company)}`,
  ]
}

function areSame(a: Contact, b: Contact): boolean {
  const shared = a.emails.some(({ value }) => b.emails.some((other) => folded(other.value) === folded(value)))
  if (shared) return !contradict(nameOf(a), nameOf(b))
  const bothHaveAddresses = a.emails.length > 0 && b.emails.length > 0
  if (bothHaveAddresses || folded(a.displayName) !== folded(b.displayName)) return false
  const number = a.phones.some(({ value }) => b.phones.some((other) => digits(other.value) === digits(value)))
  return number || folded(a.company) === folded(b.company)
}

/** '' where only an address or a number stands for a name. */
function nameOf(c: Contact): string {
  const name = folded(shownName({ ...c, emails: [], phones: [] }))
  return c.emails.some(({ value }) => folded(value) === name) ? '' : name
}

const contradict = (a: string, b: string): boolean => {
  if (a === '' || b === '' || a === b) return false
  const [words, others] = [new Set(a.split(/[ ,]+/)), new Set(b.split(/[ ,]+/))]
  const isPart = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
    [...one].every((word) => other.has(word))
  return !isPart(words, others) && !isPart(others, words)
}

type TextField = { [K in keyof Contact]: Contact[K] extends string ? K : never }[keyof Contact]
const textFields: readonly TextField[] = [
  ...(['prefix', 'given', 'middle', 'family', 'suffix', 'displayName', 'nickname', 'company', 'department'] as const),
  ...(['title', 'birthday', 'anniversary', 'notes'] as const),
]

const contradictions = (a: Contact, b: Contact): readonly string[] =>
  textFields
    .filter((field) => field !== 'notes' && field !== 'displayName')
    .filter((field) => a[field] !== '' && b[field] !== '' && folded(a[field]) !== folded(b[field]))
    .map((field) => `${field}: ${b[field]}`)

/** The first that says something; lists have what both have; notes are put together. */
function union(a: Contact, b: Contact): Contact {
  const texts = Object.fromEntries(textFields.map((field) => [field, a[field] || b[field]]))
  const notes = [...new Set([a.notes, b.notes])].filter((note) => note !== '').join('\n')
  return {
    ...a,
    ...texts,
    displayName: nameOf(a) === '' ? b.displayName : a.displayName,
    notes,
    emails: distinct([...a.emails, ...b.emails], ({ value }) => folded(value)),
    phones: distinct([...a.phones, ...b.phones], ({ value }) => digits(value)),
    addresses: distinct([...a.addresses, ...b.addresses], ({ kind: _, ...rest }) =>
      folded(Object.values(rest).join('|')),
    ),
    urls: distinct([...a.urls, ...b.urls], folded),
    categories: distinct([...a.categories, ...b.categories], folded),
  }
}

function distinct<T>(all: readonly T[], keyOf: (one: T) => string): readonly T[] {
  const found = new Map<string, T>()
  for (const one of all) if (!found.has(keyOf(one))) found.set(keyOf(one), one)
  return [...found.values()]
}
