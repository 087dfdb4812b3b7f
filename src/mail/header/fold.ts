/** RFC 5322 section 2.1.1: a line must not be longer, without its CRLF. */
const maxLineBytes = 998
const wantedLineBytes = 78

/** Folds one long line (no CR or LF in it) at white space where it can; the bytes that unfolding gives stay the same. */
export function foldLine(line: string): string {
  const pieces: string[] = []
  let start = 0
  while (line.length - start > wantedLineBytes) {
    const at = breakBefore(line, start)
    if (at === line.length) break
    pieces.push(line.slice(start, at))
    start = at
  }
  return [...pieces, line.slice(start)].join('\r\n')
}

/** Folds only the lines that no server has to take (RFC 5322 section 2.1.1); the others stay as they are. */
export function foldOverlong(raw: string): string {
  const lines = raw.split('\r\n')
  if (!lines.some(isOverlong)) return raw
  const spaced = spacedList(raw).split('\r\n')
  return lines.map((line, i) => shortened(line, spaced[i] ?? line)).join('\r\n')
}

function isOverlong(line: string): boolean {
  return line.length > maxLineBytes
}

/** At the white space that is there; when that is not enough, also behind the commas of the list. */
function shortened(line: string, spaced: string): string {
  if (!isOverlong(line)) return line
  const folded = foldLine(line)
  return folded.split('\r\n').some(isOverlong) ? foldLine(spaced) : folded
}

/** Where to break: the last white space that keeps the line short enough, else the next one, else the end. */
function breakBefore(line: string, start: number): number {
  // A line must hold something besides white space (RFC 5322 section 3.2.2 forbids making others).
  const first = textFrom(line, start)
  for (let at = start + wantedLineBytes; at > first; at--) if (isBreak(line, at)) return at
  for (let at = start + wantedLineBytes + 1; at < line.length; at++) if (at > first && isBreak(line, at)) return at
  return line.length
}

function isBreak(line: string, at: number): boolean {
  return isWhite(line[at]) && !isWhite(line[at - 1]) && textFrom(line, at) < line.length
}

function textFrom(line: string, start: number): number {
  let at = start
  while (isWhite(line[at])) at++
  return at
}

function isWhite(c: string | undefined): boolean {
  return c === ' ' || c === '\t'
}

/** The field with a space behind each comma of its list, where a line can be broken. */
function spacedList(raw: string): string {
  const pieces: string[] = []
  let start = 0
  for (const at of listCommas(raw)) {
    if (at + 1 === raw.length || /[ \t\r]/.test(raw[at + 1] ?? '')) continue
    pieces.push(raw.slice(start, at + 1))
    start = at + 1
  }
  return [...pieces, raw.slice(start)].join(' ')
}

/** The commas outside quoted strings, comments, angle brackets and domain literals (RFC 5322 section 3.4). One pass. */
function listCommas(raw: string): readonly number[] {
  const commas: number[] = []
  const closing: string[] = []
  for (let at = raw.indexOf(':') + 1; at < raw.length; at++) {
    const c = raw[at] ?? ''
    const end = closing.at(-1)
    if (c === '\\')
      at++ // RFC 5322 section 3.2.1: what stands behind it means nothing.
    else if (c === end) closing.pop()
    else if (opens(c, end)) closing.push(closingOf[c] ?? '')
    else if (c === ',' && end === undefined) commas.push(at)
  }
  return commas
}

const closingOf: { readonly [opening: string]: string } = { '"': '"', '(': ')', '<': '>', '[': ']' }

/** Inside a comment only another one begins, inside quotes and literals nothing. */
function opens(c: string, inside: string | undefined): boolean {
  if (inside === ')') return c === '('
  return c in closingOf && inside !== '"' && inside !== ']'
}
