/** Contacts as vCard 3.0 (RFC 2426): what Outlook, Apple, Google, phones and CardDAV servers all read. */
import { createHash } from 'node:crypto'
import type { Contact, Kind, PhoneKind } from './contact.ts'

export function vcardOf(c: Contact): string {
  const lines = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `UID:${uidOf(c)}`,
    `FN:${escaped(c.displayName)}`,
    `N:${[c.family, c.given, c.middle, c.prefix, c.suffix].map(escaped).join(';')}`,
    ...line('NICKNAME', c.nickname),
    ...(c.company === '' && c.department === '' ? [] : [`ORG:${[c.company, c.department].map(escaped).join(';')}`]),
    ...line('TITLE', c.title),
    ...c.emails.map(({ kind, value }) => `EMAIL;TYPE=INTERNET${typeOf(kind)}:${escaped(value)}`),
    ...c.phones.map(({ kind, value }) => `TEL;TYPE=${phoneTypes[kind]}:${escaped(value)}`),
    ...c.addresses.map(
      (a) =>
        `ADR${a.kind === 'other' ? '' : `;TYPE=${a.kind.toUpperCase()}`}:;;${[a.street, a.city, a.region, a.postalCode, a.country].map(escaped).join(';')}`,
    ),
    ...c.urls.map((url) => `URL:${escaped(url)}`),
    ...line('BDAY', c.birthday),
    ...line('X-ANNIVERSARY', c.anniversary),
    ...line('NOTE', c.notes),
    ...(c.categories.length === 0 ? [] : [`CATEGORIES:${c.categories.map(escaped).join(',')}`]),
    'END:VCARD',
  ]
  return lines.map((text) => `${folded(text)}\r\n`).join('')
}

/** The same contact has the same, so that writing it a second time does not make a second one. */
export function uidOf(c: Contact): string {
  const hex = createHash('sha256').update(JSON.stringify(c)).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

const line = (name: string, value: string): readonly string[] => (value === '' ? [] : [`${name}:${escaped(value)}`])
const typeOf = (kind: Kind): string => (kind === 'other' ? '' : `,${kind.toUpperCase()}`)
const phoneTypes: Readonly<Record<PhoneKind, string>> = {
  work: 'WORK,VOICE',
  home: 'HOME,VOICE',
  other: 'VOICE',
  mobile: 'CELL',
  fax: 'WORK,FAX',
  homeFax: 'HOME,FAX',
  pager: 'PAGER',
  main: 'WORK,VOICE,PREF',
}

/** RFC 2426 section 4: backslash, semicolon, comma and line end. */
const escaped = (value: string): string => value.replace(/[\\;,]/g, '\\$&').replaceAll('\n', '\\n')

/** RFC 2426 section 2.6: at most 75 octets a line, and never within a character. */
function folded(text: string): string {
  let length = 0
  let out = ''
  for (const char of text) {
    const octets = Buffer.byteLength(char)
    if (length + octets > 75) {
      out += '\r\n '
      length = 1
    }
    out += char
    length += octets
  }
  return out
}
