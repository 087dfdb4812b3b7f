import { isUtf8 } from 'node:buffer'
import { type Address, parseAddress, readAddressList } from '../address/address.ts'
import type { Edit } from './fields.ts'

/** The address in `type; address` (RFC 3464 section 2.1.2), and the edit that puts another one in its place. */
export type Recipient = { readonly address: Address; readonly write: (to: string) => Edit }

/** Where the type stands in the value, and the text behind it. */
type Typed = { readonly typeStart: number; readonly typeEnd: number; readonly start: number }

/** The one mail address of a Final-Recipient or Original-Recipient; undefined for other types and several readings. */
export function readRecipient(value: string): Recipient | undefined {
  const found = /^(?:[ \t]|\r?\n[ \t])*([\w-]{1,40})[ \t]*;/.exec(value)
  const type = found?.[1]
  if (found === null || type === undefined) return undefined
  const typeEnd = found[0].indexOf(type) + type.length
  const typed = { typeStart: typeEnd - type.length, typeEnd, start: found[0].length }
  switch (type.toLowerCase()) {
    case 'rfc822':
      return readRfc822(value, typed)
    case 'utf-8':
      return readUtf8(value, typed)
    default:
      return undefined
  }
}

/** QUIRK: angle brackets and comments are seen around it; the reader of address fields knows them. */
function readRfc822(value: string, typed: Typed): Recipient | undefined {
  // The address reader folds at CRLF only; as many spaces keep the offsets.
  const list = readAddressList(value.slice(typed.start).replaceAll(/\r?\n(?=[ \t])/g, (end) => ' '.repeat(end.length)))
  const [mailbox, second] = list.kind === 'list' ? list.mailboxes : []
  if (mailbox === undefined || second !== undefined) return undefined
  const start = typed.start + mailbox.start
  return { address: mailbox.address, write: (to) => write(value, typed, start, typed.start + mailbox.end, to) }
}

/** RFC 6533 section 3: UTF-8 as it is, or with \x{...} for all that is not plain ASCII. */
function readUtf8(value: string, typed: Typed): Recipient | undefined {
  const text = value.slice(typed.start)
  const start = typed.start + (text.length - text.trimStart().length)
  const bytes = text.trim()
  const decoded = decode(bytes)
  const address = decoded === undefined ? undefined : parseAddress(decoded)
  return address && { address, write: (to) => write(value, typed, start, start + bytes.length, to) }
}

function decode(bytes: string): string | undefined {
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? unescapeText(buffer.toString('utf8')) : undefined
}

/** RFC 6533 section 3, EmbeddedUnicodeChar: `\x{E9}` is the character. */
export function unescapeText(text: string): string {
  return text.replaceAll(/\\x\{([0-9a-f]{2,6})\}/gi, unescape)
}

function unescape(escaped: string, digits: string): string {
  const point = Number.parseInt(digits, 16)
  return point > 0x10_ffff ? escaped : String.fromCodePoint(point)
}

/**
 * An address that is not ASCII needs the type utf-8 (RFC 6533 section 3), unless the type was wrong already; in ASCII fields it
 * is escaped.
 */
function write(value: string, typed: Typed, start: number, end: number, to: string): Edit {
  const type = value.slice(typed.typeStart, typed.typeEnd)
  const old = value.slice(start, end)
  const bytes = Buffer.from(to, 'utf8').toString('latin1')
  const keepsType = isAscii(to) || !isAscii(old)
  if (keepsType && type.toLowerCase() === 'rfc822') return { start, end, text: bytes }
  const address = isAscii(value) ? escape(to, old) : bytes
  const between = value.slice(typed.typeEnd, start)
  return { start: typed.typeStart, end, text: `${isAscii(to) ? type : 'utf-8'}${between}${address}` }
}

/** RFC 6533 section 3, utf-8-addr-xtext: what is not QCHAR is escaped. A local part that stays keeps its own spelling. */
function escape(to: string, old: string): string {
  const at = to.lastIndexOf('@')
  const oldLocal = old.slice(0, Math.max(old.lastIndexOf('@'), 0))
  return decode(oldLocal) === to.slice(0, at) ? oldLocal + escapeText(to.slice(at)) : escapeText(to)
}

/** Everything that is not QCHAR becomes an EmbeddedUnicodeChar. */
export function escapeText(text: string): string {
  return text.replaceAll(
    /[^!-*,-<>-[\]-~]/gu,
    (c) => `\\x{${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}}`,
  )
}

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}
