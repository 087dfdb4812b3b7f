/** Plain text for a terminal of 100 columns: headings, paragraphs, two messages side by side, tables. */

export type Row = { readonly label: string; readonly left: string; readonly right: string }

const pageWidth = 100
const labelWidth = 12
const columnWidth = 41

export function heading(number: number, title: string): string {
  const line = `${number}. ${title}`
  return `\n${line}\n${'-'.repeat(line.length)}\n`
}

export function paragraph(text: string): string {
  return `${wrap(text.replaceAll(/\s+/g, ' ').trim(), pageWidth).join('\n')}\n`
}

export function list(lines: readonly string[]): string {
  return lines
    .map(
      (line) =>
        `${wrap(line, pageWidth - 6)
          .map((part, i) => `${i === 0 ? '    - ' : '      '}${part}`)
          .join('\n')}\n`,
    )
    .join('')
}

/** Two columns; what differs is marked with `*`. */
export function sideBySide(left: string, right: string, rows: readonly Row[]): string {
  const head = rowText({ label: '', left, right }, ' ')
  const rule = `  ${'-'.repeat(labelWidth)} ${'-'.repeat(columnWidth)}   ${'-'.repeat(columnWidth)}\n`
  return `\n${head}${rule}${rows.map((row) => rowText(row, row.left === row.right ? ' ' : '*')).join('')}\n`
}

function rowText({ label, left, right }: Row, mark: string): string {
  const lefts = wrap(left, columnWidth)
  const rights = wrap(right, columnWidth)
  const height = Math.max(lefts.length, rights.length, 1)
  const lines = Array.from({ length: height }, (_, i) =>
    `  ${(i === 0 ? label : '').padEnd(labelWidth)} ${(lefts[i] ?? '').padEnd(columnWidth)} ${i === 0 ? mark : ' '} ${rights[i] ?? ''}`.trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map(
      (row) =>
        `  ${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** Rows of a table whose last cell is long: it goes on below, in its own column. */
export function longTable(rows: readonly (readonly [string, string, string])[]): string {
  const width = pageWidth - 22
  const spread = rows.flatMap(([first, second, text]) =>
    wrap(text, width).map((part, i) => (i === 0 ? [first, second, part] : ['', '', part])),
  )
  return table(spread)
}

/** At spaces; a word that is longer than the width is cut. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let open = ''
  for (const word of text.split(' ').flatMap((each) => cut(each, width))) {
    if (open !== '' && open.length + 1 + word.length > width) {
      lines.push(open)
      open = word
    } else open = open === '' ? word : `${open} ${word}`
  }
  return open === '' ? lines : [...lines, open]
}

function cut(word: string, width: number): readonly string[] {
  return word.match(new RegExp(`.{1,${width}}`, 'gsu')) ?? ['']
}
