/**
 * Contacts: out of CSV files of any shape and vCards, into what other programs take.
 *
 * Promises: every contact of the file is taken, or told with its line and the reason; the same person twice becomes one that has
 *   everything of both, and what they contradicted each other in is told.
 * Never: a cell or property that a spreadsheet, a vCard reader or a server takes for something else than text.
 * On failure: a file that is no address book is told as such; nothing is half read.
 */
import { limits, type ReadContacts } from './contact.ts'
import { readCsv } from './read-csv.ts'
import { readVcards } from './read-vcard.ts'

export { type CardDavOutcome, type CardDavTarget, putContacts } from './carddav.ts'
export { fieldNames } from './columns.ts'
export type { BadRow, ColumnMatch, Contact, ReadContacts } from './contact.ts'
export { graphContact } from './graph-contact.ts'
export { type Merged, mergeDuplicates } from './merge.ts'
export { type GraphPut, putGraphContacts } from './put-graph.ts'
export { outlookCsv } from './write-outlook-csv.ts'
export { vcardOf } from './write-vcard.ts'

/** CSV or vCard, told by what is in it. `columns`: by header, the field that it is; '' leaves it out. */
export function readContacts(bytes: Buffer, columns: Readonly<Record<string, string>> = {}): ReadContacts {
  if (bytes.length > limits.fileBytes) {
    const why = `the file is larger than ${limits.fileBytes / 1024 / 1024} MB`
    return { contacts: [], bad: [{ line: 0, why, remedy: 'split it' }], columns: [] }
  }
  const start = bytes
    .subarray(0, 200)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
  return /^BEGIN:VCARD/i.test(start) ? readVcards(bytes) : readCsv(bytes, columns)
}
