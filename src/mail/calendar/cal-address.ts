import { isUtf8 } from 'node:buffer'
import { type Address, parseAddress } from '../address/address.ts'
import type { Slot } from './property.ts'

/** An address in a line, and how another one is written in its place; undefined when it cannot stand there. */
export type FoundAddress = {
  readonly start: number
  readonly end: number
  readonly address: Address
  readonly write: (to: string) => string | undefined
}

/** The address that a slot is, as mailto: or bare. undefined when it is something else. */
export function readAddress(text: string, slot: Slot): FoundAddress | undefined {
  const span = trim(text, slot.start, slot.end)
  const scheme = /^mailto:[ \t]*/i.exec(text.slice(span.start, Math.min(span.end, span.start + 100)))?.[0]
  return scheme === undefined ? readBare(text, span, slot) : readMailto(text, span.start + scheme.length, span.end)
}

/** RFC 6068 section 2: percent signs in the address, header fields behind '?'. */
function readMailto(text: string, start: number, spanEnd: number): FoundAddress | undefined {
  const whole = text.slice(start, spanEnd)
  const query = whole.indexOf('?')
  const old = query < 0 ? whole : whole.slice(0, query)
  const end = start + old.length
  // QUIRK: some programs never encode anything; then a percent sign is one.
  const address = parse(percentDecode(old)) ?? parse(old)
  return address && { start, end, address, write: (to) => writeMailto(old, to) }
}

/** QUIRK: old programs leave out mailto:, and Outlook sets names that are addresses into apostrophes. */
function readBare(text: string, { start, end }: { start: number; end: number }, slot: Slot): FoundAddress | undefined {
  const inApostrophes = end - start > 2 && text[start] === "'" && text[end - 1] === "'"
  const span = inApostrophes ? { start: start + 1, end: end - 1 } : { start, end }
  const address = parse(text.slice(span.start, span.end))
  return address && { ...span, address, write: (to) => writeBare(to, slot) }
}

function parse(bytes: string): Address | undefined {
  const text = bytes.includes('@') ? toText(bytes) : undefined
  return text === undefined ? undefined : parseAddress(text)
}

/** A parameter cannot hold quotes at all, nor delimiters outside of quotes (RFC 5545 section 3.1). */
function writeBare(to: string, slot: Slot): string | undefined {
  const forbidden = slot.quoted ? /[\x00-\x1f\x7f"]/ : /[\x00-\x1f\x7f";:,]/
  return forbidden.test(to) ? undefined : toBytes(to)
}

/** A local part that stays keeps its own spelling, encoded or not. */
function writeMailto(old: string, to: string): string {
  const at = to.lastIndexOf('@')
  const local = to.slice(0, at)
  const oldLocal = old.slice(0, Math.max(old.lastIndexOf('@'), 0))
  const stays = toText(oldLocal) === local || toText(percentDecode(oldLocal)) === local
  const raw8bit = /[^\x00-\x7f]/.test(old)
  return `${stays ? oldLocal : encode(local, raw8bit)}@${encode(to.slice(at + 1), raw8bit)}`
}

/** RFC 6068 section 2 item 1; ',', ';' and ':' too, for they delimit calendar parameters. */
function encode(text: string, raw8bit: boolean): string {
  const unsafe = raw8bit ? /[^\w\-.~!$'()*+\x80-\xff]/g : /[^\w\-.~!$'()*+]/g
  return toBytes(text).replaceAll(unsafe, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

function percentDecode(bytes: string): string {
  return bytes.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

function toText(bytes: string): string | undefined {
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? buffer.toString('utf8') : undefined
}

function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function trim(text: string, start: number, end: number): { readonly start: number; readonly end: number } {
  let first = start
  let last = end
  while (first < last && (text[first] === ' ' || text[first] === '\t')) first++
  while (last > first && (text[last - 1] === ' ' || text[last - 1] === '\t')) last--
  return { start: first, end: last }
}
