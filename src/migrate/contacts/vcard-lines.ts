/** vCard 2.1, 3.0 and 4.0 as lines of properties (RFC 6350 section 3, RFC 2426, and the vCard 2.1 specification of 1996). */

export type Property = {
  /** Upper case; without the group before it. */
  readonly name: string
  readonly group: string
  /** Types in lower case, from `TYPE=a,b`, `TYPE=a;TYPE=b` and vCard 2.1's bare words. */
  readonly types: readonly string[]
  /** As written, escapes and all; quoted-printable and charsets are undone. */
  readonly value: string
}

export type Card = { readonly line: number; readonly properties: readonly Property[] }
export type BrokenCard = { readonly line: number; readonly why: string }

/** Cards in the order of the file; those without an end are told as broken. */
export function readCards(bytes: Buffer, take: (card: Card) => void, broken: (broken: BrokenCard) => void): void {
  let card: { line: number; properties: Property[] } | undefined
  // Latin-1 keeps every byte as it is until the charset of its property is known.
  for (const { text, line } of logicalLines(bytes.toString('latin1').replace(/^\xef\xbb\xbf/, ''))) {
    const property = propertyOf(text)
    if (property === undefined) continue
    const what = `${property.name}:${property.value.trim().toUpperCase()}`
    if (what === 'BEGIN:VCARD') {
      if (card !== undefined) broken({ line: card.line, why: 'a card begins inside this one, which has no END:VCARD' })
      card = { line, properties: [] }
    } else if (what === 'END:VCARD') {
      if (card !== undefined) take(card)
      card = undefined
    } else card?.properties.push(property)
  }
  if (card !== undefined) broken({ line: card.line, why: 'the card has no END:VCARD' })
}

/** Folded lines are joined (RFC 6350 section 3.2); so are vCard 2.1's soft line breaks of quoted-printable. */
function* logicalLines(text: string): Generator<{ readonly text: string; readonly line: number }> {
  let parts: string[] = []
  let began = 1
  let number = 0
  for (const physical of eachLine(text)) {
    number += 1
    const last = parts.at(-1)
    if (last !== undefined && isQuotedPrintable(parts[0] ?? '') && last.endsWith('=')) {
      parts[parts.length - 1] = last.slice(0, -1)
      parts.push(physical)
    } else if (last !== undefined && /^[ \t]/.test(physical)) parts.push(physical.slice(1))
    else {
      if (last !== undefined) yield { text: parts.join(''), line: began }
      parts = [physical]
      began = number
    }
  }
  if (parts.length > 0) yield { text: parts.join(''), line: began }
}

function* eachLine(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const line = end < 0 ? text.slice(at) : text.slice(at, end)
    yield line.endsWith('\r') ? line.slice(0, -1) : line
    at = end < 0 ? text.length : end + 1
  }
}

const isQuotedPrintable = (line: string): boolean => /^[^:]*quoted-printable/i.test(line.slice(0, 500))

function propertyOf(line: string): Property | undefined {
  const colon = endOfParameters(line)
  if (colon < 0) return undefined
  const [name = '', ...parameters] = splitOutsideQuotes(line.slice(0, colon))
  const dot = name.indexOf('.')
  const pairs = parameters.map((text) => pairOf(text))
  const value = decoded(line.slice(colon + 1), pairs)
  return {
    name: name.slice(dot + 1).toUpperCase(),
    group: dot < 0 ? '' : name.slice(0, dot).toLowerCase(),
    types: pairs.filter((pair) => pair.name === 'type').flatMap((pair) => pair.value.toLowerCase().split(',')),
    value,
  }
}

/** The colon that ends name and parameters: not one inside quotes (RFC 6350 section 3.3). */
function endOfParameters(line: string): number {
  let isQuoted = false
  for (let i = 0; i < line.length; i += 1) {
    const char = line[i]
    if (char === '"') isQuoted = !isQuoted
    else if (char === ':' && !isQuoted) return i
  }
  return -1
}

function splitOutsideQuotes(text: string): readonly string[] {
  const parts: string[] = []
  let isQuoted = false
  let from = 0
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '"') isQuoted = !isQuoted
    else if (text[i] === ';' && !isQuoted) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  return [...parts, text.slice(from)]
}

type Pair = { readonly name: string; readonly value: string }

/** vCard 2.1 writes `TEL;WORK;VOICE:` and `;QUOTED-PRINTABLE:` without names. */
function pairOf(text: string): Pair {
  const equals = text.indexOf('=')
  if (equals >= 0)
    return {
      name: text.slice(0, equals).trim().toLowerCase(),
      value: text
        .slice(equals + 1)
        .replaceAll('"', '')
        .trim(),
    }
  return { name: /^(?:quoted-printable|base64|b)$/i.test(text) ? 'encoding' : 'type', value: text.trim() }
}

function decoded(value: string, pairs: readonly Pair[]): string {
  const of = (name: string): string => pairs.find((pair) => pair.name === name)?.value.toLowerCase() ?? ''
  const bytes =
    of('encoding') === 'quoted-printable'
      ? Buffer.from(
          value.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        )
      : Buffer.from(value, 'latin1')
  return textOf(bytes, of('charset'))
}

/** UTF-8 unless it says otherwise or is none; what old programs wrote then is Windows-1252. */
function textOf(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset === '' ? 'utf-8' : charset, { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}
