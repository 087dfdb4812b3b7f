import { domainToASCII, domainToUnicode } from 'node:url'
import { isAscii } from './characters.ts'
import type { Address } from './value.ts'

/**
 * Key for look-up: local part folded (NFC, simple case folding), '@', domain as lower-case A-label. Two addresses have the
 * same key exactly when the directory takes them for one. Cheap for ASCII.
 */
export function addressKey(a: Address): string {
  return `${foldLocal(a.local)}@${domainKey(a.domain) || oddDomain(a.domain)}`
}

// A literal, or something that is no domain: it must never fall together with one, so nothing outside ASCII is folded.
function oddDomain(domain: string): string {
  return isAscii(domain) ? domain.toLowerCase() : domain
}

// RFC 1123 section 2.1 and RFC 2181 section 11: letters, digits, hyphens; labels of 63. QUIRK: underscores, which hosts in real
// addresses have. A last label of digits alone would be an IP address without its brackets.
const DOMAIN = /^(?:(?!-)[a-z0-9_-]{1,63}(?<!-)\.)*(?!-|[0-9]+$)[a-z0-9_-]{1,63}(?<!-)$/i

/** The domain as lower-case A-label without trailing dot; '' when it is not a domain (RFC 1035, RFC 5890). */
export function domainKey(domain: string): string {
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain
  if (name.length > 253) return ''
  if (DOMAIN.test(name)) return name.toLowerCase()
  return isAscii(name) ? '' : toALabels(name)
}

/** A domainKey as people read it, with U-labels; itself when it has none, or when they would not lead back to it. */
export function readableDomain(key: string): string {
  if (!key.includes('xn--')) return key
  const readable = domainToUnicode(key)
  return domainKey(readable) === key ? readable : key
}

const U_LABELS = /^[a-z0-9_.\-\u0080-\u{10ffff}]+$/iu

/**
 * RFC 5891 section 4.2: a name counts only when its A-label leads back to it (apart from case). The mapping of UTS 46, by which
 * other characters become dots, letters or nothing, is how look-alikes get in.
 */
function toALabels(name: string): string {
  const composed = name.normalize('NFC')
  if (!U_LABELS.test(composed)) return ''
  const ascii = domainToASCII(composed)
  if (ascii.length > 253 || !DOMAIN.test(ascii)) return ''
  return domainToUnicode(ascii) === eachLower(composed) ? ascii : ''
}

// Each by itself: in a whole string a final sigma would become another letter.
function eachLower(text: string): string {
  return Array.from(text, (c) => c.toLowerCase()).join('')
}

function foldLocal(local: string): string {
  if (isAscii(local)) return local.toLowerCase()
  return Array.from(local.normalize('NFC'), foldOne).join('').normalize('NFC')
}

/** Simple case folding of one code point (Unicode chapter 3.13): what has no counterpart of the same length stays itself. */
function foldOne(c: string): string {
  if (c === 'ı') return c
  const upper = c.toUpperCase()
  const folded = (isOne(upper) ? upper : c).toLowerCase()
  return isOne(folded) ? folded : c
}

function isOne(text: string): boolean {
  return text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xffff)
}
