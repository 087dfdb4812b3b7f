/** Whether what was read is somebody: each value checked on the way in, so that nothing can be smuggled out of it later. */
import { parseAddress } from '../../mail/address/address.ts'
import { type BadRow, type Contact, shownName } from './contact.ts'

// Line ends belong into notes and streets; the other control characters nowhere.
const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g

/** Both: the contact is good but for something that was left out. */
export type Judged = { readonly contact?: Contact; readonly complaint?: Omit<BadRow, 'line'> }

/** The contact with its values cleaned and its name filled in, and what is wrong with it. */
export function judge(read: Contact): Judged {
  const all = cleaned(read)
  const emails = all.emails.filter(({ value }) => parseAddress(value) !== undefined)
  const wrong = all.emails.find(({ value }) => parseAddress(value) === undefined)
  const contact = { ...all, emails, displayName: shownName({ ...all, emails }) }
  if (wrong !== undefined) {
    const why = `${JSON.stringify(wrong.value)} is not an e-mail address`
    if (contact.displayName === '') return { complaint: { why, remedy: 'correct it' } }
    return { contact, complaint: { why: `${why}; the contact is taken without it`, remedy: 'correct it' } }
  }
  if (contact.displayName !== '') return { contact }
  const why = 'there is neither a name nor an address nor a number'
  return { complaint: { why, remedy: 'give it one of them, or leave it out' } }
}

function cleaned(c: Contact): Contact {
  const { emails, phones, ...rest } = clean(c)
  return { ...rest, emails: distinct(emails), phones: distinct(phones) }
}

/** The same shape, with every text in it cleaned. */
function clean<T>(value: T): T
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\r\n?/g, '\n').replace(control, ' ').trim()
  if (Array.isArray(value)) return value.map((one: unknown) => clean(one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, clean(one)]))
}

/** The same value twice says nothing more; the first kind stays. */
function distinct<T extends { readonly value: string }>(all: readonly T[]): readonly T[] {
  const seen = new Set<string>()
  return all.filter(({ value }) => {
    const key = value.toLowerCase()
    const isNew = value !== '' && !seen.has(key)
    seen.add(key)
    return isNew
  })
}
