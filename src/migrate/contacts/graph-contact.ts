/** A contact as Microsoft Graph takes it: `POST /users/{id}/contacts` ("contact resource type", Microsoft Graph v1.0). */
import type { Contact, PostalAddress } from './contact.ts'

/** Properties that are empty are left out, so that what the server has stays. */
export function graphContact(c: Contact): Readonly<Record<string, unknown>> {
  const numbers = (...kinds: readonly string[]): readonly string[] =>
    c.phones.filter(({ kind }) => kinds.includes(kind)).map(({ value }) => value)
  const [mobile, ...moreMobiles] = numbers('mobile')
  const all: Record<string, unknown> = {
    displayName: c.displayName,
    title: c.prefix,
    givenName: c.given,
    middleName: c.middle,
    surname: c.family,
    generation: c.suffix,
    nickName: c.nickname,
    companyName: c.company,
    department: c.department,
    jobTitle: c.title,
    // More than three are refused.
    emailAddresses: c.emails.slice(0, 3).map(({ value }) => ({ name: c.displayName, address: value })),
    // Two of each kind at most; what is more goes into the notes.
    businessPhones: numbers('work', 'main').slice(0, 2),
    homePhones: numbers('home').slice(0, 2),
    mobilePhone: mobile ?? '',
    businessAddress: addressOf(c, 'work'),
    homeAddress: addressOf(c, 'home'),
    otherAddress: addressOf(c, 'other'),
    businessHomePage: c.urls[0] ?? '',
    // Noon in UTC is the same day from Samoa to Kiribati's neighbours: midnight is the day before for half of the world.
    birthday: /^\d{4}-/.test(c.birthday) ? `${c.birthday}T12:00:00Z` : '',
    categories: c.categories,
    personalNotes: notesOf(c, [...moreMobiles, ...numbers('fax', 'homeFax', 'pager', 'other')]),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => !isEmpty(value)))
}

function addressOf(c: Contact, kind: PostalAddress['kind']): Readonly<Record<string, string>> | undefined {
  const found = c.addresses.find((one) => one.kind === kind)
  if (found === undefined) return undefined
  const { street, city, region: state, postalCode, country: countryOrRegion } = found
  return { street, city, state, postalCode, countryOrRegion }
}

function notesOf(c: Contact, numbers: readonly string[]): string {
  const more = [
    ...c.emails.slice(3).map(({ value }) => value),
    ...numbers,
    ...c.phones
      .filter(({ kind }) => kind === 'home')
      .slice(2)
      .map(({ value }) => value),
    ...c.phones
      .filter(({ kind }) => kind === 'work' || kind === 'main')
      .slice(2)
      .map(({ value }) => value),
    ...c.urls.slice(1),
    ...(c.anniversary === '' ? [] : [`Anniversary: ${c.anniversary}`]),
    ...(c.birthday.startsWith('--') ? [`Birthday: ${c.birthday.slice(2)}`] : []),
  ]
  return [c.notes, ...more].filter((part) => part !== '').join('\n')
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
