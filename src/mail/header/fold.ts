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
  if (raw.length <= maxLineBytes) return raw
  return raw.split('\r\n').map(shortened).join('\r\n')
}

function shortened(line: string): string {
  if (line.length <= maxLineBytes) return line
  const folded = foldLine(line)
  return folded.split('\r\n').some((part) => part.length > maxLineBytes) ? foldLine(spaced(line)) : folded
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

/** A list written without any space can be broken after its commas, if none of them can be inside quotes, comments or literals. */
function spaced(line: string): string {
  return /["()[\]\\]/.test(line) ? line : line.replace(/,(?=[^ \t])/g, ', ')
}
