/**
 * Finds delimiter lines of several boundaries at once, in one pass over the body (RFC 2046 section 5.1.1).
 * The native search looks for what all open boundaries begin with, so that an attachment is skipped at memory speed.
 */
export type Mark = {
  /** Where the delimiter line begins, and where the line after it does. */
  readonly at: number
  readonly after: number
  readonly level: number
  readonly close: boolean
}

export type Delimiters = {
  readonly raw: Buffer
  /** Boundaries of the multiparts that are open now, outermost first, with what the search looks for. */
  readonly levels: { readonly boundary: string; readonly common: string }[]
  readonly lines: Map<string, { readonly level: number; readonly close: boolean }>
  /** Lines that looked like delimiters and were none. */
  misses: number
}

/** RFC 2046 allows 70; some programs write more. */
const maxBoundary = 250
/** Only lines inside nested multiparts can miss, as their boundaries have little in common. */
export const maxMisses = 200_000

export function makeDelimiters(raw: Buffer): Delimiters {
  return { raw, levels: [], lines: new Map(), misses: 0 }
}

/** False when the boundary is none, or is an outer one too: then nobody can tell whose a line is. */
export function openLevel(d: Delimiters, boundary: string): boolean {
  const text = boundary.trimEnd()
  if (text === '' || text.length > maxBoundary || /[\x00-\x1f\x7f]/.test(text)) return false
  if (d.lines.has(`--${text}`) || d.lines.has(`--${text}--`)) return false
  const level = d.levels.length
  const outer = d.levels.at(-1)
  d.levels.push({ boundary: text, common: outer === undefined ? text : commonPrefix(outer.common, text) })
  d.lines.set(`--${text}`, { level, close: false })
  d.lines.set(`--${text}--`, { level, close: true })
  return true
}

/** A delimiter of an outer multipart ends the inner ones, closed or not (RFC 2046 section 5.1.2). */
export function closeLevels(d: Delimiters, keep: number): void {
  for (const { boundary } of d.levels.splice(keep)) {
    d.lines.delete(`--${boundary}`)
    d.lines.delete(`--${boundary}--`)
  }
}

/** The next delimiter line that begins at `from` or later and before `end`; 'lost' when too much looked like one. */
export function nextMark(d: Delimiters, from: number, end: number): Mark | 'lost' | undefined {
  const level = d.levels.at(-1)
  if (level === undefined) return undefined
  const needle = Buffer.from(`\n--${level.common}`, 'latin1')
  const within = d.raw.subarray(0, end)
  // The line end before a delimiter belongs to it, and a body begins behind the line end of the empty line.
  for (let lf = within.indexOf(needle, Math.max(from - 1, 0)); lf >= 0; lf = within.indexOf(needle, lf + 1)) {
    const mark = readMark(d, lf + 1)
    if (mark !== undefined) return mark
    if (++d.misses > maxMisses) return 'lost'
  }
  return undefined
}

function readMark(d: Delimiters, at: number): Mark | undefined {
  const lf = d.raw.indexOf(10, at)
  const end = lf < 0 ? d.raw.length : lf
  const textEnd = withoutPadding(d.raw, at, end)
  if (textEnd - at > maxBoundary + 4) return undefined
  const line = d.lines.get(d.raw.toString('latin1', at, textEnd))
  return line && { at, after: lf < 0 ? end : lf + 1, ...line }
}

/** RFC 2046 section 5.1.1: transport-padding, white space that was added on the way. */
function withoutPadding(raw: Buffer, start: number, end: number): number {
  let last = end
  while (last > start && (raw[last - 1] === 32 || raw[last - 1] === 9 || raw[last - 1] === 13)) last--
  return last
}

function commonPrefix(a: string, b: string): string {
  let n = 0
  while (n < a.length && a[n] === b[n]) n++
  return a.slice(0, n)
}
