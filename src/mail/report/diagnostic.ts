import { isUtf8 } from 'node:buffer'
import { type MapAddress, parseAddress } from '../address/address.ts'
import type { Edit } from './fields.ts'
import { toBytes } from './shown.ts'

type Found = Edit & { readonly old: string; readonly to: string; readonly entry: string }

/**
 * Addresses in the free text of a Diagnostic-Code (RFC 3464 section 2.3.6), which is what another server said and has no grammar.
 * One that the map does not know stays. Servers write them with a quoted local part, and with %40 for the sign, too.
 */
export function diagnosticAddresses(value: string, map: MapAddress): Found[] {
  const found: Found[] = []
  let done = 0
  for (const { 0: sign, index: at } of value.matchAll(/@|%40/g)) {
    const edit = at < done ? undefined : mapAround(value, done, { at, behind: at + sign.length }, map)
    if (edit === undefined) continue
    found.push(edit)
    done = edit.end
  }
  return found
}

/** The same for words that stand anywhere else: the text with its addresses mapped. */
export function mapAddressesIn(text: string, map: MapAddress): string {
  const bytes = toBytes(text)
  const pieces: string[] = []
  let done = 0
  for (const { start, end, text: to } of diagnosticAddresses(bytes, map)) {
    pieces.push(bytes.slice(done, start), to)
    done = end
  }
  return Buffer.from(pieces.join('') + bytes.slice(done), 'latin1').toString('utf8')
}

type Sign = { readonly at: number; readonly behind: number }

function mapAround(value: string, from: number, { at, behind }: Sign, map: MapAddress): Found | undefined {
  const end = domainEnd(value, behind)
  for (const start of localStarts(value, from, at)) {
    const address = parseBytes(`${value.slice(start, at)}@${value.slice(behind, end)}`)
    const mapped = address && map(address)
    if (address === undefined || mapped === undefined) continue
    // It already is what is wanted, and what stands within it is no address.
    if (mapped.to === address.text) return undefined
    const text = Buffer.from(mapped.to, 'utf8').toString('latin1')
    return { start, end, text, old: address.text, to: mapped.to, entry: mapped.entry }
  }
  return undefined
}

/**
 * Where the local part can begin, longest first: all that an atom may hold, then without the signs that stand before an address
 * in `'john@a.example'` and `orcpt=john@a.example`.
 */
function localStarts(value: string, from: number, at: number): number[] {
  const quote = quoteStart(value, from, at)
  if (quote !== undefined) return [quote]
  let start = at
  const first = Math.max(from, at - longestWord)
  while (start > first && /[\w.!#$%&'*+/=?^`{|}~\x80-\xff-]/.test(value.charAt(start - 1))) start--
  const word = value.slice(start, at)
  const bare = start + word.length - word.replace(/^[^\w\x80-\xff]+/, '').length
  const behindSign = start + word.lastIndexOf('=') + 1
  return [...new Set([start, bare, behindSign])].filter((place) => place < at)
}

/** More than an address can hold. */
const longestWord = 320

/** RFC 5321 section 4.5.3.1.1, twice over: every sign within may stand behind a backslash. */
const longestQuoted = 130

/** Of `"john smith"@a.example` (RFC 5321 section 4.1.2): the nearest quotation mark that no backslash makes part of it. */
function quoteStart(value: string, from: number, at: number): number | undefined {
  if (value.charAt(at - 1) !== '"') return undefined
  for (let start = at - 2; start >= Math.max(from, at - longestQuoted); start--)
    if (value.charAt(start) === '"' && value.charAt(start - 1) !== '\\') return start
  return undefined
}

function domainEnd(value: string, start: number): number {
  let end = start
  while (end < value.length && /[\w.\x80-\xff-]/.test(value.charAt(end))) end++
  // The full stop of a sentence.
  while (end > start && /[.-]/.test(value.charAt(end - 1))) end--
  return end
}

function parseBytes(bytes: string): ReturnType<typeof parseAddress> {
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? parseAddress(buffer.toString('utf8')) : undefined
}
