import { isAtomByte, isTextByte } from './characters.ts'

/** `stray`: a bracket where no domain literal can be, seen unquoted in display names. Comments and white space make no token. */
export type TokenKind = 'atom' | 'quoted' | 'literal' | 'stray' | '.' | '@' | '<' | '>' | ',' | ':' | ';'
export type Token = { readonly kind: TokenKind; readonly start: number; readonly end: number }
export type Tokens =
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly kind: 'unreadable'; readonly why: string }

const maxCommentDepth = 50
const BROKEN = -1

/** Splits the value of an address field (binary string) by RFC 5322 section 3.2, obsolete syntax included. One pass. */
export function tokenise(value: string): Tokens {
  const tokens: Token[] = []
  let at = 0
  while (at < value.length) {
    const gap = gapEnd(value, at)
    if (gap === BROKEN) return unreadable(value, at)
    if (gap > at) {
      at = gap
      continue
    }
    const kind = kindAt(value, at, tokens.at(-1))
    const end = kind === undefined ? BROKEN : tokenEnd(value, at, kind)
    if (kind === undefined || end === BROKEN) return unreadable(value, at)
    tokens.push({ kind, start: at, end })
    at = end
  }
  return { kind: 'tokens', tokens }
}

function kindAt(value: string, at: number, before: Token | undefined): TokenKind | undefined {
  if (isAtomByte[value.charCodeAt(at)]) return 'atom'
  const c = value[at]
  switch (c) {
    case '"':
      return 'quoted'
    case '[':
      return before?.kind === '@' ? 'literal' : 'stray'
    case ']':
      return 'stray'
    case '.':
    case '@':
    case '<':
    case '>':
    case ',':
    case ':':
    case ';':
      return c
    default:
      return undefined
  }
}

function tokenEnd(value: string, at: number, kind: TokenKind): number {
  switch (kind) {
    case 'atom':
      return atomEnd(value, at)
    case 'quoted':
      return quotedEnd(value, at)
    case 'literal':
      return literalEnd(value, at)
    default:
      return at + 1
  }
}

function atomEnd(value: string, start: number): number {
  let at = start + 1
  while (isAtomByte[value.charCodeAt(at)]) at++
  return at
}

/** After one piece of white space, folding (RFC 5322 section 3.2.2) or one comment; `at` itself when none begins here. */
function gapEnd(value: string, at: number): number {
  const c = value[at]
  if (c === ' ' || c === '\t') return at + 1
  if (c === '\r') return foldEnd(value, at)
  return c === '(' ? commentEnd(value, at) : at
}

/** A line end is folding only as CRLF with a space or tab behind it. */
function foldEnd(value: string, at: number): number {
  const white = value[at + 2]
  return value[at + 1] === '\n' && (white === ' ' || white === '\t') ? at + 2 : BROKEN
}

/** Comments nest (RFC 5322 section 3.2.2); counted, not called, so that depth costs no stack. */
function commentEnd(value: string, start: number): number {
  let depth = 0
  let at = start
  while (at < value.length) {
    const c = value[at]
    if (c === '(' && ++depth > maxCommentDepth) return BROKEN
    if (c === ')' && --depth === 0) return at + 1
    at = contentEnd(value, at)
    if (at === BROKEN) return BROKEN
  }
  return BROKEN
}

function quotedEnd(value: string, start: number): number {
  let at = start + 1
  while (at < value.length) {
    if (value[at] === '"') return at + 1
    at = contentEnd(value, at)
    if (at === BROKEN) return BROKEN
  }
  return BROKEN
}

/** One character, quoted pair or fold inside quotes or a comment. obs-qp and obs-NO-WS-CTL are refused: parsers disagree on them. */
function contentEnd(value: string, at: number): number {
  if (value[at] === '\r') return foldEnd(value, at)
  const last = value[at] === '\\' ? at + 1 : at
  return isTextByte(value.charCodeAt(last)) ? last + 1 : BROKEN
}

/** RFC 5322 section 3.4.1 domain-literal, without the quoted pairs of its obsolete form. ASCII only. */
function literalEnd(value: string, start: number): number {
  let at = start + 1
  while (at < value.length) {
    const c = value[at]
    if (c === ']') return at + 1
    if (c === '[' || c === '\\' || value.charCodeAt(at) >= 0x80) return BROKEN
    at = contentEnd(value, at)
    if (at === BROKEN) return BROKEN
  }
  return BROKEN
}

function unreadable(value: string, at: number): Tokens {
  return { kind: 'unreadable', why: `${whyUnreadable(value[at] ?? '')} (byte ${at})` }
}

function whyUnreadable(c: string): string {
  switch (c) {
    case '(':
      return 'a comment that does not end, holds a control character or nests too deep'
    case ')':
      return 'a closing parenthesis without its opening one'
    case '"':
      return 'a quoted string that does not end or holds a control character'
    case '[':
      return 'a domain literal that does not end or holds what it must not'
    case '\\':
      return 'a quoted pair outside quotes'
    case '\r':
    case '\n':
      return 'a line end that is not folding'
    default:
      return 'a control character'
  }
}
