import { isIPv4, isIPv6 } from 'node:net'
import { hasUnseen } from './characters.ts'
import { domainKey } from './key.ts'
import { meaning } from './list.ts'
import { type Address, address } from './value.ts'

/** Who an envelope names. `why` is for the trace. */
export type Path =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'null' }
  | { readonly kind: 'postmaster' }
  | { readonly kind: 'bad'; readonly why: string }

// RFC 5321 section 4.5.3.1, in octets: the path of 256 has its angle brackets.
const maxLocalOctets = 64
const maxAddressOctets = 254

// RFC 5321 section 4.1.2 Local-part "@" Domain, with the UTF8-non-ascii of RFC 6531 section 3.3. Neither half of the first
// choice can hold '@', so the split is the only one there is. No escape, percent sign or encoded word means anything here.
const MAILBOX =
  /^((?:[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+\.)*[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+|"(?:[^"\\]|\\[ -~])*")@([^@]+)$/u

/**
 * The inside of <...> of MAIL FROM and RCPT TO: RFC 5321 section 4.1.2 to the letter, with RFC 6531. '' is the null path.
 * Source routes, comments, obsolete syntax and control characters are bad.
 */
export function parsePath(inside: string): Path {
  if (inside === '') return { kind: 'null' }
  // RFC 5321 section 4.1.1.3: the one address that needs no domain.
  if (/^postmaster$/i.test(inside)) return { kind: 'postmaster' }
  if (Buffer.byteLength(inside) > maxAddressOctets) return bad('the address is longer than 254 octets')
  if (hasUnseen(inside)) return bad('the address holds a control character or one that cannot be seen')
  if (inside.startsWith('@')) return bad('a source route')
  const match = MAILBOX.exec(inside)
  return match ? mailbox(match[1] ?? '', match[2] ?? '') : bad('not an address of the form local-part@domain')
}

function mailbox(spelling: string, domain: string): Path {
  if (!isDomain(domain)) return bad('the part after the @ is not a domain')
  const read = address(meaning(spelling), spelling, domain)
  // QUIRK: SRS, BATV and VERP put whole addresses into a local part. RFC 5321 section 4.5.3.1 wishes for no limits at all.
  if (read.form === 'person' && Buffer.byteLength(spelling) > maxLocalOctets) {
    return bad('the part before the @ is longer than 64 octets')
  }
  return { kind: 'address', address: read }
}

/** A domain that DNS can hold, or an address literal of RFC 5321 section 4.1.3. */
function isDomain(domain: string): boolean {
  if (domain.startsWith('[')) return isLiteral(domain)
  return !domain.endsWith('.') && domainKey(domain) !== ''
}

/** General address literals (`[tag:...]`) are not registered for anything and lead nowhere. */
export function isLiteral(domain: string): boolean {
  const inside = /^\[(.*)\]$/.exec(domain)?.[1] ?? ''
  const six = /^IPv6:([^%]+)$/i.exec(inside)?.[1]
  return six === undefined ? isIPv4(inside) : isIPv6(six)
}

function bad(why: string): Path {
  return { kind: 'bad', why }
}
