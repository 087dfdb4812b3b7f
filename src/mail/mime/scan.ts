import { parseHeader } from '../header/header.ts'
import type { Message } from '../message/message.ts'
import { closeLevels, type Delimiters, type Mark, makeDelimiters, nextMark, openLevel } from './delimiters.ts'
import { describe, type Entity, opaque } from './entity.ts'
import type { Part } from './part.ts'

export const maxDepth = 100
export const maxParts = 10_000
/** A part's own header; real ones have a few hundred bytes. */
const maxHeader = 65_536

/** A leaf whose end is not known yet, and the multiparts around it. */
type Leaf = { readonly entity: Entity; readonly headerStart: number; readonly bodyStart: number }

type Scan = {
  readonly raw: Buffer
  readonly delimiters: Delimiters
  readonly multiparts: { readonly type: string }[]
  readonly found: Part[]
  leaf: Leaf | undefined
  /** Everything that was begun, multiparts too: the bound of the work. */
  begun: number
}

/**
 * The leaf parts, in order. A message that is not multipart is one part and its body is not read at all.
 * Beyond 100 levels a multipart is one sealed part; beyond 10,000 parts the rest of the message is.
 */
export function parts(m: Message): readonly Part[] {
  const entity = describe(m.header, 'text/plain')
  const scan: Scan = {
    raw: m.raw,
    delimiters: makeDelimiters(m.raw),
    multiparts: [],
    found: [],
    leaf: undefined,
    begun: 0,
  }
  begin(scan, { entity, headerStart: 0, bodyStart: m.bodyStart })
  walk(scan, m.bodyStart)
  return scan.found
}

/** From one delimiter line to the next. What stands before the first and behind the last belongs to no part. */
function walk(scan: Scan, bodyStart: number): void {
  const end = scan.raw.length
  let at = bodyStart
  while (scan.multiparts.length > 0) {
    const mark = nextMark(scan.delimiters, at, end)
    if (mark === 'lost') return finishSealed(scan, at)
    if (mark === undefined) break
    finish(scan, beforeLineEnd(scan.raw, mark.at))
    leave(scan, mark.close ? mark.level : mark.level + 1)
    if (mark.close) at = mark.after
    else if (++scan.begun > maxParts) return finishSealed(scan, mark.after)
    else {
      const leaf = readHead(scan, mark.after)
      if (leaf === undefined) return finishSealed(scan, mark.after)
      begin(scan, leaf)
      at = leaf.bodyStart
    }
  }
  // RFC 2046 section 5.1.2: the end of the message ends a part whose last delimiter is missing.
  finish(scan, end)
}

/** Opens a multipart, or notes a leaf. */
function begin(scan: Scan, leaf: Leaf): void {
  const { type, encoding, parameters, sealed } = leaf.entity
  const isMultipart = type.startsWith('multipart/')
  // RFC 2045 section 6.4: a multipart has no encoding of its own. With one, its delimiters are not where they seem.
  const mayOpen = !sealed && /^(7bit|8bit|binary)$/.test(encoding) && scan.multiparts.length < maxDepth
  if (isMultipart && mayOpen && openLevel(scan.delimiters, parameters.get('boundary') ?? ''))
    scan.multiparts.push({ type })
  else scan.leaf = isMultipart ? { ...leaf, entity: { ...leaf.entity, sealed: true } } : leaf
}

function finish(scan: Scan, bodyEnd: number): void {
  const { leaf } = scan
  if (leaf === undefined) return
  scan.leaf = undefined
  const { headerStart, bodyStart, entity } = leaf
  const path = scan.multiparts.map(({ type }) => type)
  scan.found.push({ headerStart, bodyStart, bodyEnd: Math.max(bodyStart, bodyEnd), ...entity, path })
}

/** Over a bound: what is left is one part that nobody touches. */
function finishSealed(scan: Scan, from: number): void {
  const leaf = scan.leaf ?? { headerStart: from, bodyStart: from, entity: opaque }
  scan.leaf = { ...leaf, entity: { ...leaf.entity, sealed: true } }
  finish(scan, scan.raw.length)
}

function leave(scan: Scan, keep: number): void {
  closeLevels(scan.delimiters, keep)
  scan.multiparts.length = keep
}

/** The header of the part that begins at `start`; undefined when searching it lost the way. */
function readHead(scan: Scan, start: number): Leaf | undefined {
  const limit = Math.min(start + maxHeader, scan.raw.length)
  // First the delimiter, which is near where parts are many: so no byte is searched more than twice.
  const mark = nextMark(scan.delimiters, start, limit)
  if (mark === 'lost') return undefined
  const head = findBlankLine(scan.raw, start, mark?.at ?? limit) ?? headEnd(scan.raw.length, limit, mark)
  if (head === undefined) return { headerStart: start, bodyStart: start, entity: opaque }
  const text = scan.raw.toString('latin1', start, head.at).replaceAll(/\r?\n/g, '\r\n')
  // RFC 2046 section 5.1.5: what a digest holds are messages.
  const defaultType = scan.multiparts.at(-1)?.type === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
  return { headerStart: start, bodyStart: head.after, entity: describe(parseHeader(text), defaultType) }
}

type Line = { readonly at: number; readonly after: number }

/** A part can end before its empty line: at a delimiter or at the end of the message. Without any end it is unreadable. */
function headEnd(end: number, limit: number, mark: Mark | undefined): Line | undefined {
  if (mark !== undefined) return { at: mark.at, after: mark.at }
  return limit === end ? { at: end, after: end } : undefined
}

/** The empty line that ends a header. QUIRK: Exchange Online sends bare LF by BDAT, so LF alone ends a line here. */
function findBlankLine(raw: Buffer, start: number, limit: number): Line | undefined {
  if (raw[start] === 10) return { at: start, after: start + 1 }
  if (raw[start] === 13 && raw[start + 1] === 10) return { at: start, after: start + 2 }
  const crlf = raw.subarray(0, limit).indexOf('\n\r\n', start)
  const lf = raw.subarray(0, crlf < 0 ? limit : crlf).indexOf('\n\n', start)
  if (lf >= 0) return { at: lf + 1, after: lf + 2 }
  return crlf < 0 ? undefined : { at: crlf + 1, after: crlf + 3 }
}

/** The line end before a delimiter line is part of the delimiter. */
function beforeLineEnd(raw: Buffer, at: number): number {
  if (raw[at - 1] !== 10) return at
  return raw[at - 2] === 13 ? at - 2 : at - 1
}
