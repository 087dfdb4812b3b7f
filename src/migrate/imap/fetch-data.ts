import type { Data } from './response.ts'
import type { Skipped } from './response-reader.ts'
import { type ScanLimits, Scanner } from './scanner.ts'

/** What one FETCH response told; fields that it did not have are absent. */
export type FetchData = {
  readonly uid?: number
  readonly flags?: readonly string[]
  readonly internalDate?: string
  readonly size?: number
  /** `BODY[...]`, and where it began (`BODY[]<0>`). null: the server has none. */
  readonly content?: Buffer | Skipped | null
  readonly origin?: number
}

type Filling = { -readonly [K in keyof FetchData]: FetchData[K] }

/** RFC 9051 section 7.5.2. A string tells what is wrong with it. */
export function readFetch(data: Data, limits: ScanLimits): FetchData | string {
  if (data.number === 0) return 'it numbered a message 0'
  const scanner = new Scanner(data.frame, data.at, limits)
  const told: Filling = {}
  scanner.expect('(')
  while (scanner.fault === undefined && !scanner.takes(')')) readItem(scanner, told)
  if (told.uid === 0) scanner.fail('it gave a message the UID 0')
  return scanner.fault ?? told
}

function readItem(scanner: Scanner, told: Filling): void {
  const name = scanner.atom().toUpperCase()
  if (name.startsWith('BODY[')) return readSection(scanner, told, name)
  if (name === 'UID') told.uid = scanner.number()
  else if (name === 'FLAGS') told.flags = readFlags(scanner)
  else if (name === 'RFC822.SIZE') told.size = scanner.number()
  else if (name === 'INTERNALDATE') told.internalDate = date(scanner)
  else scanner.value()
}

/** `BODY[]`, `BODY[]<0>`, `BODY[HEADER.FIELDS (DATE FROM)]`: the word of the name ends at its first space or parenthesis. */
function readSection(scanner: Scanner, told: Filling, name: string): void {
  const end = name.endsWith(']') || name.endsWith('>') ? name : `]${scanner.until(']')}${scanner.until(' ')}`
  const origin = /<(\d{1,15})>$/.exec(end)?.[1]
  if (origin !== undefined) told.origin = Number(origin)
  const value = scanner.value()
  if (typeof value === 'string') told.content = Buffer.from(value, 'latin1')
  else if (value === null || Buffer.isBuffer(value) || 'skippedBytes' in value) told.content = value
  else scanner.fail('it gave a list for the content of a message')
}

/** RFC 9051 section 9, date-time, has 26 characters. */
const maxDate = 64

function date(scanner: Scanner): string {
  const value = scanner.astring()
  if (value === undefined || value.length > maxDate) scanner.fail('it gave no date')
  return copied(value ?? '')
}

/** V8 keeps the whole of a text for a piece of it; what is kept for long must not hold a line of a megabyte. */
function copied(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** The same few lists come again and again: each is read once. */
const known = new Map<string, readonly string[]>()
const maxKnown = 1000
const maxFlags = 16_384

function readFlags(scanner: Scanner): readonly string[] {
  scanner.expect('(')
  const list = scanner.until(')')
  const found = known.get(list)
  if (found !== undefined) return found
  if (list.length > maxFlags) scanner.fail('a message has too many flags')
  const own = copied(list)
  const flags = Object.freeze(flagsIn(own).filter((flag) => flag.toLowerCase() !== '\\recent'))
  if (known.size >= maxKnown) known.clear()
  if (list.length < 1000) known.set(own, flags)
  return flags
}

/**
 * QUIRK: keywords with `]` are passed on although RFC 9051 section 9 allows none. What could not be written as a flag again is
 * no flag.
 */
export function flagsIn(list: string): string[] {
  return list.split(' ').filter((flag) => isFlag(flag))
}

/** What may stand in a command as it is: no space, no control character, nothing that begins something else. */
export function isFlag(flag: string): boolean {
  return /^\\?[^\0-\x20(){%*"\\\x7f-\xff]+$/.test(flag)
}
