/** A contact as address books have it; every text trimmed, '' where nothing is known. */

export type Kind = 'work' | 'home' | 'other'
export type PhoneKind = Kind | 'mobile' | 'fax' | 'homeFax' | 'pager' | 'main'

export type PostalAddress = {
  readonly kind: Kind
  /** Several lines are parted by \n. */
  readonly street: string
  readonly city: string
  readonly region: string
  readonly postalCode: string
  readonly country: string
}

export type Contact = {
  readonly prefix: string
  readonly given: string
  readonly middle: string
  readonly family: string
  readonly suffix: string
  /** As it is shown: given and family name when the file says nothing else. */
  readonly displayName: string
  readonly nickname: string
  readonly company: string
  readonly department: string
  readonly title: string
  readonly emails: readonly { readonly kind: Kind; readonly value: string }[]
  readonly phones: readonly { readonly kind: PhoneKind; readonly value: string }[]
  readonly addresses: readonly PostalAddress[]
  readonly urls: readonly string[]
  /** YYYY-MM-DD, or --MM-DD where the year is not known (RFC 6350 section 4.3.1). */
  readonly birthday: string
  readonly anniversary: string
  readonly notes: string
  readonly categories: readonly string[]
}

/** Contacts with where each stood, and what could not be read. */
export type ReadContacts = {
  readonly contacts: readonly { readonly contact: Contact; readonly line: number }[]
  readonly bad: readonly BadRow[]
  /** What a column was taken for; of CSV files. */
  readonly columns: readonly ColumnMatch[]
}

export type BadRow = { readonly line: number; readonly why: string; readonly remedy: string }

/** `field` undefined: nobody here knows what it means, and it is left out. `sample`: its first value. */
export type ColumnMatch = { readonly header: string; readonly field: string | undefined; readonly sample: string }

export const noContact: Contact = {
  prefix: '',
  given: '',
  middle: '',
  family: '',
  suffix: '',
  displayName: '',
  nickname: '',
  company: '',
  department: '',
  title: '',
  emails: [],
  phones: [],
  addresses: [],
  urls: [],
  birthday: '',
  anniversary: '',
  notes: '',
  categories: [],
}

/** The name to show, from the best that is known. */
export function shownName(c: Contact): string {
  const full = [c.prefix, c.given, c.middle, c.family, c.suffix].filter((part) => part !== '').join(' ')
  return c.displayName || full || c.company || (c.emails[0]?.value ?? '') || (c.phones[0]?.value ?? '')
}

/** What every file may be at most; an address book beyond it is a mistake or an attack. */
export const limits = { fileBytes: 50 * 1024 * 1024, contacts: 100_000, textLength: 64 * 1024 }
