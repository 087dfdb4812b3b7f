/** Cells that a spreadsheet must not take for a formula. */
import { escapeText } from './escape-text.ts'

/** Begins, after quotes and blanks that programs skip, with what makes a formula in Excel, LibreOffice or Sheets. */
const formulaStart = /^(?:["' ]*[=+\-@＝＋－＠]|["' ]*[\t\r\n\0])/
/** A semicolon parts cells where the comma is the decimal sign, quotes or not. */
const formulaInside = /;(?=["' ]*[=+\-@＝＋－＠])/g

/**
 * The text as a cell: `'` before what would be a formula, at the start of the cell or of what would become one, and
 * control characters escaped, so that one event is one line for every program.
 */
export function guardCell(text: string): string {
  const guarded = formulaStart.test(text) ? `'${text}` : text
  return escapeText(guarded).replace(formulaInside, ";'")
}
