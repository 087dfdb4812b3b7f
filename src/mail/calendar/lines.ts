/** Content lines of RFC 5545 section 3.1: folding undone and, where it must be, done again. Text is binary strings. */
export type Span = { readonly start: number; readonly end: number }

/** One logical line. `folds` are the line ends that were taken out, by their place in `text`. */
export type Line = {
  readonly text: string
  readonly folds: readonly { readonly at: number; readonly bytes: string }[]
  readonly lineEnd: string
  /** Octets of its longest physical line. */
  readonly width: number
}

/** Replaces [start, end) of the unfolded text. */
export type Edit = Span & { readonly text: string }

/** RFC 5545 section 3.1: octets without the line end, with the space of a continuation. */
const maxWidth = 75

/** The logical lines, line end included, that can be ATTENDEE or ORGANIZER. An attachment in the calendar costs a search. */
export function* logicalLines(ics: Buffer): Generator<Span> {
  for (let start = 0; start < ics.length; ) {
    const end = logicalEnd(ics, start)
    if (mayBeAddress(ics, start, end)) yield { start, end }
    start = end
  }
}

/** By the beginning of the line, which folding can make short. */
function mayBeAddress(ics: Buffer, start: number, end: number): boolean {
  // 0x20 is what the two cases of an ASCII letter differ in.
  const letter = (ics[start] ?? 0) | 0x20
  if (letter !== 0x61 && letter !== 0x6f) return false
  const name = ics
    .toString('latin1', start, Math.min(start + 64, end))
    .replaceAll(/\r?\n[ \t]?|\r$/g, '')
    .slice(0, 8)
  return 'ATTENDEE'.startsWith(name.toUpperCase()) || 'ORGANIZER'.startsWith(name.toUpperCase())
}

function logicalEnd(ics: Buffer, start: number): number {
  let lf = ics.indexOf(10, start)
  while (lf >= 0 && (ics[lf + 1] === 32 || ics[lf + 1] === 9)) lf = ics.indexOf(10, lf + 1)
  return lf < 0 ? ics.length : lf + 1
}

/** Folding may stand anywhere, in the middle of a name or of a UTF-8 character. QUIRK: LF alone ends lines too. */
export function unfoldLine(raw: string): Line {
  const lineEnd = /\r?\n$/.exec(raw)?.[0] ?? ''
  const pieces: string[] = []
  const folds: { at: number; bytes: string }[] = []
  let from = 0
  let at = 0
  for (const fold of raw.matchAll(/\r?\n[ \t]/g)) {
    pieces.push(raw.slice(from, fold.index))
    at += fold.index - from
    folds.push({ at, bytes: fold[0] })
    from = fold.index + fold[0].length
  }
  pieces.push(raw.slice(from, raw.length - lineEnd.length))
  return { text: pieces.join(''), folds, lineEnd, width: width(raw) }
}

/** The line with its edits, which are in order. Its own folding stays as far as it can. */
export function spliceLine(line: Line, edits: readonly Edit[]): string {
  const woven = weave(line, edits)
  // A line that came too long may stay as long as it was.
  if (width(woven) <= Math.max(maxWidth, line.width)) return woven
  return refold(weave({ ...line, folds: [], lineEnd: '' }, edits), line)
}

/** A fold inside an edit goes with the old text. */
function weave({ text, folds, lineEnd }: Line, edits: readonly Edit[]): string {
  const pieces: string[] = []
  let at = 0
  let next = 0
  for (const edit of [...edits, { start: text.length, end: text.length, text: lineEnd }]) {
    for (let fold = folds[next]; fold && fold.at <= edit.start; fold = folds[++next]) {
      pieces.push(text.slice(at, fold.at), fold.bytes)
      at = fold.at
    }
    pieces.push(text.slice(at, edit.start), edit.text)
    at = edit.end
    while ((folds[next]?.at ?? at) < at) next++
  }
  return pieces.join('')
}

function refold(text: string, { lineEnd, folds }: Line): string {
  const fold = `${lineEnd || folds[0]?.bytes.slice(0, -1) || '\r\n'} `
  const pieces: string[] = []
  let at = 0
  for (let room = maxWidth; text.length - at > room; room = maxWidth - 1) {
    const end = characterStart(text, at + room)
    pieces.push(text.slice(at, end), fold)
    at = end
  }
  return pieces.join('') + text.slice(at) + lineEnd
}

/** The last border of a UTF-8 character at or before `at`; `at` itself where the bytes are no UTF-8. */
function characterStart(text: string, at: number): number {
  for (let back = 0; back < 4; back++) {
    if ((text.charCodeAt(at - back) & 0xc0) !== 0x80) return at - back
  }
  return at
}

function width(text: string): number {
  let widest = 0
  for (let at = 0; at <= text.length; ) {
    const lf = text.indexOf('\n', at)
    const end = lf < 0 ? text.length : lf
    widest = Math.max(widest, text[end - 1] === '\r' && lf > at ? end - 1 - at : end - at)
    at = end + 1
  }
  return widest
}
