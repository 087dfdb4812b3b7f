/** Groups of fields with empty lines between them (RFC 3464 section 2.1), byte for byte, as binary strings. */
export type ReportField = {
  /** Lower-case name; '' for an empty line and for what is no field. */
  readonly key: string
  /** The name as written. */
  readonly name: string
  /** Everything up to the value: name, colon. */
  readonly lead: string
  /** Still folded, without the final line end. */
  readonly value: string
  readonly lineEnd: string
}

/** Replaces [start, end) of the value. */
export type Edit = { readonly start: number; readonly end: number; readonly text: string }

/** RFC 5322 section 2.1.1, without the line end. */
const maxLine = 998

/** The blocks with their empty lines: joined again they are the text. QUIRK: LF alone ends lines too. */
export function readBlocks(text: string): ReportField[][] {
  const blocks: ReportField[][] = []
  let block: ReportField[] = []
  for (let start = 0; start < text.length; ) {
    const end = fieldEnd(text, start)
    const field = readField(text.slice(start, end))
    block.push(field)
    // An empty line ends a block and belongs to it.
    if (field.lead === '' && field.value === '') {
      blocks.push(block)
      block = []
    }
    start = end
  }
  return [...blocks, block]
}

export function joinBlocks(blocks: readonly (readonly ReportField[])[]): string {
  return blocks
    .flat()
    .map(({ lead, value, lineEnd }) => lead + value + lineEnd)
    .join('')
}

/** After the first line end that no folding follows. An empty line is not folded: white space after it is another line. */
function fieldEnd(text: string, start: number): number {
  let lf = text.indexOf('\n', start)
  if (lf === start || (lf === start + 1 && text[start] === '\r')) return lf + 1
  while (lf >= 0 && (text[lf + 1] === ' ' || text[lf + 1] === '\t')) lf = text.indexOf('\n', lf + 1)
  return lf < 0 ? text.length : lf + 1
}

function readField(raw: string): ReportField {
  const lineEnd = /\r?\n$/.exec(raw)?.[0] ?? ''
  const body = raw.slice(0, raw.length - lineEnd.length)
  const [lead = '', name = ''] = /^([!-9;-~]+)[ \t]*:/.exec(body) ?? []
  return { key: name.toLowerCase(), name, lead, value: body.slice(lead.length), lineEnd }
}

export function replaceIn(field: ReportField, edits: readonly Edit[]): ReportField {
  const pieces: string[] = []
  let at = 0
  for (const { start, end, text } of edits) {
    pieces.push(field.value.slice(at, start), text)
    at = end
  }
  const value = pieces.join('') + field.value.slice(at)
  return { ...field, value: foldOverlong(field, value) }
}

/** Only lines that no server has to take are folded, at the last space that helps. */
function foldOverlong({ lead, lineEnd }: ReportField, value: string): string {
  if (lead.length + value.length <= maxLine) return value
  const fold = lineEnd || '\r\n'
  const lines = (lead + value).split('\n').map((line) => foldLine(line, fold))
  return lines.join('\n').slice(lead.length)
}

function foldLine(line: string, fold: string): string {
  const pieces: string[] = []
  let at = 0
  while (line.length - at > maxLine) {
    const space = line.lastIndexOf(' ', at + maxLine)
    // A continuation must hold more than the white space it begins with (RFC 5322 section 3.2.2).
    if (line.slice(at, space).trim() === '') break
    pieces.push(line.slice(at, space), fold)
    at = space
  }
  return pieces.join('') + line.slice(at)
}
