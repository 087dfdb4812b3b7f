import { hasUnseen, isAscii, toBytes } from './characters.ts'
import { domainKey } from './key.ts'
import { readAddressList } from './list.ts'
import { isLiteral } from './path.ts'
import { type Address, address, localSpelling } from './value.ts'

/**
 * A complete addr-spec without display name, angle brackets, comments or spaces around it, e.g. from a directory or a calendar's
 * mailto. undefined when it is not one, has two readings, or names no possible domain.
 */
export function parseAddress(text: string): Address | undefined {
  if (hasUnseen(text)) return undefined
  const list = readAddressList(toBytes(text))
  const only = list.kind === 'list' && list.mailboxes.length === 1 ? list.mailboxes[0]?.address : undefined
  // What the reader left out (space, comment, name, comma) would make the spelling shorter than the text.
  return only?.text === text && isPossible(only.domain) ? only : undefined
}

function isPossible(domain: string): boolean {
  return isLiteral(domain) || (domainKey(domain) !== '' && !domain.endsWith('.'))
}

const DOT_STRING = /^[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+)*$/u

/**
 * An address from the meaning of its parts; the local part is quoted where RFC 5321 section 4.1.2 needs it.
 * Throws when it cannot be written at all: control characters, no domain.
 */
export function makeAddress(local: string, domain: string): Address {
  if (hasUnseen(local) || !isPossible(domain)) throw new TypeError('not the parts of an address')
  return address(local, DOT_STRING.test(local) ? local : `"${local.replace(/["\\]/g, '\\$&')}"`, domain)
}

/** The same local part, spelled as it came (quotes too), in another domain. Throws when that is no domain. */
export function withDomain(a: Address, domain: string): Address {
  if (!isPossible(domain)) throw new TypeError('not a domain')
  return address(a.local, localSpelling(a), domain)
}

/** `john+news@x` as john@x and '+news'. undefined when there is no tag, or what looks like one belongs to a bounce form or to quotes. */
export function splitTag(a: Address): { readonly base: Address; readonly tag: string } | undefined {
  const plus = a.local.indexOf('+')
  if (plus <= 0 || a.quoted || a.form !== 'person') return undefined
  const local = a.local.slice(0, plus)
  return { base: address(local, local, a.domain), tag: a.local.slice(plus) }
}

/** Spelling for a message: the domain as A-label unless the local part is not ASCII itself (then U-labels may stay). */
export function spell(a: Address): string {
  if (isAscii(a.text) || !isAscii(a.local)) return a.text
  return `${localSpelling(a)}@${domainKey(a.domain) || a.domain}`
}
