/** Contacts out of a vCard file of any version, as phones, Outlook, Apple and Google write them. */
import { type BadRow, type Contact, limits, noContact, type PostalAddress, type ReadContacts } from './contact.ts'
import { dayOf } from './day.ts'
import { judge } from './judge.ts'
import { kindOf, phoneKindOf } from './read-csv.ts'
import { type Card, type Property, readCards } from './vcard-lines.ts'

export function readVcards(bytes: Buffer): ReadContacts {
  const found: { contact: Contact; line: number }[] = []
  const bad: BadRow[] = []
  let cards = 0
  const take = (card: Card): void => {
    cards += 1
    const { line } = card
    if (cards > limits.contacts) return
    const { contact, complaint } = judge(contactOf(card.properties))
    if (complaint !== undefined) bad.push({ line, ...complaint })
    if (contact !== undefined) found.push({ contact, line })
  }
  readCards(bytes, take, ({ line, why }) => void bad.push({ line, why, remedy: 'export the address book again' }))
  if (cards > limits.contacts)
    bad.push({
      line: 0,
      why: `there are more than ${limits.contacts} cards; the rest is left out`,
      remedy: 'split the file',
    })
  if (cards === 0 && bad.length === 0)
    bad.push({ line: 0, why: 'there is no card in the file', remedy: 'a card begins with BEGIN:VCARD' })
  return { contacts: found, bad, columns: [] }
}

function contactOf(properties: readonly Property[]): Contact {
  const all = (name: string): readonly Property[] => properties.filter((property) => property.name === name)
  const first = (name: string): string => unescaped(all(name)[0]?.value ?? '')
  // RFC 6350 section 6.2.2: family; given; additional; prefixes; suffixes.
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = components(all('N')[0]?.value ?? '')
  const [company = '', department = ''] = components(all('ORG')[0]?.value ?? '')
  const labelOf = (group: string): string =>
    group === '' ? '' : (properties.find((p) => p.name === 'X-ABLABEL' && p.group === group)?.value ?? '')
  const typed = (p: Property): string => [...p.types, labelOf(p.group)].join(' ')
  return {
    ...noContact,
    ...{ family, given, middle, prefix, suffix, company, department },
    displayName: first('FN'),
    nickname: first('NICKNAME'),
    title: first('TITLE') || first('ROLE'),
    emails: all('EMAIL').map((p) => ({ kind: kindOf(typed(p)), value: withoutScheme(unescaped(p.value), 'mailto:') })),
    phones: all('TEL').map((p) => ({ kind: phoneKindOf(typed(p)), value: withoutScheme(unescaped(p.value), 'tel:') })),
    addresses: all('ADR')
      .map((p) => addressOf(p, typed(p)))
      .filter((a) => a !== undefined),
    urls: all('URL').map((p) => unescaped(p.value)),
    birthday: dayOf(first('BDAY')),
    anniversary: dayOf(first('ANNIVERSARY') || first('X-ANNIVERSARY')),
    notes: first('NOTE'),
    categories: all('CATEGORIES')
      .flatMap((p) => split(p.value, ',').map(unescaped))
      .filter((one) => one.trim() !== ''),
  }
}

/** RFC 6350 section 6.3.1: PO box; extended; street; locality; region; postal code; country. */
function addressOf(p: Property, label: string): PostalAddress | undefined {
  const [box = '', extended = '', street = '', city = '', region = '', postalCode = '', country = ''] = components(
    p.value,
  )
  const lines = [street, extended, box].filter((part) => part.trim() !== '').join('\n')
  const address = { kind: kindOf(label), street: lines, city, region, postalCode, country }
  return [lines, city, region, postalCode, country].every((part) => part.trim() === '') ? undefined : address
}

const withoutScheme = (value: string, scheme: string): string =>
  value.toLowerCase().startsWith(scheme) ? value.slice(scheme.length) : value

const components = (value: string): readonly string[] => split(value, ';').map(unescaped)

/** At every separator that no backslash stands before. */
function split(value: string, separator: string): readonly string[] {
  const parts: string[] = []
  let from = 0
  for (let i = 0; i < value.length; i += 1) {
    if (value[i] === '\\') i += 1
    else if (value[i] === separator) {
      parts.push(value.slice(from, i))
      from = i + 1
    }
  }
  return [...parts, value.slice(from)]
}

const unescaped = (value: string): string =>
  value.replace(/\\([\s\S])/g, (_, char: string) => (char === 'n' || char === 'N' ? '\n' : char))
