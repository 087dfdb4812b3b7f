import { fromBytes, hasUnseen } from './characters.ts'
import { addressKey } from './key.ts'
import { type Token, tokenise } from './tokens.ts'
import { type Address, address } from './value.ts'

/** Span [start, end) of the addr-spec in the value, in bytes. Comments around it lie outside, those inside it inside. */
export type Mailbox = { readonly start: number; readonly end: number; readonly address: Address }
export type AddressList =
  | { readonly kind: 'list'; readonly mailboxes: readonly Mailbox[] }
  | { readonly kind: 'ambiguous'; readonly why: string }

/**
 * Reads the value of an address field: the binary string after the colon, folded or not. RFC 5322 section 3.4 with the
 * obsolete syntax of section 4.4 and the UTF-8 of RFC 6532; groups are flattened. Encoded words (RFC 2047) are never
 * decoded. An empty list is a list. What another parser could read otherwise is ambiguous. Linear time, any bytes.
 */
export function readAddressList(value: string): AddressList {
  const read = tokenise(value)
  if (read.kind === 'unreadable') return { kind: 'ambiguous', why: read.why }
  const mailboxes: Mailbox[] = []
  const why = readElements(value, read.tokens, mailboxes)
  return why === undefined ? { kind: 'list', mailboxes } : { kind: 'ambiguous', why }
}

/** Collects the mailboxes; the answer is why it could not. */
function readElements(value: string, tokens: readonly Token[], mailboxes: Mailbox[]): string | undefined {
  let inGroup = false
  for (let at = 0; at < tokens.length; at++) {
    const element = readElement(value, tokens, at)
    if (element.kind === 'ambiguous') return element.why
    if (element.mailbox) mailboxes.push(element.mailbox)
    const isEmpty = element.end === at
    at = element.end
    const delimiter = tokens[at]?.kind
    if (delimiter === ':') {
      if (inGroup) return 'a group inside a group'
      if (isEmpty) return 'a group without a name'
      inGroup = true
    } else if (delimiter === ';') {
      if (!inGroup) return 'a semicolon outside a group'
      if ((tokens[at + 1]?.kind ?? ',') !== ',') return 'text after a group'
      inGroup = false
    }
  }
  return inGroup ? 'a group that does not end' : undefined
}

/** One element up to its delimiter (',', ':', ';' or the end), which `end` is the index of. */
type Element =
  | { readonly kind: 'element'; readonly end: number; readonly mailbox?: Mailbox }
  | { readonly kind: 'ambiguous'; readonly why: string }

function readElement(value: string, tokens: readonly Token[], start: number): Element {
  const end = wordsEnd(tokens, start)
  const delimiter = tokens[end]?.kind
  if (delimiter === '<') return readNameAddr(value, tokens, start, end)
  if (delimiter === '>') return ambiguous('a closing angle bracket without its opening one')
  if (delimiter === ':')
    return hasAt(tokens, start, end) ? ambiguous('an address before a colon') : { kind: 'element', end }
  if (start === end) return { kind: 'element', end }
  const mailbox = readAddrSpec(value, tokens, start, end)
  return mailbox ? { kind: 'element', end, mailbox } : ambiguous('text that is not an address')
}

/** `phrase <addr-spec>`. `open` is the index of the angle bracket. */
function readNameAddr(value: string, tokens: readonly Token[], start: number, open: number): Element {
  const close = wordsEnd(tokens, open + 1)
  if (tokens[open + 1]?.kind === '@') return ambiguous('a source route')
  if (tokens[close]?.kind !== '>') return ambiguous('an angle bracket that is not closed behind one address')
  const mailbox = readAddrSpec(value, tokens, open + 1, close)
  if (!mailbox) return ambiguous('angle brackets without an address')
  if (!isDisplayName(value, tokens, start, open, mailbox.address))
    return ambiguous('an address where a display name is expected')
  const end = close + 1
  if (![',', ';', undefined].includes(tokens[end]?.kind)) return ambiguous('text after an angle bracket')
  return { kind: 'element', end, mailbox }
}

/**
 * QUIRK: clients write `john@x <john@x>` without the quotes that '@' needs in a name. Parsers take one or the other; when
 * both are the same address it makes no difference, otherwise (`any@evil <admin@legit>`) it is how spoofing is done.
 */
function isDisplayName(value: string, tokens: readonly Token[], start: number, end: number, real: Address): boolean {
  if (!hasAt(tokens, start, end)) return true
  const seen = readAddrSpec(value, tokens, start, end)
  return seen !== undefined && addressKey(seen.address) === addressKey(real)
}

function hasAt(tokens: readonly Token[], start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (tokens[at]?.kind === '@') return true
  return false
}

/** The index of the first token from `start` that is punctuation of the list. */
function wordsEnd(tokens: readonly Token[], start: number): number {
  let at = start
  while (at < tokens.length && !'<>,:;'.includes(tokens[at]?.kind ?? '')) at++
  return at
}

/** RFC 5322 section 4.4: obs-local-part "@" obs-domain, and all the tokens from `start` to `end` used up. */
function readAddrSpec(value: string, tokens: readonly Token[], start: number, end: number): Mailbox | undefined {
  const at = dottedEnd(tokens, start, isWord)
  const domainStart = at + 1
  if (tokens[at]?.kind !== '@' || domainEnd(tokens, domainStart) !== end) return undefined
  const first = tokens[start]
  const last = tokens[end - 1]
  if (!first || !last) return undefined
  const spelling = join(value, tokens, start, at)
  const read = understand(spelling, join(value, tokens, domainStart, end))
  return read && { start: first.start, end: last.end, address: read }
}

function domainEnd(tokens: readonly Token[], start: number): number {
  return tokens[start]?.kind === 'literal' ? start + 1 : dottedEnd(tokens, start, isAtom)
}

/** After the longest `word *("." word)` from `start`; -1 when there is none. */
function dottedEnd(tokens: readonly Token[], start: number, isPart: (token: Token | undefined) => boolean): number {
  if (!isPart(tokens[start])) return -1
  let at = start + 1
  while (tokens[at]?.kind === '.' && isPart(tokens[at + 1])) at += 2
  return at
}

function isAtom(token: Token | undefined): boolean {
  return token?.kind === 'atom'
}

function isWord(token: Token | undefined): boolean {
  return token?.kind === 'atom' || token?.kind === 'quoted'
}

/** The tokens without the comments and white space between them and without folding in them; literals lose all white space. */
function join(value: string, tokens: readonly Token[], start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at++) {
    const token = tokens[at]
    if (!token) break
    const raw = value.slice(token.start, token.end)
    text +=
      token.kind === 'quoted' ? raw.replaceAll('\r\n', '') : token.kind === 'literal' ? raw.replace(/\s+/g, '') : raw
  }
  return text
}

// Some parsers decode these in addr-specs, where RFC 2047 section 5 forbids them, and get another address.
const ENCODED_WORD = /=\?[^?]*\?[bq]\?[^?]*\?=/i

function understand(localBytes: string, domainBytes: string): Address | undefined {
  const spelling = fromBytes(localBytes)
  const domain = fromBytes(domainBytes)
  if (spelling === undefined || domain === undefined) return undefined
  if (hasUnseen(spelling) || hasUnseen(domain)) return undefined
  if (ENCODED_WORD.test(spelling) || ENCODED_WORD.test(domain)) return undefined
  return address(meaning(spelling), spelling, domain)
}

/** A local part without its quotes and escapes. */
export function meaning(spelling: string): string {
  if (!spelling.includes('"')) return spelling
  return spelling.replace(/\\(.)|"/gsu, (_, escaped: string | undefined) => escaped ?? '')
}

function ambiguous(why: string): Element {
  return { kind: 'ambiguous', why }
}
